/** How what has an id is called where people read it. */
import { t } from "./i18n";

/** `line-3` is 3라인 / Line 3; other group names stay as they were written. */
export function lineName(group: string): string {
  const number = /^line-(\d+)$/.exec(group)?.[1];
  return number ? t(`${number}라인`, `Line ${number}`) : group;
}
