/** Every station's screen: its state, its PC, and what can be done about it. */
import { useEffect, useState } from "preact/hooks";
import { counted } from "../lib/format";
import { t } from "../lib/i18n";
import { lineName, orderName } from "../lib/names";
import { Button, ButtonLink } from "../ui/Button";
import { Empty } from "../ui/Empty";
import { Icon } from "../ui/icons";
import { Loading } from "../ui/Loading";
import { ProblemNotice } from "../ui/Notice";
import { CloneWarnings } from "./CloneWarnings";
import { CodeField } from "./CodeField";
import { dashboard } from "./live";
import { place } from "./router";
import { ScreenTable } from "./ScreenTable";
import { byUrgency } from "./screenText";
import { may, me } from "./session";
import type { List, Screen } from "./types";
import { useResource, useTitle } from "./use";
import { WaitingList } from "./WaitingList";

const SEARCH_FROM = 9;

export function ScreensPage() {
  const { data, problem, reload } = useResource<List<Screen>>("/api/screens", 5000);
  const counts = JSON.stringify(dashboard.value?.screens ?? null);
  useEffect(() => void reload(), [counts]);
  useTitle(t("모니터", "Screens"));
  const screens = data?.items ?? null;
  return (
    <>
      <Head screens={screens} />
      {may("supervisor") && (
        <>
          <section class="card join" aria-labelledby="join">
            <Icon name="qr" />
            <div>
              <h2 id="join">{t("모니터 등록", "Pair a screen")}</h2>
              <p>
                {t(
                  "모니터의 QR을 휴대폰으로 비추거나, 보이는 코드를 여기에 입력합니다.",
                  "Point a phone at the code on the screen, or type it here.",
                )}{" "}
                <a href="/extension">
                  {t("PC에는 확장 프로그램을 설치해 두면 편합니다", "The extension makes it easier")}
                </a>
              </p>
            </div>
            <CodeField />
          </section>
          <WaitingList />
        </>
      )}
      {screens && <CloneWarnings screens={screens} onChanged={reload} />}
      {problem && <ProblemNotice problem={problem} onRetry={() => void reload()} />}
      {!screens && !problem && <Loading rows={6} onRetry={() => void reload()} />}
      {screens && (screens.length === 0 ? <First /> : <Listed screens={screens} onChanged={reload} />)}
      <p class="quiet small">
        {t("자리 PC가 Vooster를 찾지 못합니까?", "A station's PC doesn't find Vooster?")}{" "}
        <a href="/discovery">{t("찾기 확인", "Check finding")}</a>
      </p>
    </>
  );
}

function Head({ screens }: { screens: Screen[] | null }) {
  const online = screens?.filter((screen) => screen.online).length ?? 0;
  const off = screens?.filter((screen) => screen.paired && !screen.online).length ?? 0;
  const bare = screens?.filter((screen) => !screen.paired).length ?? 0;
  const parts = [
    t(`${counted(online, "대")} 연결됨`, `${online} connected`),
    off > 0 && t(`${counted(off, "대")} 끊김`, `${off} offline`),
    bare > 0 && t(`${counted(bare, "대")} 등록 전`, `${bare} not paired`),
  ].filter(Boolean);
  const many = screens?.length ?? 0;
  return (
    <div class="page-head">
      <div>
        <h1>
          {many === 0
            ? t("모니터", "Screens")
            : t(`모니터 ${counted(many, "대")}`, many === 1 ? "1 screen" : `${many} screens`)}
        </h1>
        {many > 0 && <p>{parts.join(", ")}</p>}
      </div>
      {may("supervisor") && many > 0 && (
        <div class="end">
          <ButtonLink href="/screens/labels" icon="print">
            {t("라벨 인쇄", "Print labels")}
          </ButtonLink>
        </div>
      )}
    </div>
  );
}

function First() {
  const address = me.value?.address ?? location.host;
  return (
    <section class="card first">
      <Icon name="unpaired" />
      <div>
        <h2>{t("첫 모니터를 등록해 주세요", "Pair your first screen")}</h2>
        <p class="quiet">
          {t(
            "아직 모니터가 없습니다. 현장 PC의 두 번째 모니터에서 브라우저로 이 주소를 엽니다. 그 모니터에 QR이 나오면 휴대폰으로 비춰 주세요.",
            "No screens yet. On a station's second monitor, open this address in a browser. When it shows a code, point your phone at it.",
          )}
        </p>
        <p class="url">{address}/display</p>
        <p class="quiet">
          {t(
            "PC의 브라우저에 확장 프로그램을 설치하면 두 번째 모니터에 저절로 띄웁니다.",
            "With the extension in the PC's browser, the second monitor is filled by itself.",
          )}{" "}
          <a href="/extension">{t("확장 프로그램 설치", "Install the extension")}</a>
        </p>
        <div class="first-acts">
          <ButtonLink look="primary" href="/display" target="_blank" rel="noopener">
            {t("이 PC에서 열어 보기", "Try it on this PC")}
          </ButtonLink>
          {may("supervisor") && (
            <ButtonLink icon="print" href="/screens/labels">
              {t("라벨 먼저 인쇄", "Print labels first")}
            </ButtonLink>
          )}
        </div>
      </div>
    </section>
  );
}

function Listed({ screens, onChanged }: { screens: Screen[]; onChanged: () => Promise<void> }) {
  const [query, setQuery] = useState(place.value.searchParams.get("q") ?? "");
  const search = (next: string): void => {
    setQuery(next);
    history.replaceState(null, "", next ? `/screens?q=${encodeURIComponent(next)}` : "/screens");
  };
  const found = screens.filter((screen) => matches(screen, query)).sort(byUrgency);
  return (
    <>
      {(screens.length >= SEARCH_FROM || query) && (
        <label class="search">
          <Icon name="find" />
          <span class="vh">{t("자리, 번호, 라인, 주문으로 찾기", "Search by station, id, line or order")}</span>
          <input
            class="input"
            type="search"
            value={query}
            placeholder={t("자리, 번호, 라인, 주문", "Station, id, line or order")}
            onInput={(event) => search(event.currentTarget.value)}
          />
        </label>
      )}
      {found.length > 0 ? (
        <ScreenTable screens={found} onChanged={onChanged} />
      ) : (
        <section class="card">
          <Empty icon="find" title={t(`‘${query}’에 맞는 모니터가 없습니다`, `No screen matches “${query}”`)}>
            <Button onClick={() => search("")}>{t("모두 보기", "Show all")}</Button>
          </Empty>
        </section>
      )}
    </>
  );
}

function matches(screen: Screen, query: string): boolean {
  const text = [
    screen.name,
    screen.screenId,
    ...screen.groups,
    ...screen.groups.map(lineName),
    screen.currentDocument ? orderName(screen.currentDocument) : "",
    screen.client?.address ?? "",
  ];
  return text.join("\n").toLowerCase().includes(query.trim().toLowerCase());
}
