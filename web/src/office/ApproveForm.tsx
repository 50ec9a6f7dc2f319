/** The question itself: code, facts, station, and Approve beside Deny. */
import { useEffect, useRef, useState } from "preact/hooks";
import { post } from "../lib/api";
import type { Problem } from "../lib/errors";
import { ago, long } from "../lib/format";
import { lang, t } from "../lib/i18n";
import { withParticle } from "../lib/particles";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Icon } from "../ui/icons";
import { ProblemNotice } from "../ui/Notice";
import type { Request } from "./ApprovePage";
import { CertificateCheck } from "./CertificateCheck";
import { PhonePage } from "./PhonePage";
import { type Choice, choiceName, firstChoice, isComplete, StationPicker } from "./StationPicker";
import { clientText, displayName, sizeOf } from "./screenText";
import type { Screen } from "./types";
import { useAction, useNow } from "./use";
import { codeLetters, typedHalf } from "./userCode";

const DEAD_MS = 400;

type FormProps = {
  request: Request;
  /** What the monitor's QR says of the appliance's certificate, if it does. */
  fingerprint: string | null;
  screens: Screen[];
  /** The station of the label that was read, if one was. */
  wanted: string | null;
  onApproved: (screenId: string, name: string) => void;
  onDenied: () => void;
  onExpired: () => void;
};

export function ApproveForm({ request, fingerprint, screens, wanted, onApproved, onDenied, onExpired }: FormProps) {
  const [typed, setTyped] = useState(() => typedHalf(request.prefix));
  const [choice, setChoice] = useState<Choice>(() => firstChoice(screens, wanted));
  const [asking, setAsking] = useState(false);
  const approve = useAction();
  const deny = useAction();
  const left = request.expiresAt - useNow();
  const awake = useAwake(typed.length === 4 && isComplete(choice, screens));
  useEffect(() => {
    if (left <= 0) onExpired();
  }, [left <= 0]);

  const picked = choice.kind === "old" ? screens.find((screen) => screen.screenId === choice.screenId) : undefined;
  const name = choiceName(choice, screens);
  const send = (replace: boolean): void => {
    if (choice.kind === "none") return;
    const place =
      choice.kind === "old"
        ? { screenId: choice.screenId }
        : { screenId: choice.screenId.trim(), ...(choice.name.trim() && { name: choice.name.trim() }) };
    const body = { user_code: request.prefix, confirm: typed, ...place };
    void approve.run(async () => {
      const done = await post<{ screenId: string; name: string }>("/api/pairing/approve", {
        ...body,
        ...(replace && { replace: true }),
      });
      onApproved(done.screenId, done.name || done.screenId);
    });
  };
  const press = (): void => {
    if (picked?.paired && picked.online) setAsking(true);
    else send(picked?.paired ?? false);
  };
  const problem = shownProblem(approve.problem);
  useEffect(() => {
    if (approve.problem?.code === "PAIRING_EXPIRED") onExpired();
    if (approve.problem?.code === "SCREEN_ALREADY_PAIRED") setAsking(true);
  }, [approve.problem]);

  const foot = (
    <>
      {problem && <ProblemNotice problem={problem} />}
      {deny.problem && <ProblemNotice problem={deny.problem} />}
      <p class="say">
        <Icon name="pending" />
        {t(`${long(left)} 안에 승인해 주세요`, `Approve within ${long(left)}`)}
      </p>
      <div class="pair-btns">
        <Button
          glove
          busy={deny.busy}
          onClick={() =>
            void deny
              .run(() => post("/api/pairing/deny", { user_code: request.prefix }))
              .then((done) => done && onDenied())
          }
        >
          {t("거부", "Deny")}
        </Button>
        <Button
          look="primary"
          glove
          busy={approve.busy}
          off={
            awake
              ? false
              : typed.length < 4
                ? t("모니터의 뒤 네 글자를 입력해 주세요", "Type the last four characters on the screen")
                : t("자리를 골라 주세요", "Pick a station")
          }
          onClick={press}
        >
          <ApproveText name={name} />
        </Button>
      </div>
    </>
  );
  return (
    <PhonePage foot={foot}>
      <h1 class="vh">{t("모니터 승인", "Approve a screen")}</h1>
      <CodeBox request={request} typed={typed} onTyped={setTyped} wrong={problem?.code === "CONFIRM_MISMATCH"} />
      {fingerprint && <CertificateCheck seen={fingerprint} />}
      <StationPicker screens={screens} choice={choice} onChoice={setChoice} />
      <p class="small quiet hint-line">
        <Icon name="info" />
        <span>
          {t(
            "모니터 앞에 있지 않거나 모르는 요청이면 거부해 주세요. 아무것도 바뀌지 않습니다.",
            "Not standing at the screen, or not your request? Deny it. Nothing changes.",
          )}
        </span>
      </p>
      {asking && picked && (
        <Dialog
          title={t(`${withParticle(name, "을/를")} 이 PC로 바꿀까요?`, `Move ${name} to this PC?`)}
          onClose={() => setAsking(false)}
          foot={
            <>
              <Button onClick={() => setAsking(false)}>{t("그만두기", "Cancel")}</Button>
              <Button
                look="primary"
                onClick={() => {
                  setAsking(false);
                  send(true);
                }}
              >
                {t("바꾸기", "Replace")}
              </Button>
            </>
          }
        >
          <p class="quiet">
            {picked.online
              ? t(
                  `${withParticle(name, "은/는")} 지금 켜져 있습니다. 바꾸면 그 PC는 해제됩니다.`,
                  `${name} is on now. That PC will be unpaired.`,
                )
              : t(
                  `${name}에는 이미 PC가 등록되어 있습니다. 바꾸면 먼저 있던 PC는 해제됩니다.`,
                  `${name} already has a PC. The earlier PC will be unpaired.`,
                )}
          </p>
        </Dialog>
      )}
    </PhonePage>
  );
}

/** The name stays on one line, its particle with it. */
function ApproveText({ name }: { name: string }) {
  if (!name) return <>{t("자리를 골라 주세요", "Pick a station")}</>;
  const ko = lang.value === "ko";
  return (
    <span>
      {!ko && "Approve as "}
      <span class="keep">{ko ? withParticle(name, "으로/로") : name}</span>
      {ko && " 승인"}
    </span>
  );
}

/** True a moment after `ready`: a thumb already on its way must not approve. */
function useAwake(ready: boolean): boolean {
  const [awake, setAwake] = useState(false);
  useEffect(() => {
    setAwake(false);
    if (!ready) return undefined;
    const timer = setTimeout(() => setAwake(true), DEAD_MS);
    return () => clearTimeout(timer);
  }, [ready]);
  return ready && awake;
}

/** Two answers aren't shown as text: one is the question below, the other the page for codes that ended. */
function shownProblem(problem: Problem | null): Problem | null {
  return problem?.code === "SCREEN_ALREADY_PAIRED" || problem?.code === "PAIRING_EXPIRED" ? null : problem;
}

type BoxProps = { request: Request; typed: string; onTyped: (typed: string) => void; wrong: boolean };

function CodeBox({ request, typed, onTyped, wrong }: BoxProps) {
  const field = useRef<HTMLInputElement>(null);
  const { device } = request;
  const display = device.displays[0];
  useEffect(() => field.current?.focus({ preventScroll: true }), []);
  useEffect(() => {
    if (wrong) field.current?.select();
  }, [wrong]);
  return (
    <section class={wrong ? "card codebox is-bad" : "card codebox"}>
      <label for="confirm">{t("모니터에 보이는 코드의 뒤 네 글자", "Last four characters on the screen")}</label>
      <div class="cc">
        <span>{request.prefix}-</span>
        <input
          id="confirm"
          ref={field}
          class="cin"
          lang="en"
          inputMode="text"
          autocapitalize="characters"
          autocomplete="off"
          spellcheck={false}
          size={4}
          value={typed}
          aria-invalid={wrong || undefined}
          onInput={(event) => {
            const next = codeLetters(event.currentTarget.value, 4);
            event.currentTarget.value = next;
            onTyped(next);
          }}
        />
      </div>
      <div class="facts">
        <span>{clientText(device.client)}</span>
        {display && <span>{[sizeOf(display), displayName(display.index)].filter(Boolean).join(" · ")}</span>}
        <span class="code">{device.address}</span>
        <span>{askedText(request)}</span>
      </div>
    </section>
  );
}

/** How old the request is, counted from its end so that this device's clock doesn't matter. */
function askedText({ device, expiresAt }: Request): string {
  const asked = expiresAt - (device.expiresAt - device.createdAt);
  return t(`${ago(asked)} 요청`, `asked ${ago(asked)}`);
}
