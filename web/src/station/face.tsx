/** Which of the station's pages stands on the monitor, on this page and on an extension's. */
import { Disconnected } from "./pages/Disconnected";
import { Identify, Ready, Replaced } from "./pages/Idle";
import { Opening, OrderProblem } from "./pages/Order";
import { OfferQuestion, Revoked, Unpaired } from "./pages/Unpaired";
import type { PageProps } from "./parts";
import { OPENING_SAID_MS } from "./stage";

/** Nothing is said of a connection that comes back sooner. */
const LOST_SAID_MS = 3_000;

/** The page above the document; null where the document itself is what is to be seen. */
export function face({ station }: PageProps) {
  const now = station.now.value;
  if (station.pairer.offer.value) return <OfferQuestion station={station} />;
  if (station.identify.value) return <Identify station={station} />;
  if (station.pairer.asking.value) {
    return now < station.revokedUntil.value ? <Revoked /> : <Unpaired station={station} />;
  }
  if (station.link.value.kind === "replaced") return <Replaced station={station} />;
  const { stage } = station.monitor.value;
  if (stage.kind === "showing") return null;
  if (isLost({ station })) return <Disconnected station={station} />;
  switch (stage.kind) {
    case "opening":
      if (stage.attempt === 1 && now - stage.since < OPENING_SAID_MS) return <Blank />;
      return <Opening station={station} stage={stage} />;
    case "failed":
    case "refused":
      return <OrderProblem station={station} stage={stage} />;
    case "ready":
      return station.place.value ? <Ready station={station} /> : <Blank />;
  }
}

export function isLost({ station }: PageProps): boolean {
  const lostAt = station.lostAt.value;
  return lostAt !== null && station.now.value - lostAt >= LOST_SAID_MS;
}

function Blank() {
  return <main class="station face station-none" />;
}
