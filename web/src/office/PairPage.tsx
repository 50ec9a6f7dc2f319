/** Where a station's label and an offer lead. Opening it changes nothing; making this browser a screen takes a press. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { post } from "../lib/api";
import { problemOf } from "../lib/errors";
import { ago, stamp } from "../lib/format";
import { t } from "../lib/i18n";
import { orderName } from "../lib/names";
import { loadPairing, type Pairing, savePairing } from "../lib/pairing";
import { withParticle } from "../lib/particles";
import { clientName } from "../station/client";
import { Button, ButtonLink } from "../ui/Button";
import { Icon } from "../ui/icons";
import { Loading } from "../ui/Loading";
import { Notice, ProblemNotice } from "../ui/Notice";
import { ScreenPill } from "../ui/states";
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
  if (token) return isPhone() ? <PhoneExplains /> : <Offer screenId={screenId} token={token} />;
  return <Label screenId={screenId} />;
}

function isPhone(): boolean {
  const hint = (navigator as Navigator & { userAgentData?: { mobile?: boolean } }).userAgentData?.mobile;
  return hint ?? /Mobi|Android|iPhone|iPad/.test(navigator.userAgent);
}

function PhoneExplains() {
  return (
    <PhonePage center>
      <span class="bigmark no">
        <Icon name="phone" />
      </span>
      <div>
        <h1>{t("휴대폰은 모니터가 될 수 없습니다", "A phone can't be the screen")}</h1>
        <p>{t("이 주소를 현장 PC에서 열어 주세요.", "Open this on the station's PC.")}</p>
      </div>
    </PhonePage>
  );
}

/** Used or late. A new one is made by whoever may, on the list of screens; sign-in comes before it where it must. */
function LateOffer({ screenId }: { screenId: string }) {
  return (
    <PhonePage
      center
      foot={
        <>
          <ButtonLink
            look="primary"
            glove
            wide
            href={`/screens?q=${encodeURIComponent(screenId)}&offer=${encodeURIComponent(screenId)}`}
          >
            {t("새 QR 만들기", "Make a new one")}
          </ButtonLink>
          <ButtonLink look="bare" glove wide href="/display">
            {t("이 PC에 QR 띄우기", "Show a code on this PC")}
          </ButtonLink>
        </>
      }
    >
      <span class="bigmark no">
        <Icon name="pending" />
      </span>
      <div role="status">
        <h1>{t("등록 코드가 만료되었습니다", "This pairing code has expired")}</h1>
        <p>
          {t(
            "한 번만, 10분 안에 쓸 수 있습니다. 관리자가 새로 만들거나, 이 PC에 QR을 띄워 휴대폰으로 비추면 됩니다.",
            "It works once, for 10 minutes. A supervisor can make a new one, or this PC can show a code for a phone.",
          )}
        </p>
      </div>
      <small class="notice-code">
        <code>PAIRING_EXPIRED</code>
      </small>
    </PhonePage>
  );
}

function Offer({ screenId, token }: { screenId: string; token: string }) {
  const claim = useAction();
  const [done, setDone] = useState(false);
  const [kept, setKept] = useState(true);
  const before = useMemo(loadPairing, []);
  const press = (): void =>
    void claim.run(async () => {
      const body = { screenId, token, client: clientName() };
      const pairing = await post<Pairing>("/api/pairing/claim", body, { csrf: false });
      setKept(savePairing(pairing));
      history.replaceState(null, "", `/pair?screenId=${encodeURIComponent(screenId)}`);
      setDone(true);
    });
  if (claim.problem?.code === "PAIRING_EXPIRED") return <LateOffer screenId={screenId} />;
  if (done) {
    return (
      <PhonePage
        center
        foot={
          <ButtonLink look="primary" glove wide href="/display">
            {t("모니터 화면 열기", "Open the screen")}
          </ButtonLink>
        }
      >
        <span class="bigmark ok">
          <Icon name="showing" />
        </span>
        <div role="status">
          <h1>{t(`이 브라우저는 이제 ${screenId}입니다`, `This browser is now ${screenId}`)}</h1>
          <p>
            {t(
              "두 번째 모니터로 옮긴 뒤 전체 화면(F11)으로 띄워 주세요.",
              "Move it to the second monitor, then press F11 for full screen.",
            )}
          </p>
        </div>
        {!kept && (
          <Notice tone="warn">
            {t(
              "이 브라우저가 저장을 막아 등록을 기억하지 못합니다. 시크릿 창이 아닌 창에서 다시 해 주세요.",
              "This browser blocks storage, so the pairing can't be kept. Do it again in a window that isn't private.",
            )}
          </Notice>
        )}
      </PhonePage>
    );
  }
  return (
    <PhonePage
      center
      foot={
        <>
          {claim.problem && <ProblemNotice problem={claim.problem} />}
          <Button look="primary" glove wide busy={claim.busy} onClick={press}>
            <span>
              {t("이 브라우저를 ", "Make this browser ")}
              <span class="keep">{t(withParticle(screenId, "으로/로"), screenId)}</span>
              {t(" 쓰기", "")}
            </span>
          </Button>
        </>
      }
    >
      <span class="bigmark no">
        <Icon name="unpaired" />
      </span>
      <div>
        <h1>{t(`${screenId}의 PC입니까?`, `Is this ${screenId}'s PC?`)}</h1>
        <p>{t("누르기 전에는 아무것도 바뀌지 않습니다.", "Nothing changes until you press.")}</p>
      </div>
      {before && before.screenId !== screenId && (
        <Notice tone="warn">
          {t(
            `이 브라우저는 지금 ${before.screenId}입니다. 누르면 바뀝니다.`,
            `This browser is ${before.screenId} now. Pressing changes that.`,
          )}
        </Notice>
      )}
    </PhonePage>
  );
}

function Label({ screenId }: { screenId: string }) {
  useEffect(() => {
    if (me.value === undefined) void loadMe();
  }, []);
  const nobody = me.value === null;
  useEffect(() => {
    if (nobody) goToLogin();
  }, [nobody]);
  if (me.value) return <Station screenId={screenId} />;
  return (
    <PhonePage>
      {meProblem.value ? <ProblemNotice problem={meProblem.value} onRetry={() => void loadMe()} /> : <Loading />}
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
