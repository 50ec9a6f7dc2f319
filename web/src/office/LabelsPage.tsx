/** Labels to print, one a station: choose, look, print. The browser's print window makes paper or a PDF of them. */
import { useEffect, useState } from "preact/hooks";
import { problemOf } from "../lib/errors";
import { t } from "../lib/i18n";
import { lineName, lineNames } from "../lib/names";
import { Button, ButtonLink } from "../ui/Button";
import { Loading } from "../ui/Loading";
import { ProblemNotice } from "../ui/Notice";
import { AddStations } from "./AddStations";
import { LabelSheet } from "./LabelSheet";
import { addressOf, linesOf, pagesOf, type Selection, selectionIn, stationsOf, useLabels } from "./labels";
import { dashboard } from "./live";
import { go, place } from "./router";
import { nameOf } from "./screenText";
import { may, me } from "./session";
import type { List, Screen } from "./types";
import { useNow, useResource, useTitle } from "./use";

export function LabelsPage() {
  useTitle(t("등록 라벨", "Pairing labels"));
  const { data, problem, reload } = useResource<List<Screen>>(may("supervisor") ? "/api/screens" : null);
  if (!may("supervisor"))
    return <ProblemNotice problem={problemOf("PERMISSION_DENIED", { role: t("현장 관리자", "Supervisor") })} />;
  if (!data)
    return problem ? (
      <ProblemNotice problem={problem} onRetry={() => void reload()} />
    ) : (
      <Loading rows={6} onRetry={() => void reload()} />
    );
  return data.items.length === 0 ? <None onAdded={reload} /> : <Sheets screens={data.items} onAdded={reload} />;
}

function None({ onAdded }: { onAdded: () => Promise<void> }) {
  return (
    <>
      <div class="page-head">
        <h1>{t("등록 라벨 인쇄", "Pairing labels")}</h1>
      </div>
      <section class="card add-card">
        <h2>{t("어느 자리의 라벨입니까?", "Labels for which stations?")}</h2>
        <p class="quiet">
          {t(
            "아직 자리가 없습니다. 이름을 적으면 자리가 만들어지고 라벨이 나옵니다. PC는 나중에 등록합니다.",
            "There are no stations yet. Type their names to make them and their labels. Their PCs are paired later.",
          )}
        </p>
        <AddStations screens={[]} onAdded={onAdded} />
      </section>
    </>
  );
}

function Sheets({ screens, onAdded }: { screens: Screen[]; onAdded: () => Promise<void> }) {
  const selection = selectionIn(place.value.searchParams);
  const offered = stationsOf(screens, selection.line);
  const { ids } = selection;
  const chosen = ids === null ? offered : offered.filter((screen) => ids.includes(screen.screenId));
  const [turn, setTurn] = useState(0);
  const wanted = chosen.map((screen) => screen.screenId);
  const drawn = useLabels(wanted, turn);
  const printedAt = useNow(30_000);
  useEffect(() => {
    document.body.classList.add("on-paper"); // everything around the sheets stays off the paper
    return () => document.body.classList.remove("on-paper");
  }, []);
  const pages = pagesOf(chosen);
  const complete = wanted.every((id) => drawn.labels.has(id));
  const off =
    chosen.length === 0
      ? t("자리를 골라 주세요", "Pick a station")
      : !complete && t("QR을 그리는 중입니다", "The codes are being drawn");
  return (
    <div class="labels-page">
      <div class="tools">
        <div class="page-head">
          <div>
            <h1>{t("등록 라벨 인쇄", "Pairing labels")}</h1>
            <p role="status">{countText(chosen.length, pages.length)}</p>
          </div>
          <div class="end">
            <ButtonLink href="/screens" icon="back">
              {t("모니터", "Screens")}
            </ButtonLink>
            <Button look="primary" icon="print" off={off} onClick={() => window.print()}>
              {t("인쇄", "Print")}
            </Button>
          </div>
        </div>
        <Chooser screens={screens} offered={offered} selection={selection} />
        <details class="card add-card">
          <summary>{t("자리 더하기", "Add stations")}</summary>
          <AddStations screens={screens} onAdded={onAdded} />
        </details>
        <p class="quiet small">
          {t(
            "인쇄 창에서 배율은 100%로 둡니다. PDF 파일이 필요하면 프린터 대신 ‘PDF로 저장’을 고릅니다.",
            "In the print window, keep the scale at 100%. For a PDF file, choose “Save as PDF” instead of a printer.",
          )}
        </p>
        {drawn.problem && <ProblemNotice problem={drawn.problem} onRetry={() => setTurn(turn + 1)} />}
      </div>
      <div class="sheets">
        {pages.map((page, at) => (
          <LabelSheet
            key={page[0]?.screenId}
            plant={dashboard.value?.plant || me.value?.plant || "Vooster"}
            screens={page}
            labels={drawn.labels}
            address={drawn.address}
            page={at + 1}
            pages={pages.length}
            printedAt={printedAt}
          />
        ))}
      </div>
    </div>
  );
}

function countText(labels: number, pages: number): string {
  const ko = `라벨 ${labels}장 · ${pages}쪽 (A4, Letter)`;
  const en = `${labels === 1 ? "1 label" : `${labels} labels`} · ${pages === 1 ? "1 page" : `${pages} pages`} (A4, Letter)`;
  return t(ko, en);
}

type ChooserProps = { screens: Screen[]; offered: Screen[]; selection: Selection };

function Chooser({ screens, offered, selection }: ChooserProps) {
  const choose = (next: Selection): void => go(addressOf(next), true);
  const lines = linesOf(screens);
  const all = offered.map((screen) => screen.screenId);
  const ids = selection.ids ?? all;
  const toggle = (id: string, on: boolean): void => {
    const next = all.filter((one) => (one === id ? on : ids.includes(one)));
    // An address without any station means all of them, so "none" is said by one that doesn't exist.
    choose({ ...selection, ids: next.length === all.length ? null : next.length === 0 ? [""] : next });
  };
  return (
    <section class="card chooser" aria-label={t("자리 고르기", "Choose stations")}>
      {lines.length > 0 && (
        <label class="field">
          <span class="label">{t("라인", "Line")}</span>
          <select
            class="input"
            value={selection.line ?? ""}
            onChange={(event) => choose({ line: event.currentTarget.value || null, ids: null })}
          >
            <option value="">{t("모든 라인", "All lines")}</option>
            {lines.map((line) => (
              <option key={line} value={line}>
                {lineName(line)}
              </option>
            ))}
          </select>
        </label>
      )}
      <fieldset class="station-checks">
        <legend class="label">{t("자리", "Stations")}</legend>
        {offered.length > 1 && (
          <div class="check-all">
            <Button look="bare" onClick={() => choose({ ...selection, ids: null })}>
              {t("모두", "All")}
            </Button>
            <Button look="bare" onClick={() => choose({ ...selection, ids: [""] })}>
              {t("모두 빼기", "None")}
            </Button>
          </div>
        )}
        {offered.map((screen) => (
          <label key={screen.screenId} class="station-check">
            <input
              type="checkbox"
              checked={ids.includes(screen.screenId)}
              onChange={(event) => toggle(screen.screenId, event.currentTarget.checked)}
            />
            <span>
              {nameOf(screen)}
              <small>{[...lineNames(screen.groups), screen.screenId].join(" · ")}</small>
            </span>
          </label>
        ))}
      </fieldset>
    </section>
  );
}
