/** The shell with what the office knows: plant, person, live or not, how much was not delivered. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { clock } from "../lib/format";
import { t } from "../lib/i18n";
import { Button } from "../ui/Button";
import { Icon } from "../ui/icons";
import { Shell } from "../ui/Shell";
import { Keys } from "./Keys";
import { dashboard, lastEventAt, liveState, startLive, stopLive } from "./live";
import { may, me, roleName, signOut, updated } from "./session";

export function Frame({ path, children }: { path: string; children: ComponentChildren }) {
  const person = me.value;
  useEffect(startLive, []);
  const shown = useRef(path);
  useEffect(() => {
    if (shown.current !== path) document.getElementById("main")?.focus({ preventScroll: true });
    shown.current = path;
  }, [path]);
  if (!person) return null;
  const leave = (): void => {
    stopLive();
    void signOut().catch(() => {
      me.value = null;
    });
  };
  return (
    <Shell
      plant={dashboard.value?.plant || person.plant || "Vooster"}
      current={path}
      live={liveText()}
      address={person.address}
      who={`${person.username ?? ""} · ${roleName(person.role)}`}
      undelivered={dashboard.value?.deadLetters ?? 0}
      canPair={may("supervisor")}
      onSignOut={leave}
      bar={
        <>
          <LiveBar />
          {updated.value && <UpdatedBar />}
        </>
      }
    >
      {children}
      <Keys />
    </Shell>
  );
}

function liveText(): string {
  if (liveState.value === "lost") return t("실시간이 아님", "Not live");
  if (liveState.value === "connecting") return t("연결하는 중", "Connecting");
  return t("실시간 연결됨", "Live");
}

/** "Not live. This is 14:14:07.", and for a moment afterwards "Back". */
function LiveBar() {
  const state = liveState.value;
  if (state === "back") {
    return (
      <div class="livebar is-back" role="status">
        <Icon name="shown" />
        {t("다시 연결했습니다", "Back")}
      </div>
    );
  }
  if (state !== "lost") return null;
  const at = lastEventAt.value;
  return (
    <div class="livebar" role="alert">
      <Icon name="offline" />
      <span>
        <b>{t("실시간이 아닙니다.", "Not live.")}</b>{" "}
        {at
          ? t(`${clock(at)}의 상태입니다.`, `This is ${clock(at)}.`)
          : t("저절로 다시 연결합니다.", "It reconnects by itself.")}
      </span>
      <Button icon="repeat" onClick={startLive}>
        {t("다시 연결", "Reconnect")}
      </Button>
    </div>
  );
}

function UpdatedBar() {
  return (
    <div class="livebar is-new" role="status">
      <Icon name="info" />
      {t("프로그램이 새 버전으로 바뀌었습니다.", "The program was updated.")}
      <Button icon="repeat" onClick={() => location.reload()}>
        {t("새로 고침", "Reload")}
      </Button>
    </div>
  );
}

/** The reason why nothing can be changed now, or false. */
export function offReason(): string | false {
  if (liveState.value !== "lost") return false;
  return t("서버와 연결이 끊겨 지금은 할 수 없습니다", "Can't be done while the server is out of reach");
}
