/** What never made it to a screen: cause, remedy, send again. Nothing leaves by itself. */
import { useEffect, useState } from "preact/hooks";
import { post } from "../lib/api";
import { problemOf } from "../lib/errors";
import { ago, count, stamp, when } from "../lib/format";
import { pick, t } from "../lib/i18n";
import { ownPath } from "../lib/links";
import { orderName, orderTitle } from "../lib/names";
import { Button } from "../ui/Button";
import { Empty } from "../ui/Empty";
import { Icon, type IconName } from "../ui/icons";
import { Loading } from "../ui/Loading";
import { Notice, ProblemNotice } from "../ui/Notice";
import { offReason } from "./Frame";
import { dashboard } from "./live";
import { go, place } from "./router";
import { may } from "./session";
import type { DeadLetter, List } from "./types";
import { useAction, useNow, useResource, useTitle } from "./use";

const ICONS: Record<string, IconName> = {
  SCREEN_OFFLINE: "offline",
  SESSION_LOST: "offline",
  ORDER_SOURCE_UNAVAILABLE: "awaitingOrder",
  EXPIRED: "pending",
  CANCELLED: "close",
  SCREEN_REMOVED: "bin",
};

function iconOf(code: string): IconName {
  return ICONS[code] ?? "documentBad";
}

/** The code that says why: the cause behind RETRIES_EXHAUSTED where there is one. */
function reasonOf(letter: DeadLetter): string {
  return letter.cause ?? letter.code;
}

export function DeadLettersPage() {
  const { data, problem, reload } = useResource<List<DeadLetter>>("/api/dead-letters", 10_000);
  const [sent, setSent] = useState<Set<string>>(new Set());
  useEffect(() => void reload(), [dashboard.value?.deadLetters]);
  useTitle(t("미전달", "Undelivered"));
  const reason = place.value.searchParams.get("cause");
  const letters = data?.items ?? null;
  const shown = letters?.filter((letter) => !reason || reasonOf(letter) === reason) ?? [];
  const many = letters?.length ?? 0;
  const more = data?.cursor ? "+" : "";
  return (
    <>
      <div class="page-head">
        <div>
          <h1>
            {many === 0
              ? t("미전달", "Undelivered")
              : t(`미전달 ${count(many)}${more}건`, `${count(many)}${more} undelivered`)}
          </h1>
          <p>
            {t(
              "모니터에 표시하지 못한 제작의뢰서입니다. 원인을 고친 뒤 다시 보내 주세요. 저절로 지워지지 않습니다.",
              "Work orders that never made it to a screen. Fix the cause, then send again. Nothing is deleted by itself.",
            )}
          </p>
        </div>
      </div>
      <Sent ids={sent} letters={letters} />
      {problem && <ProblemNotice problem={problem} onRetry={() => void reload()} />}
      {!letters && !problem && <Loading rows={4} onRetry={() => void reload()} />}
      {letters && many === 0 && (
        <section class="card">
          <Empty icon="received" title={t("미전달이 없습니다", "Nothing is undelivered")}>
            <p>
              {t(
                "표시하지 못한 제작의뢰서가 생기면 원인과 함께 여기에 남습니다.",
                "A work order that can't be shown is kept here, with its cause.",
              )}
            </p>
          </Empty>
        </section>
      )}
      {letters && many > 0 && (
        <>
          <Causes letters={letters} reason={reason} />
          <ul class="card letters">
            {shown.map((letter) => (
              <Row
                key={letter.deliveryId}
                letter={letter}
                onSent={() => {
                  setSent(new Set([...sent, letter.deliveryId]));
                  void reload();
                }}
              />
            ))}
          </ul>
          {shown.length === 0 && (
            <Button onClick={() => go("/dead-letters", true)}>{t("모두 보기", "Show all")}</Button>
          )}
        </>
      )}
    </>
  );
}

/** Each cause with its count and remedy; pressing one shows only its rows. */
function Causes({ letters, reason }: { letters: DeadLetter[]; reason: string | null }) {
  const groups = new Map<string, DeadLetter[]>();
  for (const letter of letters) groups.set(reasonOf(letter), [...(groups.get(reasonOf(letter)) ?? []), letter]);
  if (groups.size < 2 && !reason) return null;
  return (
    <div class="causes">
      {[...groups].map(([code, members]) => {
        const on = code === reason;
        const [first] = members;
        const known = problemOf(code, { orderId: first?.orderId ?? undefined });
        return (
          <a
            key={code}
            class={on ? "card cause on" : "card cause"}
            href={ownPath(on ? "/dead-letters" : `/dead-letters?cause=${encodeURIComponent(code)}`)}
            aria-current={on ? "true" : undefined}
          >
            <Icon name={iconOf(code)} />
            <b>{pick(known.message)}</b>
            <span class="n">{count(members.length)}</span>
            <small>{first ? pick(first.action) : ""}</small>
          </a>
        );
      })}
    </div>
  );
}

function triesText({ round, attempt }: DeadLetter): string {
  const parts = [];
  if (round > 1) parts.push(t(`${round}회차`, `round ${round}`));
  if (attempt > 1) parts.push(t(`${attempt}번 시도`, `${attempt} attempts`));
  return parts.map((part) => ` · ${part}`).join("");
}

/** What became of it, in the appliance's words, then what went wrong at the last attempt. */
function whyText(letter: DeadLetter): string {
  const cause = letter.cause && pick(problemOf(letter.cause, { orderId: letter.orderId ?? undefined }).message);
  return [...new Set([pick(letter.messages), cause])].filter(Boolean).join(" ");
}

function Row({ letter, onSent }: { letter: DeadLetter; onSent: () => void }) {
  const now = useNow(10_000);
  const replay = useAction();
  const reason = reasonOf(letter);
  return (
    <li class="row" data-row="" tabIndex={-1}>
      <Icon name={iconOf(reason)} />
      <div class="row-text">
        <b>
          {orderName(letter)} · {letter.screenName || letter.screenId}
        </b>
        <span class="quiet"> {orderTitle(letter)}</span>
        <p>{whyText(letter)}</p>
        <p>
          <span class="vh">{t("할 일: ", "What to do: ")}</span>
          {pick(letter.action)}
        </p>
        <p class="tiny">
          <code>{letter.cause ? `${letter.code} · ${letter.cause}` : letter.code}</code>
          {triesText(letter)}
        </p>
        {replay.problem && <ProblemNotice problem={replay.problem} />}
      </div>
      <div class="when">
        <time dateTime={new Date(letter.diedAt).toISOString()} title={stamp(letter.diedAt)}>
          <b>{when(letter.diedAt, now)}</b> {ago(letter.diedAt, now)}
        </time>
      </div>
      {may("supervisor") && (
        <Button
          icon="repeat"
          rowKey="KeyR"
          busy={replay.busy}
          off={offReason()}
          onClick={() =>
            void replay
              .run(() => post(`/api/dead-letters/${encodeURIComponent(letter.deliveryId)}/replay`))
              .then((done) => done && onSent())
          }
        >
          {t("다시 보내기", "Send again")}
        </Button>
      )}
    </li>
  );
}

/** What became of those sent again from this page, with evidence: shown, or still on their way. */
function Sent({ ids, letters }: { ids: Set<string>; letters: DeadLetter[] | null }) {
  if (ids.size === 0) return null;
  const scans = (dashboard.value?.recentScans ?? []).filter((scan) => ids.has(scan.deliveryId));
  const shown = scans.filter((scan) => scan.state === "shown");
  const back = letters?.filter((letter) => ids.has(letter.deliveryId)).length ?? 0;
  const going = Math.max(0, ids.size - shown.length - back);
  return (
    <div role="status" class="stack sent-notes">
      {shown.map((scan) => (
        <Notice key={scan.deliveryId} tone="ok">
          <b>{orderName(scan)}</b> {t("표시됨", "Shown")} · {scan.screenName || scan.screenId}
        </Notice>
      ))}
      {going > 0 && (
        <Notice icon="sent">
          {t(
            `${going}건을 다시 보냈습니다. 모니터가 표시하면 알려 드립니다.`,
            `${going} sent again. You are told when the screen shows it.`,
          )}
        </Notice>
      )}
    </div>
  );
}
