/** What goes on now: the sentence, what to do, the floor in miniature, four figures, an hour of charts, the last scans. */
import { useEffect, useState } from "preact/hooks";
import { post } from "../lib/api";
import { count, long, NONE, share, shortParts } from "../lib/format";
import { t } from "../lib/i18n";
import { Button, ButtonLink } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Icon } from "../ui/icons";
import { Loading } from "../ui/Loading";
import { ProblemNotice } from "../ui/Notice";
import { ScansChart, ShownChart } from "./Charts";
import { FloorMap } from "./FloorMap";
import { offReason } from "./Frame";
import { dashboard, liveState, startLive } from "./live";
import { RecentScans } from "./RecentScans";
import { may, me } from "./session";
import type { Dashboard, DeadLetter, List, Screen } from "./types";
import { UnencryptedNote } from "./UnencryptedNote";
import { useAction, useNow, useResource, useTitle } from "./use";
import { type Todo, todosOf, verdictOf } from "./verdict";

export function NowPage() {
  const data = dashboard.value;
  const screens = useResource<List<Screen>>("/api/screens", 5000);
  const letters = useResource<List<DeadLetter>>("/api/dead-letters");
  const screenCounts = JSON.stringify(data?.screens ?? null);
  const lastScan = data?.recentScans[0];
  useEffect(() => void screens.reload(), [screenCounts, lastScan?.deliveryId, lastScan?.state]);
  useEffect(() => void letters.reload(), [data?.deadLetters]);
  useTitle(t("지금", "Now"));
  if (!data || !screens.data) {
    return (
      <>
        <h1 class="vh">{t("지금", "Now")}</h1>
        {screens.problem ? (
          <ProblemNotice problem={screens.problem} onRetry={() => void screens.reload()} />
        ) : (
          <Loading rows={6} onRetry={startLive} />
        )}
      </>
    );
  }
  const items = screens.data.items;
  return (
    <div class={liveState.value === "lost" ? "is-stale" : ""}>
      <Head data={data} screens={items} />
      <div class="now">
        <TodoCard data={data} screens={items} letters={letters.data?.items ?? []} onReplayed={letters.reload} />
        <FloorMap screens={items} />
        <Figures data={data} />
        <section class="card wide charts" aria-label={t("차트", "Charts")}>
          <ScansChart minutes={data.minutes} />
          <ShownChart minutes={data.minutes} />
        </section>
        <RecentScans scans={data.recentScans} />
      </div>
      {me.value && !me.value.tls && <UnencryptedNote />}
    </div>
  );
}

function Head({ data, screens }: { data: Dashboard; screens: Screen[] }) {
  const verdict = verdictOf(data, screens);
  return (
    <div class={`verdict is-${verdict.tone}`}>
      <span class="big">
        <Icon name={verdict.icon} />
      </span>
      <div role={verdict.tone === "bad" && data.storage === "fail" ? "alert" : undefined}>
        <h1>{verdict.title}</h1>
        <p>{verdict.text}</p>
      </div>
      {may("supervisor") && (
        <div class="end">
          <ButtonLink look="primary" icon="plus" href="/screens">
            {t("모니터 등록", "Pair a screen")}
          </ButtonLink>
        </div>
      )}
    </div>
  );
}

type TodoProps = { data: Dashboard; screens: Screen[]; letters: DeadLetter[]; onReplayed: () => Promise<void> };

function TodoCard({ data, screens, letters, onReplayed }: TodoProps) {
  const [checking, setChecking] = useState(false);
  const todos = todosOf(data, screens, letters, useNow(10_000));
  return (
    <section class="card" aria-labelledby="h-todo">
      <div class="card-head">
        <h2 id="h-todo">{t("지금 할 일", "To do now")}</h2>
        {todos.length > 1 && <span class="end faint tiny">{t("급한 것부터", "Most urgent first")}</span>}
      </div>
      {todos.length === 0 ? (
        <p class="todo-none">
          <Icon name="received" />
          {t("할 일이 없습니다.", "Nothing to do.")}
        </p>
      ) : (
        <ul class="todo">
          {todos.map((todo) => (
            <TodoRow key={todo.key} todo={todo} onCheck={() => setChecking(true)} onReplayed={onReplayed} />
          ))}
        </ul>
      )}
      {checking && <CheckDialog onClose={() => setChecking(false)} />}
    </section>
  );
}

type TodoRowProps = { todo: Todo; onCheck: () => void; onReplayed: () => Promise<void> };

function TodoRow({ todo, onCheck, onReplayed }: TodoRowProps) {
  const replay = useAction();
  const { act } = todo;
  return (
    <li class={`is-${todo.tone}`}>
      <Icon name={todo.icon} class="lead" />
      <b>{todo.title}</b>
      <span class="why">{todo.why}</span>
      {act.kind === "check" && <Button onClick={onCheck}>{t("확인 방법", "How to check")}</Button>}
      {act.kind === "open" && <ButtonLink href={act.href}>{t("열기", "Open")}</ButtonLink>}
      {act.kind === "replay" && may("supervisor") && (
        <Button
          icon="repeat"
          busy={replay.busy}
          off={offReason()}
          onClick={() =>
            void replay.run(async () => {
              await post(`/api/dead-letters/${encodeURIComponent(act.deliveryId)}/replay`);
              await onReplayed();
            })
          }
        >
          {t("다시 보내기", "Send again")}
        </Button>
      )}
      {replay.problem && <ProblemNotice problem={replay.problem} />}
    </li>
  );
}

function CheckDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog
      title={t("모니터가 끊겼을 때", "When a screen is offline")}
      onClose={onClose}
      foot={
        <Button look="primary" onClick={onClose}>
          {t("닫기", "Close")}
        </Button>
      }
    >
      <ol class="steps">
        <li>{t("그 자리의 PC와 모니터가 켜져 있는지 봅니다.", "See that the PC and its screen are on.")}</li>
        <li>
          {t(
            "랜선이 PC와 벽(또는 스위치)에 꽂혀 있고 불이 깜박이는지 봅니다.",
            "See that the network cable is in at both ends and its light blinks.",
          )}
        </li>
        <li>
          {t(
            "그 PC의 브라우저에서 /display 페이지가 열려 있는지 봅니다. 닫혀 있으면 다시 엽니다.",
            "See that the browser on that PC has /display open. If not, open it again.",
          )}
        </li>
      </ol>
      <p class="quiet small">
        {t(
          "기다리는 제작의뢰서는 다시 연결되면 저절로 나타납니다.",
          "Waiting work orders appear by themselves when it is back.",
        )}
      </p>
    </Dialog>
  );
}

function Figures({ data }: { data: Dashboard }) {
  const [value, unit] = data.p95ShownMs === null ? [NONE, ""] : shortParts(data.p95ShownMs);
  return (
    <dl class="card stat-row wide">
      <div class="stat">
        <dt>{t("분당 스캔", "Scans a minute")}</dt>
        <dd>{count(Math.round(data.messagesPerMinute))}</dd>
        <dd class="vs">{t("최근 1분", "the last minute")}</dd>
      </div>
      <div class="stat">
        <dt>{t("스캔 → 표시, 95%", "Scan to shown, 95%")}</dt>
        <dd>
          {value}
          {unit && <small>{unit}</small>}
        </dd>
        <dd class="vs">{t("목표 1초 안", "goal: under 1 s")}</dd>
      </div>
      <div class="stat">
        <dt>{t("오늘 미전달", "Undelivered today")}</dt>
        <dd>
          {count(data.today.dead)}
          <small>/ {count(data.today.accepted)}</small>
        </dd>
        <dd class="vs">{share(data.today.dead, data.today.accepted)}</dd>
      </div>
      <div class="stat">
        <dt>{t("가동 시간", "Running for")}</dt>
        <dd>{long(data.uptime * 1000)}</dd>
        <dd class="vs">
          {t(
            `모니터 ${data.screens.online}/${data.screens.paired}대 연결됨`,
            `${data.screens.online} of ${data.screens.paired} screens connected`,
          )}
        </dd>
      </div>
    </dl>
  );
}
