/** What the Now page says first, and what there is to do: a sentence before a number. */
import { lasting } from "../lib/format";
import { pick, t } from "../lib/i18n";
import { lineName, orderName } from "../lib/names";
import type { IconName } from "../ui/icons";
import { cloneOf, cloneText, nameOf } from "./screenText";
import type { Dashboard, DeadLetter, Screen } from "./types";

export type Verdict = { tone: "ok" | "warn" | "bad" | "off"; icon: IconName; title: string; text: string };

export type Todo = {
  key: string;
  tone: "warn" | "bad";
  icon: IconName;
  title: string;
  why: string;
  act: { kind: "none" } | { kind: "check" } | { kind: "replay"; deliveryId: string } | { kind: "open"; href: string };
};

const EACH_AT_MOST = 2;
const TOGETHER = 4;

export function verdictOf(dashboard: Dashboard, screens: Screen[]): Verdict {
  if (dashboard.storage === "fail") {
    return {
      tone: "bad",
      icon: "dead",
      title: t("스캔을 저장할 수 없습니다", "Scans can't be saved"),
      text: t("고칠 때까지 스캔을 받지 않습니다.", "Scans are refused until this is put right."),
    };
  }
  const paired = screens.filter((screen) => screen.paired);
  if (paired.length === 0) {
    return {
      tone: "off",
      icon: "unpaired",
      title: t("아직 모니터가 없습니다", "No screens yet"),
      text: t("첫 모니터를 등록하면 여기에서 볼 수 있습니다.", "Once the first one is paired, it is watched here."),
    };
  }
  const bad = paired.filter((screen) => !screen.online || screen.state === "problem" || cloneOf(screen));
  const fine = paired.length - bad.length;
  const line = wholeLineOff(screens);
  if (line) {
    return {
      tone: "bad",
      icon: "offline",
      title: t(
        `${lineName(line.group)} ${line.count}대가 모두 끊겼습니다`,
        `All ${line.count} on ${lineName(line.group)} are off`,
      ),
      text: t("그 라인의 스위치를 확인해 주세요.", "Check that line's network switch."),
    };
  }
  const many = paired.length;
  if (bad.length === 0) {
    const waiting = dashboard.deadLetters;
    return {
      tone: "ok",
      icon: "shown",
      title:
        many === 1
          ? t("모니터 1대가 정상입니다", "The screen is fine")
          : t(`${many}대 모두 정상입니다`, `All ${many} screens are fine`),
      text:
        waiting > 0
          ? t(`미전달 ${waiting}건을 확인해 주세요.`, `${waiting} undelivered to look at.`)
          : t("할 일이 없습니다.", "Nothing to do."),
    };
  }
  if (bad.every((screen) => !screen.online) && fine === 0) {
    return {
      tone: "bad",
      icon: "offline",
      title:
        many === 1
          ? t("모니터가 끊겨 있습니다", "The screen is offline")
          : t(`${many}대 모두 끊겨 있습니다`, `All ${many} screens are offline`),
      text: t("PC 전원, 랜선, 스위치를 확인해 주세요.", "Check the PCs' power, the network cables and the switch."),
    };
  }
  return {
    tone: fine === 0 ? "bad" : "warn",
    icon: "problem",
    title: t(`${many}대 중 ${fine}대가 정상입니다`, `${fine} of ${many} screens are fine`),
    text: t(`${bad.length}대를 확인해 주세요.`, bad.length === 1 ? "One needs you." : `${bad.length} need you.`),
  };
}

/** A line of several screens that are all off: more likely its switch than its PCs. */
function wholeLineOff(screens: Screen[]): { group: string; count: number } | null {
  const groups = new Set(screens.flatMap((screen) => screen.groups));
  for (const group of groups) {
    const members = screens.filter((screen) => screen.paired && screen.groups.includes(group));
    if (members.length >= TOGETHER && members.every((screen) => !screen.online))
      return { group, count: members.length };
  }
  return null;
}

/** Most urgent first. */
export function todosOf(dashboard: Dashboard, screens: Screen[], letters: DeadLetter[], now: number): Todo[] {
  const list: Todo[] = [];
  if (dashboard.storage === "fail") {
    list.push({
      key: "storage",
      tone: "bad",
      icon: "dead",
      title: t("스캔을 저장할 수 없습니다", "Scans can't be saved"),
      why: t(
        "서버 PC의 디스크가 가득 찼거나 빠졌는지 확인해 주세요. 저장할 수 있게 되면 저절로 다시 받습니다.",
        "See whether the server PC's disk is full or gone. Scans are taken again by themselves once it can be written.",
      ),
      act: { kind: "none" },
    });
  }
  list.push(
    ...cloneTodos(screens),
    ...offTodos(screens, now),
    ...troubleTodos(screens, letters),
    ...letterTodos(dashboard, letters),
  );
  return list;
}

function placeOf(screen: Screen): string {
  return [...screen.groups.slice(0, 1).map(lineName), nameOf(screen)].join(" ");
}

/** A stranger may be holding this key, so it comes before what is merely broken. */
function cloneTodos(screens: Screen[]): Todo[] {
  return screens.filter(cloneOf).map((screen) => ({
    key: `clone-${screen.screenId}`,
    tone: "warn",
    icon: "problem",
    title: cloneText(screen),
    why: t("두 PC를 모두 해제하고 다시 등록해 주세요.", "Unpair both and pair again."),
    act: { kind: "open", href: `/screens?q=${encodeURIComponent(screen.screenId)}` },
  }));
}

function offTodos(screens: Screen[], now: number): Todo[] {
  const off = screens.filter((screen) => screen.paired && !screen.online);
  const line = wholeLineOff(screens);
  if (line || off.length >= TOGETHER) {
    return [
      {
        key: "off-many",
        tone: "bad",
        icon: "offline",
        title: line
          ? t(
              `${lineName(line.group)} ${line.count}대 · 연결 끊김`,
              `All ${line.count} on ${lineName(line.group)} · offline`,
            )
          : t(`모니터 ${off.length}대 · 연결 끊김`, `${off.length} screens · offline`),
        why: line
          ? t(
              "한꺼번에 끊겼다면 그 라인의 스위치를 확인해 주세요.",
              "If they went off together, check that line's network switch.",
            )
          : off.map(nameOf).slice(0, 8).join(", "),
        act: { kind: "check" },
      },
    ];
  }
  return off.map((screen) => ({
    key: `off-${screen.screenId}`,
    tone: "bad" as const,
    icon: "offline" as const,
    title: [
      placeOf(screen),
      screen.lastSeenAt === null
        ? t("연결 끊김", "offline")
        : t(`연결 끊김 ${lasting(now - screen.lastSeenAt)}`, `offline ${lasting(now - screen.lastSeenAt)}`),
    ].join(" · "),
    why: t("그 자리의 PC 전원과 랜선을 확인해 주세요.", "Check that PC's power and network cable."),
    act: { kind: "check" as const },
  }));
}

/** Screens in trouble whose trouble isn't listed as undelivered (yet). */
function troubleTodos(screens: Screen[], letters: DeadLetter[]): Todo[] {
  const listed = new Set(letters.map((letter) => letter.screenId));
  return screens
    .filter((screen) => screen.state === "problem" && !listed.has(screen.screenId))
    .slice(0, EACH_AT_MOST)
    .map((screen) => ({
      key: `trouble-${screen.screenId}`,
      tone: "warn",
      icon: "problem",
      title: `${placeOf(screen)} · ${t("문서 오류", "Document problem")}`,
      why: t("그 모니터에 보이는 안내를 확인해 주세요.", "See what the screen itself says."),
      act: { kind: "open", href: `/screens?q=${encodeURIComponent(screen.screenId)}` },
    }));
}

function letterTodos(dashboard: Dashboard, letters: DeadLetter[]): Todo[] {
  const shown = letters.slice(0, EACH_AT_MOST).map(
    (letter): Todo => ({
      key: letter.deliveryId,
      tone: "warn",
      icon: "problem",
      title: `${orderName(letter)} · ${letter.screenName || letter.screenId}`,
      why: `${pick(letter.messages)} ${pick(letter.action)}`,
      act: { kind: "replay", deliveryId: letter.deliveryId },
    }),
  );
  const rest = dashboard.deadLetters - shown.length;
  if (rest <= 0) return shown;
  return [
    ...shown,
    {
      key: "letters",
      tone: "warn",
      icon: "tray",
      title: t(`미전달 ${rest}건 더`, `${rest} more undelivered`),
      why: t("원인을 고친 뒤 다시 보내 주세요.", "Fix the cause, then send again."),
      act: { kind: "open", href: "/dead-letters" },
    },
  ];
}
