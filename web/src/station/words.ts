/** How the catalogue's texts stand on a monitor that is read from three metres: the first sentence large, no full stop. */
import type { Problem } from "../lib/errors";
import type { Text } from "../lib/i18n";

const SENTENCE_END = /(?<=[.!?])\s+/;

function both(text: Text, change: (one: string) => string): Text {
  return { ko: change(text.ko), en: change(text.en) };
}

export function firstSentence(text: Text): Text {
  return both(text, (one) => (one.split(SENTENCE_END)[0] ?? one).replace(/\.$/, ""));
}

/** Message and action as one text. */
export function together({ message, action }: Problem): Text {
  return { ko: `${message.ko} ${action.ko}`, en: `${message.en} ${action.en}` };
}

/** What is left of the message, and the action: what to do. */
export function remedy(problem: Problem): Text {
  const rest = both(problem.message, (one) => one.split(SENTENCE_END).slice(1).join(" "));
  return {
    ko: [rest.ko, problem.action.ko].filter(Boolean).join(" "),
    en: [rest.en, problem.action.en].filter(Boolean).join(" "),
  };
}
