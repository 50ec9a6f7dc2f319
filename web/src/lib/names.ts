/** How what has an id is called where people read it. */
import { type Text, t } from "./i18n";

/** `line-3` is 3라인 / Line 3; other group names stay as they were written. */
export function lineText(group: string): Text {
  const number = /^line-(\d+)$/.exec(group)?.[1];
  return number ? { ko: `${number}라인`, en: `Line ${number}` } : { ko: group, en: group };
}

export function lineName(group: string): string {
  const { ko, en } = lineText(group);
  return t(ko, en);
}

/** Each line once, however often the screen's groups name it. */
export function lineNames(groups: string[]): string[] {
  return [...new Set(groups.map(lineName))];
}

/** What was scanned or sent, as far as a message or a list tells it. A page sent by its address has no order. */
export type Named = { orderId: string | null; title?: string | null; url?: string };

/** The order's number, else the title, else the host of the address: the appliance gives that as title of a page without one. */
export function orderName({ orderId, title, url }: Named): string {
  if (orderId) return orderId;
  const host = hostOf(title);
  if (title && host === null) return title;
  return host ?? hostOf(url) ?? t("문서", "Document");
}

/** What is told beside the order's number; null where there is nothing more to tell. */
export function orderTitle({ orderId, title }: Named): string | null {
  return orderId && title && title !== orderId ? title : null;
}

function hostOf(address: string | null | undefined): string | null {
  if (!address || !/^https?:\/\//i.test(address)) return null;
  try {
    return new URL(address).host;
  } catch {
    return null;
  }
}
