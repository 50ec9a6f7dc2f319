/** The extension as a whole: finds the appliance, becomes a screen of it, and stays one. */
import { problemOf } from "../../src/lib/errors";
import { lang, setLang } from "../../src/lib/i18n";
import { pause } from "../../src/lib/pause";
import { type Appliance, type Command, epochNow, type Meant, type View } from "../view";
import { baseOf } from "./address";
import { Alerts } from "./alerts";
import { Joining } from "./joining";
import type { Kept } from "./kept";
import { Leftovers } from "./leftovers";
import type { Loads } from "./loads";
import { Log } from "./log";
import { Managed } from "./managed";
import { Offers } from "./offers";
import { Pairer } from "./pairing";
import { Papers } from "./papers";
import { isSet, NO_POLICY, type Policy, unreadableProblem } from "./policy";
import { Question } from "./question";
import { Screen } from "./screen";
import { Search } from "./search";
import { type Common, changedMeanwhile, isMeant, Situation } from "./situation";
import { Windows } from "./windows";
import { Workplace } from "./workplace";

const LOST_SAID_MS = 15_000;
const MOVED_AFTER_MS = 3_000;
const TICK_MS = 1_000;
const POLICY_MS = 700;

export class Extension {
  readonly workplace: Workplace;
  readonly offers: Offers;
  readonly managed: Managed;
  readonly papers: Papers;
  private readonly kept: Kept;
  private readonly log: Log;
  private readonly alerts: Alerts;
  private readonly leftovers: Leftovers;
  private readonly windows: Windows;
  private readonly pairer: Pairer;
  private readonly screen: Screen;
  private readonly publish: () => void;
  private readonly situation: Situation;
  private readonly search: Search;
  private readonly joining: Joining;
  private readonly question: Question;
  private doing: Command["do"] | null = null;

  constructor(kept: Kept, loads: Loads, publish: () => void) {
    this.kept = kept;
    this.publish = publish;
    this.log = new Log(kept.lasting);
    this.alerts = new Alerts(kept.passing);
    this.leftovers = new Leftovers(kept);
    loads.onStrayed = (tabId) => {
      const index = this.windows.frames.indexOfTab(tabId);
      if (index !== null) this.screen.orders.strayed(index);
    };
    this.papers = new Papers(kept.passing, publish);
    this.papers.onStrayed = (index) => this.screen.orders.strayed(index);
    this.papers.onLost = (index) => this.screen.orders.lost(index);
    this.windows = new Windows(kept.passing, loads, this.papers);
    this.pairer = new Pairer(kept.passing, publish);
    this.screen = new Screen({
      kept,
      windows: this.windows,
      log: this.log,
      alerts: this.alerts,
      monitors: () => this.workplace.monitors,
      displays: () => this.workplace.displays,
      verified: () => this.search.verify(),
      retargeted: () => this.workplace.read(),
      changed: publish,
      refused: () => void this.joining.refused(),
    });
    this.situation = new Situation(kept.lasting);
    const { log, alerts, screen, situation } = this;
    const common: Common = { kept, log, alerts, screen, situation, changed: publish, begin: () => this.begin() };
    this.workplace = new Workplace(common, this.windows);
    this.joining = new Joining(common, this.pairer, this.workplace);
    this.search = new Search(common, (appliance) => this.joining.connect(appliance));
    this.question = new Question(kept.passing);
    this.offers = new Offers(common, this.question, this.joining, this.workplace);
    this.managed = new Managed(common, this.joining, this.pairer, this.search);
  }

  /** `policy` is given a moment, since it decides whom to ask; one that comes later is followed then. */
  async start(policy: Promise<Policy>): Promise<void> {
    const early = Promise.race([policy, pause(POLICY_MS).then(() => NO_POLICY)]);
    const [known] = await Promise.all([early, this.workplace.read(), this.leftovers.close()]);
    await this.workplace.arrange();
    await this.screen.orders.guard();
    await this.managed.start(known);
    setInterval(() => this.tick(), TICK_MS);
    this.begin();
    void policy.then((come) => this.managed.follow(come));
  }

  // What is so

  view(): View {
    const { screen, situation, workplace, search } = this;
    return {
      now: epochNow(),
      lang: lang.value,
      version: chrome.runtime.getManifest().version,
      phase: situation.phase,
      appliance: situation.appliance,
      byPolicy: isSet(situation.policy),
      place: screen.place,
      last: this.kept.lasting.get("last"),
      link: screen.link,
      lostAt: screen.lostAt,
      asking: this.pairer.asking,
      revokedUntil: this.joining.revokedUntil,
      monitors: workplace.monitors,
      target: workplace.target,
      stages: screen.orders.stages,
      papers: this.papers.all,
      shown: screen.orders.shown,
      identify: screen.identify,
      notice: screen.notice,
      doing: this.doing,
      problem: (screen.pairing ? null : unreadableProblem(situation.policy)) ?? situation.problem,
      tested: workplace.tested,
      tried: search.tried,
      untrusted: search.untrusted,
      log: this.log.entries,
    };
  }

  /** Goes on from what is known: a pairing, an appliance, nothing. */
  private begin(): void {
    const { situation } = this;
    situation.handed = null;
    const { pairing } = this.screen;
    const { appliance } = situation;
    if (pairing) {
      situation.phase = { kind: "paired" };
      const base = appliance?.base ?? baseOf(pairing.serverUrl);
      if (appliance) this.screen.start(appliance);
      else if (base) this.screen.start(unseen(base, pairing.instanceId));
      this.publish();
    } else {
      situation.phase = { kind: "looking", nothing: false };
      this.publish();
      void this.search.look();
    }
  }

  // What people ask for

  async command(command: Command): Promise<void> {
    if (command.do === "beat") return;
    this.situation.problem = null;
    this.doing = command.do;
    this.publish();
    try {
      await this.obey(command);
    } catch (error) {
      // Chrome refused something, and whoever pressed has to hear of it.
      this.situation.problem = problemOf("CLIENT_FAILED");
      this.log.add(`실패했습니다: ${error}`, `It failed: ${error}`);
    } finally {
      this.doing = null;
      this.publish();
    }
  }

  private async obey(command: Exclude<Command, { do: "beat" }>): Promise<void> {
    switch (command.do) {
      case "look":
        return this.search.look();
      case "connect":
        return this.connect(command);
      case "type":
        return this.search.typed(command.address);
      case "accept":
        return this.offers.accept(command);
      case "decline":
        return this.offers.decline();
      case "show":
        return this.workplace.showOwn();
      case "reconnect":
        return this.screen.reconnect();
      case "test":
        return this.workplace.test();
      case "unpair":
        this.joining.leave();
        return this.begin();
      case "choose":
        return this.workplace.choose(command.monitor);
      case "lang":
        setLang(command.lang);
        this.kept.lasting.set("lang", command.lang);
    }
  }

  /** To what stood beside the button, and to nothing that took its place meanwhile. */
  private async connect(meant: Meant): Promise<void> {
    const { phase } = this.situation;
    const isThere = (phase.kind === "found" || phase.kind === "different") && isMeant(meant, phase.appliance);
    if (isThere) {
      await this.joining.connect(phase.appliance);
      // What comes next stands on the other monitor, where there is one.
      if (this.workplace.monitors.length > 1) void this.question.close();
    } else this.situation.problem = changedMeanwhile();
  }

  // Time

  /** An alarm, a start of the browser, a changed network. */
  wake(): void {
    this.screen.wake();
    this.tick();
  }

  private tick(): void {
    const { screen, situation } = this;
    const { lostAt, link } = screen;
    const now = epochNow();
    this.leftovers.remember();
    if (this.offers.isLate && this.doing !== "accept") this.begin();
    if (screen.identify && now >= screen.identify.until) screen.identify = null;
    if (!screen.pairing) {
      if (situation.phase.kind === "looking") this.search.lookAgain();
      return;
    }
    if (lostAt === null || link.kind === "open" || link.kind === "replaced") return;
    if (now - lostAt >= MOVED_AFTER_MS) this.search.lookAgain();
    if (now - lostAt >= LOST_SAID_MS) this.alerts.lost(problemOf("CONNECTION_TIMEOUT"));
  }
}

function unseen(base: string, instanceId: string): Appliance {
  return { base, instanceId, name: "Vooster", version: "", host: null, by: "pairing" };
}
