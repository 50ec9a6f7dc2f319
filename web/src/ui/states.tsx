/** A delivery's and a screen's state: word, shape, tone. The one place they are named. */
import { pick, type Text } from "../lib/i18n";
import type { DeliveryState } from "../lib/messages";
import { Icon, type IconName } from "./icons";

export type ScreenState = "showing" | "ready" | "problem" | "offline" | "unpaired" | "revoked";
export type Look = { text: Text; icon: IconName; pill: string };

export const DELIVERY: Record<DeliveryState, Look> = {
  awaitingOrder: { text: { ko: "주문 조회 중", en: "Looking up" }, icon: "awaitingOrder", pill: "awaiting" },
  pending: { text: { ko: "대기 중", en: "Waiting" }, icon: "pending", pill: "pending" },
  sent: { text: { ko: "보냄", en: "Sent" }, icon: "sent", pill: "sent" },
  received: { text: { ko: "받음", en: "Received" }, icon: "received", pill: "received" },
  shown: { text: { ko: "표시됨", en: "Shown" }, icon: "shown", pill: "shown" },
  superseded: { text: { ko: "새 주문으로 바뀜", en: "Replaced" }, icon: "superseded", pill: "superseded" },
  dead: { text: { ko: "미전달", en: "Undelivered" }, icon: "dead", pill: "dead" },
};

export const SCREEN: Record<ScreenState, Look> = {
  showing: { text: { ko: "표시 중", en: "Showing" }, icon: "showing", pill: "online" },
  ready: { text: { ko: "준비됨", en: "Ready" }, icon: "ready", pill: "ready" },
  problem: { text: { ko: "문서 오류", en: "Document problem" }, icon: "problem", pill: "trouble" },
  offline: { text: { ko: "연결 끊김", en: "Offline" }, icon: "offline", pill: "offline" },
  unpaired: { text: { ko: "등록 전", en: "Not paired" }, icon: "unpaired", pill: "unpaired" },
  revoked: { text: { ko: "등록 해제됨", en: "Unpaired" }, icon: "revoked", pill: "unpaired" },
};

export function Pill({ look }: { look: Look }) {
  return (
    <span class={`pill pill-${look.pill}`}>
      <Icon name={look.icon} />
      {pick(look.text)}
    </span>
  );
}

export function DeliveryPill({ state }: { state: DeliveryState }) {
  return <Pill look={DELIVERY[state] ?? DELIVERY.pending} />;
}

export function ScreenPill({ state }: { state: ScreenState }) {
  return <Pill look={SCREEN[state] ?? SCREEN.offline} />;
}
