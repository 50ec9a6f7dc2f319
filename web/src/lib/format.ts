/** Times, durations, counts and shares as people read them, in both languages. Unknown is "–", never 0. */
import { lang, t } from "./i18n";

export const NONE = "–";

const two = (value: number): string => String(value).padStart(2, "0");
const DAYS_KO = "일월화수목금토";
const DAYS_EN = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS_EN = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** 14:14:07, or 14:14 without seconds. `ms` since the epoch. */
export function clock(ms: number, seconds = true): string {
  const at = new Date(ms);
  return `${two(at.getHours())}:${two(at.getMinutes())}${seconds ? `:${two(at.getSeconds())}` : ""}`;
}

function sameDay(a: Date, b: Date): boolean {
  return a.getFullYear() === b.getFullYear() && a.getMonth() === b.getMonth() && a.getDate() === b.getDate();
}

/** Today the clock alone, on another day 11월 21일 (토) 14:14 / Sat 21 Nov, 14:14. */
export function when(ms: number, now = Date.now()): string {
  const at = new Date(ms);
  if (sameDay(at, new Date(now))) return clock(ms);
  const day =
    lang.value === "ko"
      ? `${at.getMonth() + 1}월 ${at.getDate()}일 (${DAYS_KO[at.getDay()]}) `
      : `${DAYS_EN[at.getDay()]} ${at.getDate()} ${MONTHS_EN[at.getMonth()]}, `;
  return day + clock(ms, false);
}

/** 2026-11-22 14:14:07, for titles, files and print. */
export function stamp(ms: number): string {
  const at = new Date(ms);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock(ms)}`;
}

/** How long ago: 방금, 12초 전, 6분 전, 3시간 전, 어제. */
export function ago(ms: number, now = Date.now()): string {
  const seconds = Math.floor((now - ms) / 1000);
  if (seconds < 5) return t("방금", "just now");
  if (seconds < 60) return t(`${seconds}초 전`, `${seconds} s ago`);
  if (seconds < 3600) return t(`${Math.floor(seconds / 60)}분 전`, `${Math.floor(seconds / 60)} min ago`);
  const midnight = new Date(now).setHours(0, 0, 0, 0);
  if (ms < midnight && ms >= midnight - 86_400_000) return t("어제", "yesterday");
  if (seconds < 86_400) return t(`${Math.floor(seconds / 3600)}시간 전`, `${Math.floor(seconds / 3600)} h ago`);
  return when(ms, now);
}

/** How long a state has lasted: 6분째 / for 6 min. */
export function lasting(ms: number): string {
  const minutes = Math.floor(Math.max(0, ms) / 60_000);
  if (minutes < 1) return t("방금부터", "just now");
  if (minutes < 60) return t(`${minutes}분째`, `for ${minutes} min`);
  if (minutes < 1440) return t(`${Math.floor(minutes / 60)}시간째`, `for ${Math.floor(minutes / 60)} h`);
  return t(`${Math.floor(minutes / 1440)}일째`, `for ${Math.floor(minutes / 1440)} d`);
}

/** Value and unit apart, for figures that set the unit small: ["0.29", "초"]. */
export function shortParts(ms: number): [string, string] {
  if (ms < 100) return [String(Math.round(ms)), "ms"];
  if (ms < 995) return [(ms / 1000).toFixed(2), t("초", "s")];
  return [(ms / 1000).toFixed(1), t("초", "s")];
}

/** 2 ms, 0.29초, 1.8초. */
export function short(ms: number | null): string {
  if (ms === null) return NONE;
  const [value, unit] = shortParts(ms);
  return unit === "초" ? value + unit : `${value} ${unit}`;
}

/** Two units: 8분 12초, 1시간 2분, 12일 4시간. `ms` milliseconds. */
export function long(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days > 0) return t(`${days}일 ${hours % 24}시간`, `${days} d ${hours % 24} h`);
  if (hours > 0) return t(`${hours}시간 ${minutes % 60}분`, `${hours} h ${minutes % 60} min`);
  if (minutes > 0) return t(`${minutes}분 ${seconds % 60}초`, `${minutes} min ${seconds % 60} s`);
  return t(`${seconds}초`, `${seconds} s`);
}

/** 1,846; from ten million 1,000만 / 10M. */
export function count(value: number): string {
  if (value < 10_000_000) return value.toLocaleString("en-US");
  return t(
    `${Math.floor(value / 10_000).toLocaleString("en-US")}만`,
    `${(value / 1_000_000).toFixed(1).replace(/\.0$/, "")}M`,
  );
}

/** Counts with their counter: `counted(24, "대")` is 24대, and 24 in English. */
export function counted(value: number, counter: string): string {
  return t(count(value) + counter, count(value));
}

/** Share of a whole, 0 to 1, as 0.2%. Nothing of nothing is unknown. */
export function share(part: number, whole: number): string {
  if (whole <= 0) return NONE;
  const value = (part / whole) * 100;
  return `${value > 0 && value < 10 ? value.toFixed(1) : Math.round(value)}%`;
}
