/** Where a station's label and an offer lead. Opening it changes nothing; making this browser a screen takes a press. */
import { useEffect, useMemo } from "preact/hooks";
import { post } from "../lib/api";
import { problemOf } from "../lib/errors";
import { extension, findExtension } from "../lib/extension";
import { ago, stamp } from "../lib/format";
import { t } from "../lib/i18n";
import { orderName } from "../lib/names";
import { Button, ButtonLink } from "../ui/Button";
import { Loading } from "../ui/Loading";
import { ProblemNotice } from "../ui/Notice";
import { ScreenPill } from "../ui/states";
import { isPhone } from "./device";
import { ConnectExtension } from "./ExtensionNote";
import { OfferPage } from "./OfferPage";
import { PhonePage } from "./PhonePage";
import { goToLogin, place } from "./router";
import { clientText, lineAndId, nameOf, pcFacts } from "./screenText";
import { loadMe, may, me, meProblem } from "./session";
import type { Screen } from "./types";
import { useAction, useNow, useResource, useTitle } from "./use";
import { WaitingList } from "./WaitingList";

export function PairPage() {
  const screenId = place.value.searchParams.get("screenId") ?? "";
  const token = useMemo(() => new URLSearchParams(place.value.hash.slice(1)).get("token"), []);
  useTitle(t("모니터 등록", "Pair a screen"));
  if (!screenId) {
    return (
      <PhonePage>
        <h1>{t("이 라벨을 읽을 수 없습니다", "This label can't be read")}</h1>
        <p class="quiet">
          {t(
            "주소에 모니터 번호가 없습니다. 라벨을 다시 비춰 주세요.",
            "The address holds no screen. Scan the label again.",
          )}
        </p>
      </PhonePage>
    );
  }
  if (token) return <OfferPage screenId={screenId} token={token} />;
  return <Label screenId={screenId} />;
}

function Label({ screenId }: { screenId: string }) {
  useEffect(() => {
    if (me.value === undefined) void loadMe();
    void findExtension();
  }, []);
  const nobody = me.value === null;
  // At a station's PC there may be nobody who signs in, and all that's wanted is its extension.
  const forPc = nobody && !isPhone();
  const found = extension.value;
  const toLogin = nobody && (!forPc || found?.kind === "missing");
  useEffect(() => {
    if (toLogin) goToLogin();
  }, [toLogin]);
  if (me.value) return <Station screenId={screenId} />;
  if (forPc && found && found.kind !== "missing") return <AtThePc screenId={screenId} />;
  return (
    <PhonePage>
      {meProblem.value ? <ProblemNotice problem={meProblem.value} onRetry={() => void loadMe()} /> : <Loading />}
    </PhonePage>
  );
}

function AtThePc({ screenId }: { screenId: string }) {
  return (
    <PhonePage
      foot={
        <Button look="bare" glove wide onClick={goToLogin}>
          {t("관리자로 로그인", "Sign in as a supervisor")}
        </Button>
      }
    >
      <div>
        <h1>{screenId}</h1>
        <p class="quiet">{t("이 라벨이 붙은 자리의 PC입니까?", "Is this the PC where this label is?")}</p>
      </div>
      <ConnectExtension />
    </PhonePage>
  );
}

function Station({ screenId }: { screenId: string }) {
  const { data, problem, reload } = useResource<Screen>(`/api/screens/${encodeURIComponent(screenId)}`, 5000);
  const identify = useAction();
  const now = useNow(10_000);
  const unknown = problem?.status === 404;
  const boss = may("supervisor");
  return (
    <PhonePage>
      <div class="pair-head">
        <div>
          <h1>{data ? nameOf(data) : screenId}</h1>
          <p class="quiet">
            {data ? lineAndId(data) : unknown ? t("아직 없는 자리입니다", "No such station yet") : ""}
          </p>
        </div>
        {data && <ScreenPill state={data.state} />}
      </div>
      {problem && !unknown && <ProblemNotice problem={problem} onRetry={() => void reload()} />}
      {!data && !problem && <Loading />}
      {data && (
        <section class="card pair-facts">
          <dl>
            <div>
              <dt>{t("지금", "Now")}</dt>
              <dd>{data.currentDocument ? orderName(data.currentDocument) : t("비어 있음", "Nothing on it")}</dd>
            </div>
            <div>
              <dt>PC</dt>
              <dd>
                {clientText(data.client)} {data.client && <small class="code">{pcFacts(data)}</small>}
              </dd>
            </div>
            <div>
              <dt>{t("마지막 연결", "Last seen")}</dt>
              <dd title={data.lastSeenAt ? stamp(data.lastSeenAt) : undefined}>
                {data.online ? t("지금", "now") : data.lastSeenAt ? ago(data.lastSeenAt, now) : t("아직 없음", "never")}
              </dd>
            </div>
          </dl>
          {boss && (
            <Button
              icon="identify"
              wide
              busy={identify.busy}
              off={data.online ? false : t("모니터가 연결되어 있지 않습니다", "The screen isn't connected")}
              onClick={() => void identify.run(() => post(`/api/screens/${encodeURIComponent(screenId)}/identify`))}
            >
              {t("모니터 찾기", "Identify")}
            </Button>
          )}
          {identify.problem && <ProblemNotice problem={identify.problem} />}
        </section>
      )}
      {boss ? (
        <section>
          <h2>{t("이 자리의 PC 등록", "Pair the PC that stands here")}</h2>
          <p class="quiet small pair-how">
            {t(
              "그 PC의 두 번째 모니터에서 /display를 열면 아래에 나타납니다.",
              "Open /display on its second monitor; it then appears below.",
            )}
          </p>
          <WaitingList screenId={screenId} near={data?.client?.address ?? null} />
          {!isPhone() && extension.value && extension.value.kind !== "missing" && <ConnectExtension />}
          <ButtonLink wide href={`/approve?screenId=${encodeURIComponent(screenId)}`}>
            {t("코드 입력", "Type a code")}
          </ButtonLink>
        </section>
      ) : (
        me.value && unknown && <ProblemNotice problem={problemOf("SCREEN_NOT_FOUND", { target: screenId })} />
      )}
    </PhonePage>
  );
}
