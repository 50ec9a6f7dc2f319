/** Displays that show a code and wait for somebody's approval. */
import { ago, stamp } from "../lib/format";
import { t } from "../lib/i18n";
import { ButtonLink } from "../ui/Button";
import { Icon } from "../ui/icons";
import { clientText, sizeOf } from "./screenText";
import type { List, Waiting } from "./types";
import { useNow, useResource } from "./use";

/** `screenId` is carried along, for the label of one station; those at `near` come first. */
export function WaitingList({ screenId, near }: { screenId?: string; near?: string | null }) {
  const { data } = useResource<List<Waiting>>("/api/pairing/devices", 4000);
  const now = useNow(10_000);
  const items = [...(data?.items ?? [])].sort(
    (a, b) => Number(b.address === near) - Number(a.address === near) || b.createdAt - a.createdAt,
  );
  if (items.length === 0) return null;
  const query = screenId ? `?screenId=${encodeURIComponent(screenId)}` : "";
  return (
    <section class="card waiting" aria-labelledby="waiting">
      <h2 id="waiting">{t(`등록을 기다리는 모니터 ${items.length}대`, `${items.length} waiting to be paired`)}</h2>
      <ul>
        {items.map((item) => (
          <li key={`${item.user_code_prefix}${item.createdAt}`}>
            <Icon name="unpaired" />
            <b class="code">{item.user_code_prefix}-····</b>
            <span class="waiting-facts">
              <span class="code">{item.address}</span>
              <span>{clientText(item.client)}</span>
              <span>{sizeOf(item.displays[0])}</span>
              <time dateTime={new Date(item.createdAt).toISOString()} title={stamp(item.createdAt)}>
                {ago(item.createdAt, now)}
              </time>
            </span>
            <ButtonLink href={`/approve${query}#${item.user_code_prefix}`}>
              {t("확인하고 승인", "Check and approve")}
            </ButtonLink>
          </li>
        ))}
      </ul>
    </section>
  );
}
