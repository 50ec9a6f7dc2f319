/** How this connection is protected, and how a PC or phone comes to trust the appliance. It works over plain HTTP too:
 * whoever doesn't trust it yet has no other way here. */
import type { ComponentChildren } from "preact";
import { stamp } from "../lib/format";
import { t } from "../lib/i18n";
import { ButtonLink } from "../ui/Button";
import { Icon, Mark } from "../ui/icons";
import { Loading } from "../ui/Loading";
import { Notice, ProblemNotice } from "../ui/Notice";
import { LangSwitch } from "../ui/Switches";
import { TrustSteps } from "./TrustSteps";
import type { Certificate, Trust } from "./types";
import { useResource, useTitle } from "./use";

export function TrustPage() {
  const { data, problem, reload } = useResource<Trust>("/trust/about.json");
  useTitle(t("암호화와 인증서", "Encryption and certificate"));
  return (
    <main class="door trust">
      <div class="door-top">
        <a href="/" class="brand">
          <Mark />
          <div>
            {data?.name || "Vooster"}
            <small lang="en">Vooster Appliance</small>
          </div>
        </a>
        <LangSwitch />
      </div>
      <h1>{t("암호화와 인증서", "Encryption and certificate")}</h1>
      {problem && <ProblemNotice problem={problem} onRetry={() => void reload()} />}
      {!data && !problem && <Loading rows={4} />}
      {data?.mode === "off" && <Off />}
      {data?.mode === "files" && <Files server={data.server} />}
      {data?.mode === "auto" && data.ca && <Auto ca={data.ca} address={data.address} />}
    </main>
  );
}

function Off() {
  return (
    <section class="card door-card">
      <div class="trust-verdict">
        <Icon name="problem" class="is-warn" />
        <h2>{t("이 연결은 암호화되지 않습니다", "This connection isn't encrypted")}</h2>
      </div>
      <p>
        {t(
          "모니터, 휴대폰, PC와 Vooster 사이의 내용이 그대로 네트워크를 지나갑니다. 같은 네트워크에 있는 기기가 엿들으면 다음을 알 수 있습니다.",
          "What monitors, phones and PCs exchange with Vooster crosses the network as it is. A device on the same network that listens can learn:",
        )}
      </p>
      <ul class="trust-list">
        <li>{t("로그인할 때 입력한 비밀번호", "passwords, as people sign in")}</li>
        <li>{t("모니터에 띄운 제작의뢰서의 내용", "the work orders that monitors show")}</li>
        <li>
          {t(
            "모니터와 프로그램의 토큰. 이것으로 그 모니터나 프로그램인 척할 수 있습니다.",
            "tokens of monitors and programs, and with them stand in for those",
          )}
        </li>
      </ul>
      <p>
        {t(
          "방문자의 기기가 들어올 수 없는 공장 전용 네트워크에서만 이대로 쓰세요. 켜려면 서버 PC의 설정 파일(vooster.toml)에 아래를 넣고 다시 시작합니다.",
          "Leave it so only on the factory's own network, where no visitor's device can be. To turn encryption on, put this into the settings file (vooster.toml) on the server PC and restart:",
        )}
      </p>
      <pre class="trust-code">
        <code>{'[tls]\nmode = "auto"'}</code>
      </pre>
      <p class="quiet small">
        {t(
          "그러면 이 페이지에 인증서와, PC와 휴대폰이 그것을 믿게 하는 방법이 나옵니다. 등록된 모니터의 주소도 http에서 https로 바뀝니다.",
          "This page then offers a certificate and tells how PCs and phones come to trust it. The monitors' address changes from http to https.",
        )}
      </p>
    </section>
  );
}

function Verdict({ children }: { children: ComponentChildren }) {
  return (
    <div class="trust-verdict">
      <Icon name="lock" class="is-ok" />
      <h2>{children}</h2>
    </div>
  );
}

function Files({ server }: { server: Certificate | null }) {
  return (
    <section class="card door-card">
      <Verdict>{t("암호화가 켜져 있습니다", "Encryption is on")}</Verdict>
      <p>
        {t(
          "회사의 인증서를 씁니다. 여기에서 받을 것은 없습니다. 브라우저가 경고하면 회사의 전산 담당자에게 알려 주세요.",
          "It uses the company's own certificate, so nothing is needed from here. If a browser warns, tell the company's IT.",
        )}
      </p>
      {server && <Fingerprint certificate={server} />}
    </section>
  );
}

function Auto({ ca, address }: { ca: Certificate; address: string }) {
  const isPlain = location.protocol === "http:";
  return (
    <>
      <section class="card door-card">
        <Verdict>{t("암호화가 켜져 있습니다", "Encryption is on")}</Verdict>
        <p>
          {t(
            "인증서는 이 Vooster가 만듭니다. PC와 휴대폰은 아직 모르는 인증서라서 처음에는 경고합니다. 한 번 믿도록 해 두면 경고가 사라집니다.",
            "This Vooster makes the certificate. PCs and phones don't know it yet, so at first they warn. Have them trust it once, and the warning is gone.",
          )}
        </p>
        <ol class="trust-list">
          <li>{t("인증서를 받습니다.", "Get the certificate.")}</li>
          <li>
            {t(
              "아래 지문을 서버 PC의 프로그램 창에 나온 지문과 비교합니다. 다르면 설치하지 마세요.",
              "Compare the fingerprint below with the one in the program's window on the server PC. If they differ, don't install it.",
            )}
          </li>
          <li>{t("기기에 맞는 방법으로 설치합니다.", "Install it as the device wants it.")}</li>
        </ol>
        <ButtonLink look="primary" glove wide href="/trust/vooster-ca.crt">
          {t("인증서 받기", "Get the certificate")} (.crt)
        </ButtonLink>
        <a class="small" href="/trust/vooster-ca.pem" download="vooster-ca.pem">
          {t("프로그램용 PEM 파일", "PEM file, for programs")} (.pem)
        </a>
        <Fingerprint certificate={ca} />
      </section>
      {isPlain && (
        <Notice tone="warn" end={<ButtonLink href={address}>{t("https로 열기", "Open over https")}</ButtonLink>}>
          <b>{t("이 페이지는 암호화되지 않은 연결로 열렸습니다.", "This page came over an unencrypted connection.")}</b>{" "}
          {t("그래서 지문을 꼭 비교해야 합니다.", "So do compare the fingerprint.")}
        </Notice>
      )}
      <TrustSteps address={address} />
    </>
  );
}

function Fingerprint({ certificate }: { certificate: Certificate }) {
  return (
    <dl class="trust-print">
      <dt>{t("지문 (SHA-256)", "Fingerprint (SHA-256)")}</dt>
      <dd>
        {certificate.sha256.split(" ").map((group, at) => (
          <code key={at}>{group}</code>
        ))}
      </dd>
      <dt>{t("지문 (SHA-1, Windows의 인증서 창)", "Thumbprint (SHA-1, as Windows shows it)")}</dt>
      <dd class="is-second">
        {certificate.sha1.split(" ").map((group, at) => (
          <code key={at}>{group}</code>
        ))}
      </dd>
      <dt>{t("유효 기간", "Good until")}</dt>
      <dd>{stamp(certificate.until)}</dd>
    </dl>
  );
}
