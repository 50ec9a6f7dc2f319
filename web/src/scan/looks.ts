/** How each outcome looks and what it says: shape, word, colour, in that order. */
import { actionOf, messageOf } from "../lib/errors";
import { type Text, t } from "../lib/i18n";
import type { IconName } from "../ui/icons";
import { faultOf } from "./barcode";
import type { Outcome } from "./outcome";
import type { Scan } from "./store";

export type Look = { tone: "ok" | "warn" | "bad" | "flow" | "off"; icon: IconName; pill: string; word: Text };

const LOOKS: Record<Outcome, Look> = {
  placeless: {
    tone: "warn",
    icon: "ready",
    pill: "awaiting",
    word: { ko: "모니터 고르기", en: "Pick a screen" },
  },
  queued: { tone: "flow", icon: "lines", pill: "pending", word: { ko: "차례 기다림", en: "Next in line" } },
  sending: { tone: "flow", icon: "sent", pill: "sent", word: { ko: "보내는 중", en: "Sending" } },
  sent: { tone: "flow", icon: "sent", pill: "sent", word: { ko: "보내는 중", en: "Sending" } },
  received: { tone: "flow", icon: "received", pill: "received", word: { ko: "모니터가 받음", en: "Screen has it" } },
  shown: { tone: "ok", icon: "shown", pill: "shown", word: { ko: "표시됨", en: "Shown" } },
  pending: { tone: "flow", icon: "pending", pill: "pending", word: { ko: "대기 중", en: "Waiting" } },
  awaitingOrder: {
    tone: "flow",
    icon: "awaitingOrder",
    pill: "awaiting",
    word: { ko: "주문 조회 중", en: "Looking up" },
  },
  superseded: { tone: "off", icon: "superseded", pill: "superseded", word: { ko: "새 주문으로 바뀜", en: "Replaced" } },
  dead: { tone: "bad", icon: "dead", pill: "dead", word: { ko: "미전달", en: "Undelivered" } },
  refused: { tone: "bad", icon: "dead", pill: "dead", word: { ko: "접수하지 못함", en: "Not accepted" } },
  kept: { tone: "flow", icon: "pending", pill: "pending", word: { ko: "보관 중", en: "Kept" } },
  signIn: { tone: "warn", icon: "lock", pill: "awaiting", word: { ko: "로그인 필요", en: "Sign in" } },
  asking: { tone: "warn", icon: "awaitingOrder", pill: "awaiting", word: { ko: "확인 필요", en: "Still needed?" } },
  dropped: { tone: "off", icon: "bin", pill: "superseded", word: { ko: "보내지 않음", en: "Not sent" } },
};

/** A barcode of another kind may be nothing but wrong characters. */
const WRONG_SAID = 8;

/** Refusals that a person can mend by scanning again aren't failures of the appliance: amber, a triangle. */
const REFUSED: Record<string, Text> = {
  ORDER_NOT_FOUND: { ko: "없는 주문", en: "No such order" },
  ORDER_OUT_OF_STOCK: { ko: "재고 없음", en: "Out of stock" },
  VALIDATION_ERROR: { ko: "주문 번호가 아님", en: "Not an order number" },
  DOCUMENT_TYPE_UNSUPPORTED: { ko: "띄울 수 없는 파일", en: "Can't be shown" },
};

const AGAIN: Look = {
  tone: "flow",
  icon: "repeat",
  pill: "pending",
  word: { ko: "다시 여는 중", en: "Opening again" },
};

/** The monitor said that it can't open the document, and the appliance sends it once more. */
function isRetried(scan: Scan): boolean {
  return scan.attempt > 1 && ["pending", "sent", "received"].includes(scan.outcome);
}

export function lookOf(scan: Scan): Look {
  if (isRetried(scan)) return AGAIN;
  const word = scan.problem && REFUSED[scan.problem.code];
  if (
    word &&
    (scan.problem?.code !== "VALIDATION_ERROR" || isMisread(scan)) &&
    (scan.outcome === "refused" || scan.outcome === "dead")
  ) {
    return { tone: "warn", icon: "problem", pill: "trouble", word };
  }
  return LOOKS[scan.outcome] ?? LOOKS.sending;
}

/** The barcode itself was refused: no field is marked here that a person could correct. */
function isMisread({ problem }: Scan): boolean {
  return problem?.code === "VALIDATION_ERROR" && problem.fields.some(({ field }) => field === "orderId");
}

function misreadText(orderId: string): string {
  const fault = faultOf(orderId);
  const again = t("주문의 바코드를 다시 스캔해 주세요.", "Scan the order's own barcode.");
  switch (fault.kind) {
    case "characters": {
      const wrong = fault.wrong.slice(0, WRONG_SAID).join(" ");
      return t(
        `이 바코드에는 주문 번호에 쓸 수 없는 글자(${wrong})가 있습니다. ${again}`,
        `This barcode has characters (${wrong}) that can't be in an order number. ${again}`,
      );
    }
    case "long":
      return t(
        `이 바코드는 주문 번호로는 너무 깁니다. ${again}`,
        `This barcode is too long to be an order number. ${again}`,
      );
    case "other":
      return t(`이 바코드는 주문 번호가 될 수 없습니다. ${again}`, `This barcode can't be an order number. ${again}`);
  }
}

/** One or two sentences below the word: what it means and what to do. */
export function meaningOf(scan: Scan): string {
  const said = scan.problem && `${messageOf(scan.problem)} ${actionOf(scan.problem)}`;
  if (isRetried(scan)) {
    return t(
      `모니터가 제작의뢰서를 열지 못해 다시 보냅니다 (${scan.attempt}번째).`,
      `The screen couldn't open it; sending it again (attempt ${scan.attempt}).`,
    );
  }
  switch (scan.outcome) {
    case "pending":
      return t("저장했습니다. 모니터가 켜지면 나타납니다.", "Saved. It appears when the screen is on.");
    case "awaitingOrder":
      return t(
        "주문 시스템을 기다리는 중입니다. 다시 스캔하지 않아도 됩니다.",
        "Waiting for the order system. No need to scan again.",
      );
    case "kept":
      return t("보관했습니다. 서버가 돌아오면 보냅니다.", "Kept. It is sent when the server is back.");
    case "queued":
      return t("앞의 스캔이 끝나면 보냅니다.", "It is sent after the scan before it.");
    case "superseded":
      return t("더 새로운 스캔을 보여 줍니다.", "A newer scan is shown instead.");
    case "dropped":
      return t("필요 없다고 하여 보내지 않았습니다.", "Not sent, because it isn't needed any more.");
    case "placeless":
      return t("보관했습니다. 모니터를 고르면 보냅니다.", "Kept. It is sent once you pick a screen.");
    case "refused":
      if (isMisread(scan)) return misreadText(scan.orderId);
      return said ?? t("저장하지 못했습니다. 다시 스캔해 주세요.", "Not saved. Scan again.");
    case "dead":
      return said ?? t("모니터에 띄우지 못했습니다. 관리자를 불러 주세요.", "It wasn't shown. Call your supervisor.");
    case "signIn":
      return t("보관했습니다. 로그인하면 보냅니다.", "Kept. It is sent after you sign in.");
    default:
      return "";
  }
}
