/** How each kind of device is told to trust the certificate. The words in quotes are those of the device's own menus. */
import type { ComponentChildren } from "preact";
import { pick, type Text, t } from "../lib/i18n";

type Step = Text | { command: string };
type Device = { name: Text; steps: Step[]; note?: Text };

const DEVICES: Device[] = [
  {
    name: { ko: "Windows PC 한 대 (Chrome, Edge)", en: "One Windows PC (Chrome, Edge)" },
    steps: [
      {
        ko: "받은 vooster-ca.crt를 열고 ‘인증서 설치’를 누릅니다.",
        en: "Open vooster-ca.crt and press “Install Certificate”.",
      },
      { ko: "‘로컬 컴퓨터’를 고르고 다음을 누릅니다.", en: "Choose “Local Machine”, then Next." },
      {
        ko: "‘모든 인증서를 다음 저장소에 저장’에서 ‘신뢰할 수 있는 루트 인증 기관’을 고릅니다.",
        en: "Choose “Place all certificates in the following store”, then “Trusted Root Certification Authorities”.",
      },
      {
        ko: "마치고 브라우저를 모두 닫았다가 다시 엽니다.",
        en: "Finish, close every browser window and open it again.",
      },
    ],
  },
  {
    name: { ko: "Windows 여러 대 (전산 담당자)", en: "Many Windows PCs (for IT)" },
    steps: [
      {
        ko: "그룹 정책 관리에서: 컴퓨터 구성 → 정책 → Windows 설정 → 보안 설정 → 공개 키 정책 → 신뢰할 수 있는 루트 인증 기관 → 가져오기 → vooster-ca.crt",
        en: "In Group Policy Management: Computer Configuration → Policies → Windows Settings → Security Settings → Public Key Policies → Trusted Root Certification Authorities → Import → vooster-ca.crt",
      },
      { ko: "PC에서 바로 받아 가게 하려면:", en: "To have a PC take it up at once:" },
      { command: "gpupdate /force" },
      {
        ko: "정책 없이 한 대씩, 관리자 명령 프롬프트에서:",
        en: "Without a policy, PC by PC, in an administrator's prompt:",
      },
      { command: "certutil -addstore -f Root vooster-ca.crt" },
      { ko: "받은 파일의 SHA-256 지문을 보려면:", en: "To see the file's SHA-256 fingerprint:" },
      { command: "certutil -hashfile vooster-ca.crt SHA256" },
    ],
  },
  {
    name: { ko: "Android 휴대폰", en: "Android phone" },
    steps: [
      { ko: "위에서 인증서를 받습니다.", en: "Get the certificate above." },
      {
        ko: "설정에서 ‘CA 인증서’를 찾습니다. 보통 보안 및 개인정보 보호 → 기타 보안 설정 → 휴대폰에 저장된 인증서 설치(또는 인증서 설치) 안에 있습니다.",
        en: "In Settings, search for “CA certificate”. It is usually under Security & privacy → More security settings → Encryption & credentials → Install a certificate.",
      },
      {
        ko: "경고를 읽고 ‘무시하고 설치’를 누른 뒤 vooster-ca.crt를 고릅니다.",
        en: "Read the warning, press “Install anyway”, and pick vooster-ca.crt.",
      },
    ],
    note: {
      ko: "화면 잠금(PIN 등)이 있어야 설치됩니다. ‘네트워크를 모니터링할 수 있음’ 알림은 직접 설치한 인증서가 있다는 뜻입니다.",
      en: "The phone needs a screen lock. A notice that the network may be monitored means that a certificate was installed by hand.",
    },
  },
  {
    name: { ko: "iPhone, iPad", en: "iPhone, iPad" },
    steps: [
      { ko: "Safari에서 인증서를 받고 ‘허용’을 누릅니다.", en: "Get the certificate in Safari and press “Allow”." },
      {
        ko: "설정 → 일반 → VPN 및 기기 관리 → Vooster Appliance CA → 설치",
        en: "Settings → General → VPN & Device Management → Vooster Appliance CA → Install",
      },
      {
        ko: "설정 → 일반 → 정보 → 인증서 신뢰 설정에서 Vooster Appliance CA를 켭니다. 이 단계를 빠뜨리면 계속 경고합니다.",
        en: "Settings → General → About → Certificate Trust Settings: turn Vooster Appliance CA on. Without this step the warning stays.",
      },
    ],
  },
  {
    name: { ko: "Firefox", en: "Firefox" },
    steps: [
      {
        ko: "Windows와 macOS의 Firefox 120부터는 PC에 설치한 인증서를 함께 씁니다. 다시 시작하면 됩니다.",
        en: "From version 120 on, Firefox on Windows and macOS uses what the PC trusts. Restart it.",
      },
      {
        ko: "그래도 경고하거나 Linux이면: 설정 → 개인 정보 및 보안 → 인증서 → 인증서 보기 → 인증 기관 → 가져오기 → ‘이 인증 기관이 웹 사이트를 식별하는 것을 신뢰’",
        en: "If it still warns, or on Linux: Settings → Privacy & Security → Certificates → View Certificates → Authorities → Import → “Trust this CA to identify websites”.",
      },
    ],
  },
  {
    name: { ko: "Mac (Safari, Chrome)", en: "Mac (Safari, Chrome)" },
    steps: [
      {
        ko: "vooster-ca.crt를 열어 키체인 접근의 ‘시스템’에 넣습니다.",
        en: "Open vooster-ca.crt and add it to the “System” keychain in Keychain Access.",
      },
      {
        ko: "Vooster Appliance CA를 두 번 눌러 ‘신뢰’에서 ‘항상 신뢰’를 고릅니다.",
        en: "Double-click Vooster Appliance CA and under “Trust” choose “Always Trust”.",
      },
      { ko: "터미널에서 한 번에 하려면:", en: "Or in one go, in Terminal:" },
      {
        command: "sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain vooster-ca.crt",
      },
    ],
  },
  {
    name: { ko: "Linux PC (Chrome, Chromium)", en: "Linux PC (Chrome, Chromium)" },
    steps: [
      {
        ko: "libnss3-tools를 설치한 뒤, 그 PC의 사용자로:",
        en: "With libnss3-tools installed, as the user of that PC:",
      },
      { command: 'certutil -d sql:$HOME/.pki/nssdb -A -t "C,," -n Vooster -i vooster-ca.crt' },
    ],
  },
];

export function TrustSteps({ address }: { address: string }) {
  return (
    <section class="trust-steps" aria-labelledby="h-steps">
      <h2 id="h-steps">{t("기기별 방법", "Device by device")}</h2>
      {DEVICES.map((device) => (
        <Way key={device.name.en} name={pick(device.name)}>
          <ol class="trust-list">
            {groups(device.steps).map(({ text, commands }) => (
              <li key={text.en}>
                {pick(text)}
                {commands.map((command) => (
                  <pre key={command} class="trust-code">
                    <code>{command}</code>
                  </pre>
                ))}
              </li>
            ))}
          </ol>
          {device.note && <p class="quiet small">{pick(device.note)}</p>}
        </Way>
      ))}
      <Way name={t("프로그램 (연동, 스크립트)", "Programs and scripts")}>
        <ul class="trust-list">
          <li>
            curl
            <pre class="trust-code">
              <code>{`curl --cacert vooster-ca.pem ${address}/api/health`}</code>
            </pre>
          </li>
          <li>
            Node
            <pre class="trust-code">
              <code>NODE_EXTRA_CA_CERTS=vooster-ca.pem</code>
            </pre>
          </li>
        </ul>
      </Way>
    </section>
  );
}

function Way({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <details class="card trust-way">
      <summary>{name}</summary>
      <div>{children}</div>
    </details>
  );
}

/** A command belongs to the sentence before it. */
function groups(steps: Step[]): { text: Text; commands: string[] }[] {
  const found: { text: Text; commands: string[] }[] = [];
  for (const step of steps) {
    if ("command" in step) found.at(-1)?.commands.push(step.command);
    else found.push({ text: step, commands: [] });
  }
  return found;
}
