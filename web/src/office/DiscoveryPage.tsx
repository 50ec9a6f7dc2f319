/** Whether station PCs find the appliance by themselves: what is announced where, whether it is heard, what a phone opens. */
import { useState } from "preact/hooks";
import { post } from "../lib/api";
import { ago, NONE } from "../lib/format";
import { pick, t } from "../lib/i18n";
import { svgImage } from "../lib/links";
import { Button, ButtonLink } from "../ui/Button";
import { Icon, type IconName } from "../ui/icons";
import { Loading } from "../ui/Loading";
import { ProblemNotice } from "../ui/Notice";
import type { Finding, NetworkCard, OtherAppliance } from "./types";
import { useAction, useNow, useResource, useTitle } from "./use";

const LISTENING_MS = 20_000;

export function DiscoveryPage() {
  const { data, problem, reload } = useResource<Finding>("/api/discovery", 5000);
  useTitle(t("찾기", "Finding"));
  return (
    <>
      <div class="page-head">
        <h1>{t("찾기", "Finding")}</h1>
        <div class="end">
          <ButtonLink href="/screens" icon="back">
            {t("모니터", "Screens")}
          </ButtonLink>
        </div>
      </div>
      {problem && <ProblemNotice problem={problem} onRetry={() => void reload()} />}
      {!data && !problem && <Loading rows={4} onRetry={() => void reload()} />}
      {data && (
        <div class="finding">
          <Verdict finding={data} onListened={reload} />
          {data.cards.length > 0 && <Where finding={data} />}
          <Phone finding={data} />
          {data.others.length > 0 && <Others others={data.others} />}
        </div>
      )}
    </>
  );
}

type Looks = { icon: IconName; tone: string };

function looksOf(finding: Finding): Looks {
  if (finding.problem && finding.problem.code !== "THIS_PC_ONLY") return { icon: "problem", tone: "is-warn" };
  return finding.host ? { icon: "shown", tone: "is-ok" } : { icon: "info", tone: "is-calm" };
}

function Verdict({ finding, onListened }: { finding: Finding; onListened: () => Promise<void> }) {
  const action = useAction();
  const [listened, setListened] = useState(false);
  const now = useNow(5000);
  const listen = (): Promise<boolean> =>
    action.run(async () => {
      setListened(false);
      await post("/api/discovery/listen", undefined, { timeoutMs: LISTENING_MS });
      await onListened();
      setListened(true);
    });
  const { icon, tone } = looksOf(finding);
  return (
    <section class="card finding-card">
      <div class={`finding-verdict ${tone}`}>
        <Icon name={icon} />
        <h2>{pick(finding.messages)}</h2>
      </div>
      {finding.problem && <p>{pick(finding.problem.action)}</p>}
      {finding.problem && (
        <p class="quiet">
          {t(
            "고칠 때까지는 확장 프로그램에 주소를 직접 알려 주면 됩니다. 스캔과 표시는 그대로 됩니다.",
            "Until then, give the extension the address. Scans and screens go on as ever.",
          )}
        </p>
      )}
      {!finding.enabled && (
        <p class="quiet">
          {t(
            "켜려면 서버 PC에서 --no-mdns 없이 시작하고, 설정의 discovery.enabled를 지웁니다.",
            "To turn it on, start without --no-mdns on the server PC and take discovery.enabled out of the settings.",
          )}
        </p>
      )}
      {finding.enabled && (
        <div class="finding-listen">
          <Button icon="repeat" busy={action.busy} onClick={() => void listen()}>
            {action.busy ? t("듣는 중 (3초)", "Listening (3 s)") : t("다시 듣기", "Listen again")}
          </Button>
          <span class="quiet small" role="status">
            {listened && !action.busy && t("다시 들었습니다. ", "Listened again. ")}
            {finding.listenedAt !== null &&
              t(`마지막으로 들은 때: ${ago(finding.listenedAt, now)}`, `Last heard: ${ago(finding.listenedAt, now)}`)}
          </span>
        </div>
      )}
      {action.problem && <ProblemNotice problem={action.problem} />}
    </section>
  );
}

function Phone({ finding }: { finding: Finding }) {
  const { url, qr } = finding.phone;
  return (
    <section class="card finding-card finding-phone" aria-labelledby="phone">
      <div>
        <h2 id="phone">{t("휴대폰이 여는 주소", "What a phone opens")}</h2>
        <p class="finding-url">
          <code>{url}</code>
        </p>
        <p class="quiet">
          {t(
            "모니터와 라벨의 QR에는 이름 대신 이 주소가 들어갑니다. 휴대폰은 .local 이름을 찾지 못할 때가 있습니다. 휴대폰으로 이 QR을 비춰 보세요. 로그인 화면이 나오면 됩니다.",
            "The codes on screens and labels carry this address rather than a name, as phones don't always find .local names. Try it: scan this code with a phone, and the sign-in page should open.",
          )}
        </p>
      </div>
      <img class="finding-qr" src={svgImage(qr.svg)} alt={t(`QR: ${url}`, `QR code: ${url}`)} />
    </section>
  );
}

function Where({ finding }: { finding: Finding }) {
  return (
    <section class="card finding-card" aria-labelledby="where">
      <h2 id="where">{t("어디에 알립니까", "Where it is announced")}</h2>
      <dl class="finding-names">
        <dt>{t("이름", "Name")}</dt>
        <dd>
          <code>{finding.host ?? NONE}</code>
        </dd>
        <dt>{t("목록에 보이는 이름", "Shown in lists as")}</dt>
        <dd>{finding.instance ?? NONE}</dd>
      </dl>
      <table class="table finding-table">
        <thead>
          <tr>
            <th>{t("네트워크 카드", "Network card")}</th>
            <th>{t("이 네트워크에 알리는 주소", "Addresses told there")}</th>
            <th>{t("자신의 알림", "Its own announcement")}</th>
          </tr>
        </thead>
        <tbody>
          {finding.cards.map((card) => (
            <tr key={card.name}>
              <td>
                <b>{card.name}</b>
              </td>
              <td>{card.addresses.length > 0 ? <code>{card.addresses.join("  ")}</code> : NONE}</td>
              <td>
                <Echo card={card} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="quiet small">
        {t(
          "자신의 알림이 들리면 이 PC의 방화벽과 네트워크 카드는 정상입니다. 자리 PC가 그래도 찾지 못하면 사이의 스위치나 무선 공유기가 멀티캐스트를 막는지 확인해 주세요.",
          "When its own announcement is heard, this PC's firewall and card are fine. If a station still doesn't find it, look for a switch or access point between them that blocks multicast.",
        )}
      </p>
    </section>
  );
}

function Echo({ card }: { card: NetworkCard }) {
  const { icon, tone, words } = echoOf(card);
  return (
    <span class={`finding-echo ${tone}`}>
      <Icon name={icon} />
      <span>{words}</span>
    </span>
  );
}

function echoOf(card: NetworkCard): Looks & { words: string } {
  if (card.heard) return { icon: "shown", tone: "is-ok", words: t("들림", "Heard") };
  if (card.heard === false) return { icon: "problem", tone: "is-warn", words: t("들리지 않음", "Not heard") };
  if (card.problem) return { icon: "problem", tone: "is-warn", words: pick(card.problem.messages) };
  return { icon: "pending", tone: "is-calm", words: t("확인하는 중", "Finding out") };
}

function Others({ others }: { others: OtherAppliance[] }) {
  return (
    <section class="card finding-card finding-others" aria-labelledby="others">
      <h2 id="others">{t("이 네트워크에서 들린 다른 Vooster", "Other appliances heard on this network")}</h2>
      <p class="quiet">
        {t(
          "스스로 그렇게 알린 것이며 확인되지 않았습니다. 이 Vooster는 이것을 믿고 하는 일이 없습니다.",
          "They say so themselves, and nobody has verified it. This appliance trusts none of it.",
        )}
      </p>
      <table class="table finding-table">
        <thead>
          <tr>
            <th>{t("목록에 보이는 이름", "Shown in lists as")}</th>
            <th>{t("이름", "Name")}</th>
            <th>{t("주소", "Addresses")}</th>
            <th>{t("들린 카드", "Heard on")}</th>
          </tr>
        </thead>
        <tbody>
          {others.map((other) => (
            <tr key={`${other.instance} ${other.card}`}>
              <td>
                <b>{other.instance}</b>
              </td>
              <td>
                <code>
                  {other.host}:{other.port}
                </code>
              </td>
              <td>
                <code>{other.addresses.join("  ") || NONE}</code>
              </td>
              <td>{other.card}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
