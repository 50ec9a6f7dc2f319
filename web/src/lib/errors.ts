/** Every failure as one Problem: a code, what happened, the one thing to do. The catalogue is the appliance's own. */
import catalogue from "../../../appliance/errors/catalogue.json";
import { pick, type Text } from "./i18n";

export type Tone = "final" | "temporary" | "waiting";
export type FieldError = { field: string; reason: string };
export type Params = Record<string, string | number | undefined>;

export type Problem = {
  code: string;
  /** HTTP status, null where no answer came. */
  status: number | null;
  message: Text;
  action: Text;
  tone: Tone;
  retryable: boolean;
  traceId: string | null;
  retryAfterSeconds: number | null;
  fields: FieldError[];
};

type Entry = { status: number | null; retryable: boolean; tone: string; message: Text; action: Text };

const ENTRIES = catalogue as unknown as Record<string, Entry>;
const UNKNOWN = ENTRIES.UNKNOWN as Entry;
const TONES: readonly string[] = ["final", "temporary", "waiting"];

/** Fills `{name}`. A text whose value is missing loses ": {name}" at its end, or the sentence it stands in. */
function fill(template: string, params: Params): string {
  const filled = template.replace(/\{(\w+)\}/g, (hole, name: string) => String(params[name] ?? hole));
  if (!/\{\w+\}/.test(filled)) return filled;
  return filled
    .replace(/\s*:\s*\{\w+\}\s*$/, ".")
    .split(/(?<=[.!?])\s+/)
    .filter((sentence) => !/\{\w+\}/.test(sentence))
    .join(" ");
}

const AGAIN: Text = { ko: "잠시 뒤 다시 해 주세요.", en: "Try again shortly." };

/** A problem always says something to do, even when all its words needed values that didn't come. */
function orElse(text: Text, fallback: Text): Text {
  return { ko: text.ko || fallback.ko, en: text.en || fallback.en };
}

function fillText(text: Text, params: Params): Text {
  return { ko: fill(text.ko, params), en: fill(text.en, params) };
}

/** The problem a code stands for; a code nobody knows keeps its name and gets the words for the unknown. */
export function problemOf(code: string, params: Params = {}): Problem {
  const entry = ENTRIES[code] ?? UNKNOWN;
  return {
    code,
    status: entry.status,
    message: fillText(entry.message, params),
    action: orElse(fillText(entry.action, params), AGAIN),
    tone: TONES.includes(entry.tone) ? (entry.tone as Tone) : "temporary",
    retryable: entry.retryable,
    traceId: typeof params.traceId === "string" ? params.traceId : null,
    retryAfterSeconds: null,
    fields: [],
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): Text | null {
  if (!isRecord(value) || typeof value.ko !== "string" || typeof value.en !== "string") return null;
  return { ko: value.ko, en: value.en };
}

function fieldsOf(value: unknown): FieldError[] {
  if (!Array.isArray(value)) return [];
  return value
    .filter(isRecord)
    .filter((item) => typeof item.field === "string")
    .map((item) => ({ field: String(item.field), reason: String(item.reason ?? "") }));
}

/** Reads problem+json, or a wire message with a code (`error`, `trigger:error`, a dead delivery), whatever it holds. */
export function problemFrom(body: unknown, status: number | null = null): Problem {
  if (!isRecord(body) || typeof body.code !== "string") {
    return { ...problemOf(status !== null && status >= 500 ? "INTERNAL_ERROR" : "UNKNOWN"), status };
  }
  const traceId = typeof body.traceId === "string" ? body.traceId : undefined;
  const known = problemOf(body.code, { traceId });
  return {
    ...known,
    status: status ?? known.status,
    message: textOf(body.messages) ?? known.message,
    action: textOf(body.action) ?? known.action,
    retryable: typeof body.retryable === "boolean" ? body.retryable : known.retryable,
    traceId: traceId ?? null,
    fields: fieldsOf(body.errors),
  };
}

/** Thrown by everything in `api.ts`. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(`${problem.code}: ${problem.message.en}`);
    this.name = "ProblemError";
    this.problem = problem;
  }
}

/** The problem behind anything caught; what isn't a ProblemError is a fault of the page itself. */
export function problemIn(error: unknown): Problem {
  return error instanceof ProblemError ? error.problem : problemOf("UNKNOWN");
}

export function messageOf(problem: Problem): string {
  return pick(problem.message);
}

export function actionOf(problem: Problem): string {
  return pick(problem.action);
}
