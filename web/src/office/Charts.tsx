/** The two charts of the last 60 minutes, drawn at their real size so that text stays text size; each with its table. */
import { useEffect, useRef, useState } from "preact/hooks";
import { clock, NONE, short } from "../lib/format";
import { t } from "../lib/i18n";
import type { Minute } from "./types";

const HEIGHT = 190;
const TOP = 10;
const BASE = 164;
const LEFT = 38;
const GOAL_MS = 1000;

/** Width in CSS pixels of the element the ref is put on. */
function useWidth(): [(element: HTMLElement | null) => void, number] {
  const [width, setWidth] = useState(560);
  const [element, setElement] = useState<HTMLElement | null>(null);
  useEffect(() => {
    if (!element) return undefined;
    const watch = new ResizeObserver(([entry]) => entry && setWidth(Math.round(entry.contentRect.width)));
    watch.observe(element);
    return () => watch.disconnect();
  }, [element]);
  return [useRef(setElement).current, Math.max(200, width)];
}

/** The next round number that two steps divide well. */
function roundUp(value: number): number {
  const steps = [2, 4, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000];
  return steps.find((step) => step >= value) ?? Math.ceil(value / 10_000) * 10_000;
}

type Scale = { x: (index: number) => number; y: (value: number) => number; slot: number };

function scaleFor(width: number, count: number, top: number): Scale {
  const slot = (width - LEFT - 2) / Math.max(1, count);
  return {
    slot,
    x: (index) => LEFT + (index + 0.5) * slot,
    y: (value) => BASE - (Math.min(value, top) / top) * (BASE - TOP),
  };
}

function Axes({
  width,
  minutes,
  scale,
  ticks,
}: {
  width: number;
  minutes: Minute[];
  scale: Scale;
  ticks: [number, string][];
}) {
  const every = width < 380 ? 30 : 15;
  return (
    <>
      {ticks.map(([value, text]) => (
        <g key={text}>
          <path class="grid" d={`M${LEFT} ${scale.y(value)}H${width}`} />
          <text x={LEFT - 8} y={scale.y(value) + 4} text-anchor="end">
            {text}
          </text>
        </g>
      ))}
      {minutes.map((minute, index) => {
        const last = index === minutes.length - 1;
        if (!last && (index % every !== 0 || index > minutes.length - every / 2)) return null;
        return (
          <text
            key={minute.at}
            x={last ? width : LEFT + index * scale.slot}
            y={BASE + 20}
            text-anchor={last ? "end" : "start"}
          >
            {clock(minute.at, false)}
          </text>
        );
      })}
    </>
  );
}

export function ScansChart({ minutes }: { minutes: Minute[] }) {
  const [ref, width] = useWidth();
  const most = Math.max(0, ...minutes.map((minute) => minute.scans));
  const top = roundUp(Math.max(4, most));
  const scale = scaleFor(width, minutes.length, top);
  const now = minutes.at(-1)?.scans ?? 0;
  const say = t(
    `60분 동안 분당 스캔 수. 지금 ${now}, 최고 ${most}.`,
    `Scans a minute over 60 minutes. Now ${now}, most ${most}.`,
  );
  return (
    <div>
      <h2>{t("분당 스캔", "Scans a minute")}</h2>
      <div class="legend">{t("최근 60분", "last 60 min")}</div>
      <div ref={ref}>
        <svg class="chart" width={width} height={HEIGHT} viewBox={`0 0 ${width} ${HEIGHT}`} role="img" aria-label={say}>
          <Axes
            width={width}
            minutes={minutes}
            scale={scale}
            ticks={[0, top / 2, top].map((value) => [value, String(value)] as [number, string])}
          />
          {minutes.map((minute, index) => (
            <rect
              key={minute.at}
              class={index === minutes.length - 1 ? "bar is-now" : "bar"}
              x={scale.x(index) - scale.slot * 0.36}
              y={scale.y(minute.scans)}
              width={scale.slot * 0.72}
              height={BASE - scale.y(minute.scans)}
              rx={Math.min(1.5, scale.slot / 4)}
            />
          ))}
        </svg>
      </div>
      <AsTable
        heads={[t("시각", "Time"), t("스캔", "Scans")]}
        rows={minutes.map((minute) => [clock(minute.at, false), String(minute.scans)])}
      />
    </div>
  );
}

/** A path over what is known, broken where a minute had nothing to measure. */
function linePath(values: (number | null)[], scale: Scale): string {
  let open = false;
  return values
    .map((value, index) => {
      if (value === null) {
        open = false;
        return "";
      }
      const point = `${open ? "L" : "M"}${scale.x(index).toFixed(1)} ${scale.y(value).toFixed(1)}`;
      // A lone minute between two empty ones is drawn as a dot by the round line cap.
      const lone = !open && (values[index + 1] ?? null) === null ? "h.01" : "";
      open = true;
      return point + lone;
    })
    .join("");
}

function areaPath(values: (number | null)[], scale: Scale): string {
  const runs: number[][] = [];
  values.forEach((value, index) => {
    if (value === null) return;
    if ((values[index - 1] ?? null) === null) runs.push([]);
    runs.at(-1)?.push(index);
  });
  return runs
    .filter((run) => run.length > 1)
    .map((run) => {
      const points = run.map((index) => `${scale.x(index).toFixed(1)} ${scale.y(values[index] ?? 0).toFixed(1)}`);
      return `M${points.join("L")}V${BASE}H${scale.x(run[0] ?? 0).toFixed(1)}Z`;
    })
    .join("");
}

export function ShownChart({ minutes }: { minutes: Minute[] }) {
  const [ref, width] = useWidth();
  const p95 = minutes.map((minute) => minute.p95ShownMs);
  const p50 = minutes.map((minute) => minute.p50ShownMs);
  const most = Math.max(GOAL_MS * 1.2, ...p95.map((value) => value ?? 0));
  const half = most <= 1500 ? 500 : roundUp(most) / 2;
  const top = most <= 1500 ? most : half * 2;
  const scale = scaleFor(width, minutes.length, top);
  const last = [...p95].reverse().find((value) => value !== null) ?? null;
  const lastAt = p95.lastIndexOf(last);
  const say = t(
    `스캔에서 표시까지 걸린 시간. 스캔의 95%가 ${short(last)} 안에 표시됨.`,
    `Time from scan to shown. 95% within ${short(last)}.`,
  );
  const ticks: [number, string][] = [0, half, half * 2].map((value) => [
    value,
    value === 0 ? "0" : (value / 1000).toFixed(half >= 5_000 && half % 1000 === 0 ? 0 : 1),
  ]);
  return (
    <div>
      <h2>{t("스캔 → 표시 시간(초)", "Scan to shown (s)")}</h2>
      <div class="legend">
        <span>
          <i />
          95%
        </span>
        <span>
          <i class="two" />
          {t("중간값", "median")}
        </span>
        <span>
          <i class="three" />
          {t("목표 1초", "goal 1 s")}
        </span>
      </div>
      <div ref={ref}>
        <svg class="chart" width={width} height={HEIGHT} viewBox={`0 0 ${width} ${HEIGHT}`} role="img" aria-label={say}>
          <Axes width={width} minutes={minutes} scale={scale} ticks={ticks} />
          <path class="goal" d={`M${LEFT} ${scale.y(GOAL_MS)}H${width}`} />
          <path class="area" d={areaPath(p95, scale)} />
          <path class="line" d={linePath(p95, scale)} />
          <path class="line is-two" d={linePath(p50, scale)} />
          {last !== null && <circle class="dot" cx={scale.x(lastAt)} cy={scale.y(last)} r="4" />}
        </svg>
      </div>
      {last === null && (
        <p class="quiet small">
          {t("최근 60분에 표시된 스캔이 없습니다.", "Nothing was shown in the last 60 minutes.")}
        </p>
      )}
      <AsTable
        heads={[t("시각", "Time"), t("95%가 이 시간 안에", "95% within"), t("중간값", "Median")]}
        rows={minutes.map((minute) => [clock(minute.at, false), short(minute.p95ShownMs), short(minute.p50ShownMs)])}
      />
    </div>
  );
}

function AsTable({ heads, rows }: { heads: string[]; rows: string[][] }) {
  return (
    <details class="as-table">
      <summary>{t("표로 보기", "As a table")}</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <section tabIndex={0} aria-label={heads.join(", ")}>
        <table class="plain">
          <thead>
            <tr>
              {heads.map((head) => (
                <th key={head} scope="col">
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {[...rows].reverse().map((row) => (
              <tr key={row[0]}>
                {row.map((cell, index) => (
                  <td key={heads[index]}>{cell || NONE}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </details>
  );
}
