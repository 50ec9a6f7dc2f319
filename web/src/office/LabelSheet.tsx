/** One page of labels, as it comes out of the printer: eight, four rows of two. The same on A4 and on Letter. */
import { stamp } from "../lib/format";
import { t } from "../lib/i18n";
import { svgImage } from "../lib/links";
import { lineName, lineNames } from "../lib/names";
import { nameOf } from "./screenText";
import type { Label, Screen } from "./types";

/** Names longer than this don't fit beside the code in the large type. */
const LONG_NAME = 9;
const VERY_LONG_NAME = 24;

type SheetProps = {
  plant: string;
  screens: Screen[];
  labels: ReadonlyMap<string, Label>;
  address: string;
  page: number;
  pages: number;
  printedAt: number;
};

export function LabelSheet({ plant, screens, labels, address, page, pages, printedAt }: SheetProps) {
  const lines = [...new Set(screens.flatMap((screen) => screen.groups.slice(0, 1)))].map(lineName);
  return (
    <section class="sheet" aria-label={t(`${page}쪽`, `Page ${page}`)}>
      <header>
        <div>
          <b>{[plant, ...lines].join(" · ")}</b>
          {t("모니터마다 한 장씩, 모니터 아래쪽에 붙입니다", "One for each screen; stick it below the screen")}
        </div>
        <div class="sheet-when">
          {t("인쇄", "Printed")} {stamp(printedAt).slice(0, 16)}
          <br />
          {t(`${page}쪽 / ${pages}쪽`, `page ${page} of ${pages}`)}
        </div>
      </header>
      <ul class="labels">
        {screens.map((screen) => (
          <OneLabel key={screen.screenId} screen={screen} label={labels.get(screen.screenId)} address={address} />
        ))}
      </ul>
      <footer>
        {t(
          "등록이 끝난 뒤에도 떼지 말아 주세요. PC를 바꿀 때나 모니터에 문제가 있을 때 이 QR을 휴대폰으로 비추면 그 자리의 화면이 열립니다. 암호가 들어 있지 않아, 로그인한 관리자만 등록할 수 있습니다.",
          "Leave it on after pairing. When the PC is replaced or the screen has a problem, scan it with a phone to open this station's page. It holds no secret: only a signed-in supervisor can pair.",
        )}
      </footer>
    </section>
  );
}

function OneLabel({ screen, label, address }: { screen: Screen; label: Label | undefined; address: string }) {
  const name = nameOf(screen);
  const size = name.length > VERY_LONG_NAME ? "is-very-long" : name.length > LONG_NAME ? "is-long" : undefined;
  return (
    <li class="lab">
      <div class="lab-qr">{label && <img src={svgImage(label.qr.svg)} alt={label.url} decoding="sync" />}</div>
      <div class="lab-words">
        <p class="lab-line">{lineNames(screen.groups).join(" · ")}</p>
        <h2 class={size}>{name}</h2>
        <p class="lab-id">{screen.screenId}</p>
        <p class="lab-address">{address}</p>
      </div>
    </li>
  );
}
