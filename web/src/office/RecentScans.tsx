/** The last scans: which order, on which screen, in what state, and where the time went. */
import { problemOf } from "../lib/errors";
import { NONE, short, stamp, when } from "../lib/format";
import { pick, t } from "../lib/i18n";
import { orderName, orderTitle } from "../lib/names";
import { Empty } from "../ui/Empty";
import { DeliveryPill } from "../ui/states";
import type { RecentScan } from "./types";

const BAR_PX = 120;
const LEAST_PX = 3;
const GOAL_MS = 1000;

export function RecentScans({ scans }: { scans: RecentScan[] }) {
  const longest = Math.max(GOAL_MS, ...scans.map((scan) => scan.shownMs ?? 0));
  return (
    <section class="card wide" aria-labelledby="h-scans">
      <div class="card-head">
        <h2 id="h-scans">{t("방금 스캔한 주문", "Just scanned")}</h2>
        <div class="legend end" aria-hidden="true">
          {steps().map(([kind, text]) => (
            <span key={kind}>
              <em class={`tk ${kind}`} />
              {text}
            </span>
          ))}
        </div>
      </div>
      {scans.length === 0 ? (
        <Empty icon="scan" title={t("아직 스캔이 없습니다", "No scans yet")}>
          <p>{t("작업자가 바코드를 스캔하면 여기에 나타납니다.", "They appear here when a worker scans a barcode.")}</p>
        </Empty>
      ) : (
        <table class="table recent">
          <thead>
            <tr>
              <th>{t("시각", "Time")}</th>
              <th>{t("주문", "Order")}</th>
              <th>{t("모니터", "Screen")}</th>
              <th>{t("상태", "State")}</th>
              <th>{t("걸린 시간의 내역", "Where the time went")}</th>
              <th class="num">{t("합계", "Total")}</th>
            </tr>
          </thead>
          <tbody>
            {scans.map((scan) => (
              <tr key={scan.deliveryId}>
                <td class="c-time nowrap quiet">
                  <time dateTime={new Date(scan.acceptedAt).toISOString()} title={stamp(scan.acceptedAt)}>
                    {when(scan.acceptedAt)}
                  </time>
                </td>
                <td class="c-ord">
                  <b>{orderName(scan)}</b> <span class="quiet">{orderTitle(scan)}</span>
                </td>
                <td class="c-st">{scan.screenName || scan.screenId}</td>
                <td class="c-pill">
                  <DeliveryPill state={scan.state} />
                </td>
                <td class="c-tr">
                  <Way scan={scan} longest={longest} />
                </td>
                <td class="num c-took">
                  {scan.state === "shown" ? short(scan.shownMs) : <span class="faint">{NONE}</span>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function steps(): [string, string][] {
  return [
    ["t1", t("보내기까지", "to send")],
    ["t2", t("받기까지", "to receive")],
    ["t3", t("표시까지", "to show")],
  ];
}

/** A bar of up to three steps in proportion; in words where nothing was shown. */
function Way({ scan, longest }: { scan: RecentScan; longest: number }) {
  const words = waitingWords(scan);
  if (words) return <span class="faint tiny">{words}</span>;
  const marks: [string, number | null, number | null][] = [
    ["t1", 0, scan.sentMs],
    ["t2", scan.sentMs, scan.receivedMs],
    ["t3", scan.receivedMs ?? scan.sentMs, scan.shownMs],
  ];
  const parts = marks.filter(([, , to]) => to !== null);
  if (parts.length === 0) return <span class="faint">{NONE}</span>;
  const say = steps()
    .map(([kind, text]) => [text, marks.find(([name]) => name === kind)?.[2] ?? null] as const)
    .filter(([, ms]) => ms !== null)
    .map(([text, ms]) => `${text} ${short(ms)}`)
    .join(", ");
  return (
    <span class="tr" title={say}>
      <span class="vh">{say}</span>
      {parts.map(([kind, from, to]) => {
        const width = Math.max(LEAST_PX, (((to ?? 0) - (from ?? 0)) / longest) * BAR_PX);
        return <i key={kind} class={kind} style={{ width: `${Math.min(BAR_PX, width).toFixed(1)}px` }} />;
      })}
    </span>
  );
}

function waitingWords(scan: RecentScan): string | null {
  if (scan.state === "pending") return t("모니터가 준비되면 보냅니다", "Goes out when the screen is ready");
  if (scan.state === "awaitingOrder") return t("주문 시스템을 기다립니다", "Waits for the order system");
  if (scan.state === "dead" && scan.code)
    return pick(problemOf(scan.code, { orderId: scan.orderId ?? undefined }).message);
  return null;
}
