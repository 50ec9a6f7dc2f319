/** An offer opened in a browser: the extension takes it, or this browser becomes the screen; each by a press. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { post } from "../lib/api";
import { type Extension, extension, findExtension, handOff } from "../lib/extension";
import { t } from "../lib/i18n";
import { loadPairing, type Pairing, savePairing } from "../lib/pairing";
import { withParticle } from "../lib/particles";
import { clientName } from "../station/client";
import { Button, ButtonLink } from "../ui/Button";
import { Notice, ProblemNotice } from "../ui/Notice";
import { isPhone } from "./device";
import { ExtensionNote, PressInPopup } from "./ExtensionNote";
import { MarkPage } from "./PhonePage";
import { useAction } from "./use";

export function OfferPage(props: { screenId: string; token: string }) {
  return isPhone() ? <PhoneExplains /> : <Offer {...props} />;
}

function PhoneExplains() {
  return (
    <MarkPage
      icon="phone"
      head={t("휴대폰은 모니터가 될 수 없습니다", "A phone can't be the screen")}
      text={<p>{t("이 주소를 현장 PC에서 열어 주세요.", "Open this on the station's PC.")}</p>}
    />
  );
}

/** Used or late. A new one is made by whoever may, on the list of screens; sign-in comes before it where it must. */
function LateOffer({ screenId }: { screenId: string }) {
  return (
    <MarkPage
      news
      icon="pending"
      head={t("등록 코드가 만료되었습니다", "This pairing code has expired")}
      text={
        <p>
          {t(
            "한 번만, 10분 안에 쓸 수 있습니다. 관리자가 새로 만들거나, 이 PC에 QR을 띄워 휴대폰으로 비추면 됩니다.",
            "It works once, for 10 minutes. A supervisor can make a new one, or this PC can show a code for a phone.",
          )}
        </p>
      }
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
      <small class="notice-code">
        <code>PAIRING_EXPIRED</code>
      </small>
    </MarkPage>
  );
}

function Offer({ screenId, token }: { screenId: string; token: string }) {
  const claim = useAction();
  const [done, setDone] = useState(false);
  const [kept, setKept] = useState(true);
  const [handed, setHanded] = useState(false);
  const found: Extension | null = extension.value;
  const before = useMemo(loadPairing, []);
  useEffect(() => void findExtension(), []);
  const hand = (): void => {
    handOff({ screenId, token });
    setHanded(true);
  };
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
      <MarkPage
        news
        good
        icon="showing"
        head={t(`이 브라우저는 이제 ${screenId}입니다`, `This browser is now ${screenId}`)}
        text={
          <p>
            {t(
              "두 번째 모니터로 옮긴 뒤 전체 화면(F11)으로 띄워 주세요.",
              "Move it to the second monitor, then press F11 for full screen.",
            )}
          </p>
        }
        foot={
          <ButtonLink look="primary" glove wide href="/display">
            {t("모니터 화면 열기", "Open the screen")}
          </ButtonLink>
        }
      >
        {!kept && (
          <Notice tone="warn">
            {t(
              "이 브라우저가 저장을 막아 등록을 기억하지 못합니다. 시크릿 창이 아닌 창에서 다시 해 주세요.",
              "This browser blocks storage, so the pairing can't be kept. Do it again in a window that isn't private.",
            )}
          </Notice>
        )}
      </MarkPage>
    );
  }
  if (handed) {
    return (
      <MarkPage
        news
        icon="sent"
        head={t("확장 프로그램에 넘겼습니다", "Handed to the extension")}
        text={<PressInPopup />}
        foot={
          <>
            <Button glove wide onClick={hand}>
              {t("다시 넘기기", "Hand it over again")}
            </Button>
            <Button look="bare" glove wide onClick={() => setHanded(false)}>
              {t("돌아가기", "Back")}
            </Button>
          </>
        }
      />
    );
  }
  return (
    <MarkPage
      icon="unpaired"
      head={t(`${screenId}의 PC입니까?`, `Is this ${screenId}'s PC?`)}
      text={<p>{t("누르기 전에는 아무것도 바뀌지 않습니다.", "Nothing changes until you press.")}</p>}
      foot={
        found && (
          <>
            {claim.problem && <ProblemNotice problem={claim.problem} />}
            {found.kind !== "missing" && (
              <Button look="primary" glove wide onClick={hand}>
                <span>
                  {t("확장 프로그램에 넘기기", "Hand to the extension")}
                  <small class="btn-more">
                    {t(
                      `두 번째 모니터가 ${withParticle(screenId, "이/가")} 됩니다`,
                      `The second monitor becomes ${screenId}`,
                    )}
                  </small>
                </span>
              </Button>
            )}
            <Button look={found.kind === "missing" ? "primary" : "plain"} glove wide busy={claim.busy} onClick={press}>
              <span>
                {t("이 브라우저를 ", "Make this browser ")}
                <span class="keep">{t(withParticle(screenId, "으로/로"), screenId)}</span>
                {t(" 쓰기", "")}
              </span>
            </Button>
          </>
        )
      }
    >
      {before && before.screenId !== screenId && (
        <Notice tone="warn">
          {t(
            `이 브라우저는 지금 ${before.screenId}입니다. 이 브라우저를 쓰면 바뀝니다.`,
            `This browser is ${before.screenId} now. Making it another changes that.`,
          )}
        </Notice>
      )}
      {found && <ExtensionNote found={found} />}
    </MarkPage>
  );
}
