/** Without a session: what is wrong, how long it has been, when it is tried again. */
import { problemOf } from "../../lib/errors";
import { long } from "../../lib/format";
import { t } from "../../lib/i18n";
import { Both, Frame, Middle, type PageProps, PlaceName } from "../parts";
import { firstSentence } from "../words";

/** From then on it isn't a restart any more, and somebody should look at the server's PC. */
const LONG_MS = 60_000;

type DisconnectedProps = PageProps & {
  /** Before the browser is a screen, it is the pairing that can't reach the appliance. */
  flow?: { since: number; retryAt: number };
};

export function Disconnected({ station, flow }: DisconnectedProps) {
  const now = station.now.value;
  const link = station.link.value;
  const waiting = link.kind === "waiting" ? link : null;
  const away = now - (flow?.since ?? station.lostAt.value ?? now);
  const refused = away >= LONG_MS && (flow !== undefined || waiting?.code === "CONNECTION_REFUSED");
  const problem = problemOf(refused ? "CONNECTION_REFUSED" : "CONNECTION_TIMEOUT");
  const next = flow?.retryAt ?? waiting?.retryAt ?? now;
  const seconds = Math.ceil(Math.max(0, next - now) / 1000);
  return (
    <Frame
      lamp="cut"
      top={<PlaceName place={station.place.value} />}
      foot={
        <>
          <span>
            {seconds > 1
              ? t(`${seconds}초 뒤 다시 연결합니다`, `Reconnecting in ${seconds} s`)
              : t("다시 연결하는 중", "Reconnecting")}
            {" · "}
            {t(`끊긴 지 ${long(away)}`, `cut off for ${long(away)}`)}
          </span>
          <span class="code">
            {problem.code} · {location.host}
          </span>
        </>
      }
    >
      <Middle icon="offline" head={firstSentence(problem.message)}>
        <Both text={problem.action} />
      </Middle>
    </Frame>
  );
}
