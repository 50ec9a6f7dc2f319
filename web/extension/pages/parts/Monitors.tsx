/** The PC's monitors to scale, as they stand on the desk, and which of them work orders go to. */
import { problemOf } from "../../../src/lib/errors";
import { t } from "../../../src/lib/i18n";
import type { Bounds } from "../../../src/lib/messages";
import { ProblemNotice } from "../../../src/ui/Notice";
import type { View } from "../../view";
import { monitorText } from "./words";

type Monitor = View["monitors"][number];
type Drawn = { index: number; bounds: Bounds; monitor: Monitor | null };

type MonitorsProps = {
  told: View;
  /** As high as the picture may get, in px. */
  most: number;
  /** With it each monitor can be pressed, and says its name and size. */
  onChoose?: (monitor: Monitor) => void;
};

export function Monitors({ told, most, onChoose }: MonitorsProps) {
  const { monitors, target } = told;
  const drawn = withMissing(monitors, target);
  const left = Math.min(...drawn.map(({ bounds }) => bounds.left));
  const top = Math.min(...drawn.map(({ bounds }) => bounds.top));
  const width = Math.max(...drawn.map(({ bounds }) => bounds.left + bounds.width)) - left;
  const height = Math.max(...drawn.map(({ bounds }) => bounds.top + bounds.height)) - top;
  const here = hereIndex(monitors);
  const place = ({ bounds }: Drawn) => ({
    left: `${((bounds.left - left) / width) * 100}%`,
    top: `${((bounds.top - top) / height) * 100}%`,
    width: `${(bounds.width / width) * 100}%`,
    height: `${(bounds.height / height) * 100}%`,
  });
  const tag = ({ index, monitor }: Drawn): string => {
    if (!monitor) return t("안 보임", "Not seen");
    if (index === target) return t("제작의뢰서", "Work orders");
    return index === here ? t("이 화면", "This one") : "";
  };
  const size = { aspectRatio: `${width} / ${height}`, maxWidth: `${Math.round((most * width) / height)}px` };
  if (!onChoose) {
    const said = drawn.map((one) => [monitorText(one.index), tag(one)].filter(Boolean).join(" "));
    return (
      <div class="mons" role="img" aria-label={said.join(", ")}>
        <div class="mons-desk" style={size}>
          {drawn.map((one) => (
            <span key={one.index} class={look(one, target)} style={place(one)}>
              <i>
                <b>{one.index + 1}</b>
                <small>{tag(one)}</small>
              </i>
            </span>
          ))}
        </div>
      </div>
    );
  }
  return (
    <fieldset class="mons">
      <legend class="vh">{t("제작의뢰서를 띄울 모니터", "Monitor for work orders")}</legend>
      <div class="mons-desk" style={size}>
        {drawn.map((one) =>
          one.monitor ? (
            <Choice key={one.index} one={one} monitor={one.monitor} {...{ target, tag, place, onChoose }} />
          ) : (
            <span key={one.index} class={look(one, target)} style={place(one)}>
              <i>
                <b>{one.index + 1}</b>
                <small>{tag(one)}</small>
              </i>
            </span>
          ),
        )}
      </div>
    </fieldset>
  );
}

/** Amber here, where somebody can see to it, whatever the code's tone is for a delivery. */
export function MissingNotice({ told }: { told: View }) {
  const { monitors, target } = told;
  if (monitors.some(({ index }) => index === target)) return null;
  const problem = problemOf("DISPLAY_NOT_AVAILABLE", { n: monitors.length });
  return <ProblemNotice problem={{ ...problem, tone: "temporary" }} />;
}

type ChoiceProps = {
  one: Drawn;
  monitor: Monitor;
  target: number;
  tag: (one: Drawn) => string;
  place: (one: Drawn) => Record<string, string>;
  onChoose: (monitor: Monitor) => void;
};

function Choice({ one, monitor, target, tag, place, onChoose }: ChoiceProps) {
  const size = `${monitor.bounds.width}×${monitor.bounds.height}`;
  const name = monitor.name && monitor.name !== size ? monitor.name : null;
  return (
    <button
      type="button"
      class={look(one, target)}
      style={place(one)}
      aria-pressed={one.index === target}
      aria-label={[monitorText(one.index), name, size, tag(one)].filter(Boolean).join(", ")}
      title={[name, size].filter(Boolean).join(" · ")}
      onClick={() => one.index !== target && onChoose(monitor)}
    >
      <i>
        <b>{one.index + 1}</b>
        <small>{tag(one)}</small>
        {name && <small class="mon-more">{name}</small>}
        <small class="mon-more">{size}</small>
      </i>
    </button>
  );
}

function look({ index, monitor }: Drawn, target: number): string {
  if (!monitor) return "mon is-missing";
  return index === target ? "mon is-target" : "mon";
}

/** The monitor that work orders should go to and that isn't there stands beside the others, as an outline. */
function withMissing(monitors: readonly Monitor[], target: number): Drawn[] {
  const drawn: Drawn[] = monitors.map((monitor) => ({ index: monitor.index, bounds: monitor.bounds, monitor }));
  if (drawn.some(({ index }) => index === target)) return drawn;
  const right = Math.max(0, ...drawn.map(({ bounds }) => bounds.left + bounds.width));
  const { top, width, height } = drawn[0]?.bounds ?? { top: 0, width: 1920, height: 1080 };
  return [...drawn, { index: target, bounds: { left: right, top, width, height }, monitor: null }];
}

/** The monitor that this page stands on. */
function hereIndex(monitors: readonly Monitor[]): number | undefined {
  const [x, y] = [screenX + outerWidth / 2, screenY + outerHeight / 2];
  const isHere = ({ bounds }: Monitor) =>
    x >= bounds.left && x < bounds.left + bounds.width && y >= bounds.top && y < bounds.top + bounds.height;
  return (monitors.find(isHere) ?? monitors.find(({ primary }) => primary))?.index;
}
