/** Options: which monitor, a test, where the appliance is, what happened lately. */
import "./options.css";
import { render } from "preact";
import { pick, t } from "../../src/lib/i18n";
import { Loading } from "../../src/ui/Loading";
import { ProblemNotice } from "../../src/ui/Notice";
import { LangSwitch, ThemeSwitch } from "../../src/ui/Switches";
import { connect, tell, view } from "../port";
import { now } from "./clock";
import { Log } from "./options/Log";
import { MonitorCard } from "./options/MonitorCard";
import { Server } from "./options/Server";
import { Station } from "./options/Station";
import { Bar } from "./parts/Bar";
import { lookOf, stateOf } from "./parts/state";

function App() {
  const told = view.value;
  document.title = `${t("설정", "Options")} · Vooster`;
  if (!told) {
    return (
      <div class="options">
        <Bar look={null} />
        <Loading onRetry={() => location.reload()} />
      </div>
    );
  }
  const look = lookOf(stateOf(told, now.value), told, now.value);
  return (
    <div class="options">
      <Bar look={look} />
      <p class="vh" role="status">
        {pick(look.text)}
      </p>
      <main>
        <div class="options-head">
          <h1>{t("설정", "Options")}</h1>
          <LangSwitch onLang={(lang) => tell({ do: "lang", lang })} />
        </div>
        {told.problem && told.doing === null && <ProblemNotice problem={told.problem} />}
        <div class="options-grid">
          <MonitorCard told={told} now={now.value} />
          <div class="options-side">
            <Station told={told} />
            <Server told={told} />
          </div>
          <Log told={told} />
        </div>
      </main>
      <footer class="options-foot">
        <p class="quiet small">
          {t(`확장 프로그램 ${told.version}`, `Extension ${told.version}`)}
          {told.appliance?.version && t(` · 서버 ${told.appliance.version}`, ` · Server ${told.appliance.version}`)}
        </p>
        <ThemeSwitch />
      </footer>
    </div>
  );
}

const root = document.getElementById("app");
if (root) render(<App />, root);
connect();
