/** A PC for a station without a phone: a QR that a hand scanner reads at that PC, or the address opened there. */
import { useEffect, useState } from "preact/hooks";
import { answer } from "../lib/api";
import { long } from "../lib/format";
import { t } from "../lib/i18n";
import { svgImage } from "../lib/links";
import { withParticle } from "../lib/particles";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { ProblemNotice } from "../ui/Notice";
import { nameOf } from "./screenText";
import type { Screen } from "./types";
import { useAction, useNow } from "./use";

/** `endsAt` by this device's own clock. */
type Offer = { url: string; svg: string; endsAt: number };
type Made = { url: string; expiresAt: number; qr: { svg: string } };

export function OfferDialog({ screen, onClose }: { screen: Screen; onClose: () => void }) {
  const name = nameOf(screen);
  const [offer, setOffer] = useState<Offer | null>(null);
  const action = useAction();
  const make = (): void =>
    void action.run(async () => {
      const body = { screenId: screen.screenId, ...(screen.paired && { replace: true }) };
      const { body: made, serverTime } = await answer<Made>("POST", "/api/pairing/offers", { body });
      setOffer({ url: made.url, svg: made.qr.svg, endsAt: Date.now() + made.expiresAt - serverTime });
    });
  // Where a PC is paired already, somebody says yes first.
  useEffect(() => {
    if (!screen.paired) make();
  }, []);
  const left = (offer?.endsAt ?? 0) - useNow();
  const isOver = offer !== null && left <= 0;
  return (
    <Dialog
      title={
        screen.paired ? t(`${name}의 PC 교체`, `Replace ${name}'s PC`) : t(`${name}의 PC 등록`, `Pair ${name}'s PC`)
      }
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>{offer ? t("닫기", "Close") : t("그만두기", "Cancel")}</Button>
          {((screen.paired && !offer) || isOver || action.problem) && (
            <Button look="primary" busy={action.busy} onClick={make}>
              {offer || !screen.paired ? t("새 QR 만들기", "Make a new one") : t("바꾸기", "Replace")}
            </Button>
          )}
        </>
      }
    >
      {action.problem && <ProblemNotice problem={action.problem} />}
      {!offer && screen.paired && (
        <p class="quiet">
          {screen.online
            ? t(
                `${withParticle(name, "은/는")} 지금 켜져 있습니다. 새 PC가 등록되면 그 PC는 해제됩니다.`,
                `${name} is on now. That PC will be unpaired once the new one is paired.`,
              )
            : t(
                "새 PC가 등록되면 먼저 있던 PC는 해제됩니다.",
                "The earlier PC will be unpaired once the new one is paired.",
              )}
        </p>
      )}
      {isOver && (
        <p class="quiet" role="status">
          {t("등록 코드가 만료되었습니다.", "This pairing code has expired.")}
        </p>
      )}
      {offer && !isOver && <Shown offer={offer} left={left} />}
    </Dialog>
  );
}

function Shown({ offer, left }: { offer: Offer; left: number }) {
  return (
    <div class="offer">
      <ol class="steps">
        <li>{t("그 PC의 두 번째 모니터에서 /display를 엽니다.", "Open /display on that PC's second monitor.")}</li>
        <li>
          {t(
            "그 PC의 핸드 스캐너로 이 QR을 두 번 읽습니다. 스캐너가 없으면 아래 주소를 그 PC에서 엽니다.",
            "Read this code twice with that PC's hand scanner. Without one, open the address below on that PC.",
          )}
        </li>
      </ol>
      <p class="quiet small">
        {t(
          "그 PC에 확장 프로그램이 있으면 아래 주소를 거기에서 열고 ‘확장 프로그램에 넘기기’를 누릅니다.",
          "If that PC has the extension, open the address below there and press “Hand to the extension”.",
        )}{" "}
        <a href="/extension">{t("확장 프로그램 설치", "Install the extension")}</a>
      </p>
      <img src={svgImage(offer.svg)} alt="QR" />
      <label class="field">
        <span class="label">{t("주소 (한 번, 한 PC에서만)", "Address (once, on one PC only)")}</span>
        <input class="input code" readOnly value={offer.url} onFocus={(event) => event.currentTarget.select()} />
      </label>
      <p class="quiet small">{t(`${long(left)} 남음`, `${long(left)} left`)}</p>
    </div>
  );
}
