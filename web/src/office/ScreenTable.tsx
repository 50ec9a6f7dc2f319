/** The table of screens; a card each on a phone. */
import { useState } from "preact/hooks";
import { post } from "../lib/api";
import { ago, lasting, NONE, stamp } from "../lib/format";
import { t } from "../lib/i18n";
import { orderName } from "../lib/names";
import { withParticle } from "../lib/particles";
import { Button } from "../ui/Button";
import { Menu, type MenuItem } from "../ui/Menu";
import { ProblemNotice } from "../ui/Notice";
import { ScreenPill } from "../ui/states";
import { offReason } from "./Frame";
import { OfferDialog } from "./OfferDialog";
import { place } from "./router";
import { type Deed, ScreenDialog } from "./ScreenDialog";
import { clientText, lineAndId, nameOf, pcFacts } from "./screenText";
import { may } from "./session";
import type { Screen } from "./types";
import { useAction, useNow } from "./use";

type TableProps = { screens: Screen[]; onChanged: () => Promise<void> };

export function ScreenTable({ screens, onChanged }: TableProps) {
  const [dialog, setDialog] = useState<{ deed: Deed | "offer"; screen: Screen } | null>(() => askedOffer(screens));
  const acts = may("supervisor");
  return (
    <section class="card">
      <table class="table sc">
        <thead>
          <tr>
            <th>{t("상태", "State")}</th>
            <th>{t("자리", "Station")}</th>
            <th>{t("지금", "Now")}</th>
            <th>PC</th>
            <th>{t("마지막 연결", "Last seen")}</th>
            {acts && (
              <th>
                <span class="vh">{t("할 수 있는 일", "Actions")}</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {screens.map((screen) => (
            <Row key={screen.screenId} screen={screen} onDeed={acts ? (deed) => setDialog({ deed, screen }) : null} />
          ))}
        </tbody>
      </table>
      {dialog?.deed === "offer" && (
        <OfferDialog
          screen={dialog.screen}
          onClose={() => {
            setDialog(null);
            void onChanged();
          }}
        />
      )}
      {dialog && dialog.deed !== "offer" && (
        <ScreenDialog
          deed={dialog.deed}
          screen={dialog.screen}
          onClose={() => setDialog(null)}
          onDone={() => {
            setDialog(null);
            void onChanged();
          }}
        />
      )}
    </section>
  );
}

/** The station that the address asks a new offer for: whoever followed a late one comes that way. */
function askedOffer(screens: Screen[]): { deed: "offer"; screen: Screen } | null {
  const id = place.value.searchParams.get("offer");
  const screen = may("supervisor") ? screens.find((one) => one.screenId === id) : undefined;
  return screen ? { deed: "offer", screen } : null;
}

function Row({ screen, onDeed }: { screen: Screen; onDeed: ((deed: Deed | "offer") => void) | null }) {
  const now = useNow(10_000);
  return (
    <tr data-row="" tabIndex={-1}>
      <td class="c-s">
        <ScreenPill state={screen.state} />
      </td>
      <td class="c-n">
        <b>{nameOf(screen)}</b>
        <small>{lineAndId(screen)}</small>
      </td>
      <td class="c-now">{nowText(screen, now)}</td>
      <td class="c-pc">
        {screen.client ? clientText(screen.client) : <span class="faint">{NONE}</span>}
        {screen.client && <small class="code">{pcFacts(screen)}</small>}
      </td>
      <td class="c-seen quiet">
        <LastSeen screen={screen} now={now} />
      </td>
      {onDeed && (
        <td class="c-act">
          <Actions screen={screen} onDeed={onDeed} />
        </td>
      )}
    </tr>
  );
}

function nowText(screen: Screen, now: number): string {
  const order = screen.currentDocument && orderName(screen.currentDocument);
  switch (screen.state) {
    case "showing":
      return screen.currentDocument && order ? `${order} · ${lasting(now - screen.currentDocument.shownAt)}` : NONE;
    case "problem":
      return order
        ? t(`${withParticle(order, "을/를")} 열지 못함`, `${order} won't open`)
        : t("문서를 열지 못함", "A document won't open");
    case "ready":
      return t("비어 있음", "Nothing on it");
    case "offline":
      return order ? t(`${withParticle(order, "이/가")} 떠 있었음`, `${order} was on it`) : NONE;
    default:
      return t("PC 없음", "No PC");
  }
}

function LastSeen({ screen, now }: { screen: Screen; now: number }) {
  if (screen.online) return <>{t("지금", "now")}</>;
  if (screen.lastSeenAt === null) return <>{t("아직 없음", "never")}</>;
  return (
    <time dateTime={new Date(screen.lastSeenAt).toISOString()} title={stamp(screen.lastSeenAt)}>
      {ago(screen.lastSeenAt, now)}
    </time>
  );
}

function Actions({ screen, onDeed }: { screen: Screen; onDeed: (deed: Deed | "offer") => void }) {
  const identify = useAction();
  const off = offReason();
  const items: MenuItem[] = [
    { text: t("이름 바꾸기", "Rename"), icon: "pencil", onPick: () => onDeed("rename") },
    { text: t("라인", "Lines"), icon: "lines", onPick: () => onDeed("lines") },
    { text: t("화면 번호", "Display number"), icon: "ready", onPick: () => onDeed("display") },
  ];
  items.unshift({
    text: screen.paired ? t("PC 교체", "Replace the PC") : t("PC 등록", "Pair a PC"),
    icon: "qr",
    onPick: () => onDeed("offer"),
  });
  if (screen.currentDocument && screen.online)
    items.push({ text: t("화면 비우기", "Put the document away"), icon: "document", onPick: () => onDeed("clear") });
  if (screen.paired)
    items.push({ text: t("등록 해제", "Unpair"), icon: "unlink", danger: true, onPick: () => onDeed("revoke") });
  items.push({ text: t("자리 삭제", "Delete the station"), icon: "bin", danger: true, onPick: () => onDeed("delete") });
  return (
    <>
      <span class="act">
        <Button
          icon="identify"
          rowKey="KeyI"
          busy={identify.busy}
          off={off || (screen.online ? false : t("모니터가 연결되어 있지 않습니다", "The screen isn't connected"))}
          onClick={() => void identify.run(() => post(`/api/screens/${encodeURIComponent(screen.screenId)}/identify`))}
        >
          {t("찾기", "Identify")}
          <span class="vh"> {nameOf(screen)}</span>
        </Button>
        <Menu label={t(`${nameOf(screen)} 더 보기`, `More for ${nameOf(screen)}`)} items={items} off={off} />
      </span>
      {identify.problem && <ProblemNotice problem={identify.problem} />}
    </>
  );
}
