/** Which page stands on the monitor. The document lies below all of them, so that it is still there afterwards. */
import { useEffect, useRef } from "preact/hooks";
import { Disconnected } from "./pages/Disconnected";
import { Identify, Ready, Replaced } from "./pages/Idle";
import { Opening, OrderProblem } from "./pages/Order";
import { LostStrip, NoticeStrip, PageNumber, StripLine, Tag } from "./pages/Over";
import { OfferQuestion, Revoked, Unpaired } from "./pages/Unpaired";
import type { PageProps } from "./parts";
import type { Sheet } from "./stage";
import { OPENING_SAID_MS } from "./station";

/** Nothing is said of a connection that comes back sooner. */
const LOST_SAID_MS = 3_000;

export function App({ station, documents }: PageProps & { documents: HTMLElement }) {
  const { stage, strip } = station.monitor.value;
  const showing = stage.kind === "showing" ? stage.sheet : null;
  const page = face({ station });
  const notice = station.notice.value;
  return (
    <>
      <section class="document" aria-label={showing?.title} inert={page !== null}>
        <div class="document-view">
          <Mounted element={documents} />
          {showing && station.now.value < station.monitor.value.tagUntil && (
            <Tag sheet={showing} station={station.place.value?.name ?? ""} />
          )}
          {showing && <PageNumber station={station} />}
        </div>
        {showing && <Below station={station} sheet={showing} />}
      </section>
      {page && <div class="over">{page}</div>}
      {page && (strip?.kind === "cleared" || notice) && (
        <div class="over-strip">
          {strip?.kind === "cleared" ? <StripLine strip={strip} /> : notice && <NoticeStrip problem={notice.problem} />}
        </div>
      )}
    </>
  );
}

/** The strip below a document: the worst of what there is to say. */
function Below({ station, sheet }: PageProps & { sheet: Sheet }) {
  const { strip } = station.monitor.value;
  const notice = station.notice.value;
  if (isLost({ station })) return <LostStrip sheet={sheet} />;
  if (strip) return <StripLine strip={strip} />;
  return notice && <NoticeStrip problem={notice.problem} />;
}

/** The page above the document; null where the document itself is what is to be seen. */
function face({ station }: PageProps) {
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

function isLost({ station }: PageProps): boolean {
  const lostAt = station.lostAt.value;
  return lostAt !== null && station.now.value - lostAt >= LOST_SAID_MS;
}

function Blank() {
  return <main class="station face station-none" />;
}

/** The viewer's own element, which Preact must not touch. */
function Mounted({ element }: { element: HTMLElement }) {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    ref.current?.append(element);
  }, [element]);
  return <div class="document-root" ref={ref} />;
}
