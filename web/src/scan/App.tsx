/** The scan page: who scans, where to, the field, what became of it. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { t } from "../lib/i18n";
import { recall, remember } from "../lib/storage";
import { recallPlace } from "../station/place";
import { Button } from "../ui/Button";
import { Icon, Mark } from "../ui/icons";
import { Notice } from "../ui/Notice";
import { LangSwitch, ThemeSwitch } from "../ui/Switches";
import type { Desk } from "./desk";
import { Field } from "./Field";
import { Picker } from "./Picker";
import { hangulHint, NoSession, Recent, Result } from "./Result";
import type { Scanner } from "./session";
import { playShown } from "./sound";
import { type Stations, saidName } from "./stations";
import type { Scan } from "./store";

const SOUND_KEY = "vooster.scan.sound";
const HINT_MS = 12_000;

export const soundOn = (): boolean => recall(SOUND_KEY) !== "off";

type AppProps = { desk: Desk; scanner: Scanner; stations: Stations };

export function App({ desk, scanner, stations }: AppProps) {
  const picking = useSignal(false);
  const hint = useSignal("");
  const hinted = useSignal(false);
  const session = scanner.session.value;
  const chosen = stations.chosen.value;
  const scans = desk.scans.value;
  const asking = scans.findLast((scan) => scan.outcome === "asking") ?? null;

  useEffect(() => {
    document.title = t("스캔 · Vooster", "Scan · Vooster");
  });
  useEffect(() => {
    if (session.kind === "user") void stations.load();
  }, [session.kind]);
  useEffect(() => {
    if (session.kind === "screen") desk.sendHeld(null, ownName(session.screenId));
    else if (chosen) desk.sendHeld(chosen.screenId, saidName(chosen));
  }, [session.kind, chosen]);

  const scan = (orderId: string, hangul: boolean): void => {
    if (hangul && !hinted.value) {
      hinted.value = true;
      hint.value = hangulHint(orderId);
      setTimeout(() => {
        hint.value = "";
      }, HINT_MS);
    }
    if (session.kind === "screen") {
      desk.submit(orderId, null, ownName(session.screenId));
    } else if (chosen) {
      desk.submit(orderId, chosen.screenId, saidName(chosen));
    } else {
      desk.hold(orderId);
      picking.value = session.kind !== "none"; // without anybody signed in there is no list to pick from
    }
  };
  const answer = (yes: boolean): void => {
    if (picking.value || !asking) return;
    if (yes) desk.answerYes(asking);
    else desk.answerNo(asking);
  };

  return (
    <main class="scan">
      <header class="scan-top">
        <div class="brand">
          <Mark />
          <div>
            {t("스캔", "Scan")}
            <small>{session.kind === "user" || session.kind === "screen" ? session.plant : "Vooster"}</small>
          </div>
        </div>
        {session.kind === "screen" && (
          <p class="to own">
            <Icon name="ready" /> <b>{ownName(session.screenId)}</b>
          </p>
        )}
        {(session.kind === "user" || session.kind === "unknown") && (
          <p class="to">
            <span class="quiet">{t("띄울 모니터", "Show it on")}</span>
            <Button
              glove
              icon="ready"
              look={chosen ? "plain" : "primary"}
              aria-expanded={picking.value}
              onClick={() => {
                picking.value = !picking.value;
              }}
            >
              <span class="to-name">{chosen ? saidName(chosen) : t("모니터 고르기", "Pick a screen")}</span>
              <svg class="ico" viewBox="0 0 24 24" aria-hidden="true">
                <path d="M5 9l7 7 7-7" />
              </svg>
            </Button>
          </p>
        )}
      </header>
      <Field onScan={scan} onAnswer={answer} />
      <div class="scan-body">
        <Notices desk={desk} hint={hint.value} sayHeld={picking.value || session.kind !== "user"} />
        {picking.value ? (
          <Picker
            stations={stations}
            onClose={() => {
              picking.value = false;
            }}
          />
        ) : (
          <Center
            desk={desk}
            scanner={scanner}
            asking={asking}
            onPick={
              session.kind === "user" && !chosen
                ? () => {
                    picking.value = true;
                  }
                : null
            }
          />
        )}
      </div>
      <Recent scans={scans} />
      <Foot />
    </main>
  );
}

/** What the station's page, in this same browser, was told its name is. */
function ownName(screenId: string): string {
  const place = recallPlace();
  return place?.screenId === screenId ? saidName(place) : screenId;
}

type CenterProps = { desk: Desk; scanner: Scanner; asking: Scan | null; onPick: (() => void) | null };

function Center({ desk, scanner, asking, onPick }: CenterProps) {
  const newest = desk.scans.value[0] ?? null;
  if (scanner.session.value.kind === "none" && newest?.outcome !== "signIn") return <NoSession />;
  return <Result scan={asking ?? newest} desk={desk} onPick={onPick} />;
}

/** `sayHeld`: the page below doesn't say that a scan waits for its screen. */
function Notices({ desk, hint, sayHeld }: { desk: Desk; hint: string; sayHeld: boolean }) {
  const kept = desk.scans.value.filter((scan) => scan.outcome === "kept").length;
  const held = desk.scans.value.filter((scan) => scan.outcome === "placeless").reverse();
  return (
    <>
      {held.length > (sayHeld ? 0 : 1) && (
        <Notice>
          <b>{held.map((scan) => scan.orderId).join(", ")}</b>{" "}
          {t("모니터를 고르면 보냅니다.", "Pick a screen and it is sent.")}
        </Notice>
      )}
      {desk.away.value && (
        <Notice tone="warn" icon="offline">
          <b>{t("서버에 연결할 수 없습니다.", "Can't reach the server.")}</b>{" "}
          {t(`스캔은 보관합니다 (${kept}건).`, `Scans are kept (${kept}).`)}
        </Notice>
      )}
      {desk.forgetful.value && (
        <Notice tone="warn">
          {t(
            "이 브라우저는 스캔을 보관하지 못합니다. 결과가 나올 때까지 창을 닫지 마세요.",
            "This browser can't keep scans. Leave the window open until the result is here.",
          )}
        </Notice>
      )}
      {hint && <Notice>{hint}</Notice>}
    </>
  );
}

function Foot() {
  const sound = useSignal(soundOn());
  return (
    <footer class="scan-foot">
      <Button
        glove
        icon={sound.value ? "check" : "close"}
        onClick={() => {
          sound.value = !sound.value;
          remember(SOUND_KEY, sound.value ? null : "off");
          if (sound.value) playShown();
        }}
      >
        {sound.value ? t("소리 켜짐", "Sound on") : t("소리 꺼짐", "Sound off")}
      </Button>
      <LangSwitch />
      <ThemeSwitch />
    </footer>
  );
}
