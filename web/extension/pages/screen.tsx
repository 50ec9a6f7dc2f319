/** The extension's page on a monitor: the same pages as `/display`, from what the worker tells. */
import "../../src/station/station.css";
import { computed, signal } from "@preact/signals";
import { render } from "preact";
import { t } from "../../src/lib/i18n";
import type { Link } from "../../src/lib/wire/connection";
import { App as Pages } from "../../src/station/App";
import { listen } from "../../src/station/keys";
import { Identify } from "../../src/station/pages/Idle";
import { type DrawingFace, Frame, Middle, PlaceName } from "../../src/station/parts";
import { drift, hidePointer } from "../../src/station/room";
import { EMPTY, type Monitor, reduce, underWay } from "../../src/station/stage";
import { connect, tell, view } from "../port";
import { epochNow } from "../view";
import { Paper } from "./paper";

const TICK_MS = 500;
const OVER_MS = 10_000;

const asked = new URLSearchParams(location.search);
const index = Number(asked.get("display") ?? 1);
const over = asked.get("over");
const now = signal(epochNow());

const paper = new Paper(over ? null : index);

const station: DrawingFace = {
  monitor: computed(() => {
    const told = view.value?.stages[index] ?? EMPTY;
    const stage = paper.isDrawn.value ? opened(told) : told;
    return reduce(stage, { kind: "time" }, now.value);
  }),
  spot: paper.spot,
  link: computed<Link>(() => view.value?.link ?? { kind: "connecting" }),
  lostAt: computed(() => view.value?.lostAt ?? null),
  place: computed(() => view.value?.place ?? null),
  last: computed(() => view.value?.last ?? null),
  identify: computed(() => null), // laid over, so that what stands here stays
  revokedUntil: computed(() => view.value?.revokedUntil ?? 0),
  notice: computed(() => view.value?.notice ?? null),
  now,
  pairer: {
    asking: computed(() => view.value?.asking ?? null),
    offer: computed(() => null),
    problem: computed(() => null),
  },
  confirm: () => tell({ do: "reconnect" }),
};

/** A document is put on this page for the order that is being opened, or opened once more. */
function opened(told: Monitor): Monitor {
  const sheet = underWay(told.stage);
  return sheet ? reduce(told, { kind: "drawn", id: sheet.id }, now.value) : told;
}

function App() {
  const told = view.value;
  if (!told) return null;
  if (over === "identify") return <Called />;
  if (over === "test") return <Test />;
  return <Pages station={station} documents={paper.element} />;
}

function Called() {
  const identify = computed(() => view.value?.identify ?? null);
  return identify.value && <Identify station={{ ...station, identify }} />;
}

function Test() {
  const { width, height } = screen;
  return (
    <Frame
      lamp="ready"
      top={<PlaceName place={station.place.value} />}
      foot={<span class="code">{`${width}×${height}`}</span>}
    >
      <Middle icon="shown" head={{ ko: `${index + 1}번 모니터입니다`, en: `This is monitor ${index + 1}` }}>
        <p class="say">{t("제작의뢰서는 여기에 나타납니다", "Work orders appear here")}</p>
      </Middle>
    </Frame>
  );
}

const root = document.getElementById("app");
if (root) render(<App />, root);
hidePointer(document.documentElement);
drift(document.documentElement);
setInterval(() => {
  now.value = epochNow();
}, TICK_MS);
listen({ turn: (way) => paper.turn(way), confirm: () => station.link.value.kind === "replaced" && station.confirm() });
connect();
// What lies over a work order takes itself away: the worker may be ended meanwhile.
if (over) {
  setTimeout(
    async () => {
      const { id } = await chrome.windows.getCurrent();
      if (id !== undefined) await chrome.windows.remove(id);
    },
    Number(asked.get("ms") ?? OVER_MS),
  );
}
