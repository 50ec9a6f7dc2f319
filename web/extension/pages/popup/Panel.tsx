/** The popup's frame: it stays while the states inside change, so that a change is announced and the focus isn't lost. */
import { useEffect, useRef } from "preact/hooks";
import { pick, t } from "../../../src/lib/i18n";
import { Button } from "../../../src/ui/Button";
import { Loading } from "../../../src/ui/Loading";
import { ProblemNotice } from "../../../src/ui/Notice";
import { view } from "../../port";
import type { View } from "../../view";
import { now } from "../clock";
import { Bar } from "../parts/Bar";
import { lookOf, type State, stateOf } from "../parts/state";
import { isTyping, settle } from "./AddressForm";
import type { Content } from "./content";
import { different, found, looking, nothing, offered } from "./finding";
import { denied, pairing, unreachable } from "./pairing";
import { connected, cut, replaced } from "./session";

const CONTENTS: Record<State, (told: View, now: number) => Content> = {
  looking,
  nothing,
  found,
  offered,
  pairing,
  denied,
  unreachable,
  different,
  cut,
  replaced,
  connecting: connected,
  missing: connected,
  opening: connected,
  waiting: connected,
  showing: connected,
  problem: connected,
  ready: connected,
};

export function Panel() {
  const told = view.value;
  const state = told && stateOf(told, now.value);
  const head = useRef<HTMLHeadingElement>(null);
  const before = useRef<State | null>(null);
  useEffect(() => {
    // What was pressed may be gone with the state that had it.
    if (before.current && document.activeElement === document.body) head.current?.focus();
    before.current = state;
    if (told) settle(told);
  }, [state]);
  if (!told || !state) {
    return (
      <div class="pop">
        <Bar look={null} />
        <main class="pop-b">
          <Loading rows={3} onRetry={() => location.reload()} />
        </main>
      </div>
    );
  }
  const { above, body, deed, others, ...content } = CONTENTS[state](told, now.value);
  const look = lookOf(state, told, now.value);
  return (
    <div class="pop">
      <Bar look={look} />
      <p class="vh" role="status">
        {pick(look.text)} · {content.head}
      </p>
      <main class="pop-b">
        <div>
          {above && <p class="quiet small">{above}</p>}
          <h1 tabIndex={-1} ref={head}>
            {content.head}
          </h1>
        </div>
        {body}
        {told.problem && !isTyping(state) && <ProblemNotice problem={told.problem} />}
      </main>
      {/* Another deed is another button: a second press of Enter must not do the next one. */}
      <footer class="pop-f" key={CONTENTS[state] === connected ? "connected" : state}>
        {deed}
        <div class="pop-others">
          {others}
          <Button look="bare" onClick={() => chrome.runtime.openOptionsPage()}>
            {t("설정", "Options")}
          </Button>
        </div>
      </footer>
    </div>
  );
}
