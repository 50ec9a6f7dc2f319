/** The extension as a whole: finds the appliance, becomes a screen of it, and stays one. */
import { type Problem, problemIn, problemOf } from "../../src/lib/errors";
import { lang, setLang } from "../../src/lib/i18n";
import type { Display } from "../../src/lib/messages";
import type { Pairing } from "../../src/lib/pairing";
import {
  type Appliance,
  type Command,
  epochNow,
  type HandOff,
  type Meant,
  type Phase,
  type Report,
  type Tested,
  type View,
} from "../view";
import { baseOf, isLocal } from "./address";
import { Alerts } from "./alerts";
import { ask, candidates, find } from "./finder";
import type { Kept } from "./kept";
import type { Loads } from "./loads";
import { Log } from "./log";
import { inOrder, isSame, type PlacedDisplay } from "./monitors";
import { claim, Pairer, provisioned } from "./pairing";
import { Papers } from "./papers";
import { isDoor, mayBelong, mayHaveSecret, NO_POLICY, type Policy } from "./policy";
import { canBeHanded, Question } from "./question";
import { Screen } from "./screen";
import { Windows } from "./windows";

const LOOK_AGAIN_MS = 5_000;
const LOST_SAID_MS = 15_000;
const MOVED_AFTER_MS = 3_000;
const REVOKED_MS = 10_000;
const TICK_MS = 1_000;
const POLICY_MS = 700;
/** So long a page's offer may wait for its answer, and no other takes its place. */
const OFFER_MS = 120_000;

type Handed = { origin: string; appliance: Appliance; screenId: string; token: string; offer: number; at: number };

export class Extension {
  private readonly kept: Kept;
  private policy: Policy = NO_POLICY;
  private readonly log: Log;
  private readonly alerts: Alerts;
  private readonly papers: Papers;
  private readonly windows: Windows;
  private readonly pairer: Pairer;
  private readonly screen: Screen;
  private readonly publish: () => void;
  private monitors: PlacedDisplay[] = [];
  private phase: Phase = { kind: "looking", nothing: false };
  private doing: Command["do"] | null = null;
  private problem: Problem | null = null;
  private tested: Tested | null = null;
  private tried: string[] = [];
  private untrusted: string[] = [];
  private revokedUntil = 0;
  private looking: Promise<void> | null = null;
  private lookedAt = 0;
  private handed: Handed | null = null;
  private offers = 0;
  private readonly question: Question;

  constructor(kept: Kept, loads: Loads, publish: () => void) {
    this.kept = kept;
    this.publish = publish;
    this.log = new Log(kept.lasting);
    this.alerts = new Alerts(kept.passing);
    loads.onStrayed = (tabId) => {
      const index = this.windows.frames.indexOfTab(tabId);
      if (index !== null) this.screen.orders.strayed(index);
    };
    this.papers = new Papers(kept.passing, publish);
    this.papers.onLost = (index) => this.screen.orders.lost(index);
    this.windows = new Windows(kept.passing, loads, this.papers);
    this.question = new Question(kept.passing);
    this.pairer = new Pairer(kept.passing, publish);
    this.screen = new Screen({
      kept,
      windows: this.windows,
      log: this.log,
      alerts: this.alerts,
      monitors: () => this.monitors,
      displays: () => this.displays,
      verified: () => this.verify(),
      retargeted: () => this.readMonitors(),
      changed: publish,
      refused: () => void this.refused(),
    });
  }

  /** `policy` is given a moment, since it decides whom to ask; one that comes later is followed then. */
  async start(policy: Promise<Policy>): Promise<void> {
    const early = Promise.race([policy, pause(POLICY_MS).then(() => NO_POLICY)]);
    [this.policy] = await Promise.all([early, this.readMonitors()]);
    setLang(this.kept.lasting.get("lang") ?? this.policy.lang ?? lang.value);
    setInterval(() => this.tick(), TICK_MS);
    if (await this.isMoved()) await this.move();
    this.begin();
    void policy.then((come) => this.follow(come));
  }

  /** What IT has set came after the start, or was changed. Whatever was begun under what it said before ends. */
  async follow(policy: Policy): Promise<void> {
    const before = this.policy;
    if (JSON.stringify(policy) === JSON.stringify(before)) return;
    this.policy = policy;
    this.looking = null;
    if (!this.kept.lasting.get("lang") && policy.lang) setLang(policy.lang);
    const isNew = JSON.stringify({ ...policy, lang: before.lang }) !== JSON.stringify(before);
    const isMoved = isNew && (await this.isMoved());
    if (this.policy !== policy) return;
    if (isMoved) await this.move();
    if (isMoved || (isNew && !this.screen.pairing)) {
      this.pairer.stop();
      this.begin();
    }
    this.publish();
  }

  /** Whether IT wants a PC that it made a screen to be another one: of another appliance, or by a new secret. */
  private async isMoved(): Promise<boolean> {
    const { policy } = this;
    const { pairing } = this.screen;
    if (!pairing || !this.kept.lasting.get("provisioned")) return false;
    if (policy.instanceId && policy.instanceId !== pairing.instanceId) return true;
    if (!policy.screenId || !policy.deviceSecret) return false;
    return (await digestOf(policy.deviceSecret)) !== this.kept.lasting.get("spent");
  }

  private async move(): Promise<void> {
    const was = this.screen.pairing?.screenId ?? "";
    this.log.add(`정책이 바뀌어 ${was} 등록을 끝냅니다`, `The policy has changed: no longer ${was}`);
    await this.forget();
    this.kept.lasting.set("appliance", null);
  }

  // What is so

  view(): View {
    const { screen } = this;
    return {
      now: epochNow(),
      lang: lang.value,
      version: chrome.runtime.getManifest().version,
      phase: this.phase,
      appliance: this.appliance,
      byPolicy: this.policy.base !== null,
      place: screen.place,
      last: this.kept.lasting.get("last"),
      link: screen.link,
      lostAt: screen.lostAt,
      asking: this.pairer.asking,
      revokedUntil: this.revokedUntil,
      monitors: this.monitors,
      target: this.target,
      stages: screen.orders.stages,
      papers: this.papers.all,
      shown: screen.orders.shown,
      identify: screen.identify,
      notice: screen.notice,
      doing: this.doing,
      problem: this.problem,
      tested: this.tested,
      tried: this.tried,
      untrusted: this.untrusted,
      log: this.log.entries,
    };
  }

  private get appliance(): Appliance | null {
    return this.kept.lasting.get("appliance");
  }

  /** Before a screen says otherwise the second monitor, where there is one. */
  private get target(): number {
    return this.screen.place ? this.screen.target : Math.min(1, this.monitors.length - 1);
  }

  /** The monitors as the appliance hears of them. */
  private get displays(): Display[] {
    return this.monitors.map(({ id: _, ...display }) => display);
  }

  // What people ask for

  async command(command: Command): Promise<void> {
    if (command.do === "beat") return;
    this.problem = null;
    this.doing = command.do;
    this.publish();
    try {
      await this.obey(command);
    } catch (error) {
      // Chrome refused something, and whoever pressed has to hear of it.
      this.problem = problemOf("CLIENT_FAILED");
      this.log.add(`실패했습니다: ${error}`, `It failed: ${error}`);
    } finally {
      this.doing = null;
      this.publish();
    }
  }

  private async obey(command: Exclude<Command, { do: "beat" }>): Promise<void> {
    switch (command.do) {
      case "look":
        this.lookedAt = 0;
        await this.look();
        break;
      case "connect":
        if ((this.phase.kind === "found" || this.phase.kind === "different") && isMeant(command, this.phase.appliance))
          await this.connect(this.phase.appliance);
        else this.problem = problemOf("CONFIRM_MISMATCH");
        break;
      case "type":
        await this.typed(command.address);
        break;
      case "accept":
        await this.accept(command);
        break;
      case "decline":
        if (this.handed) this.question.decline(this.handed.origin);
        this.begin();
        break;
      case "show":
        await this.showOwn();
        break;
      case "reconnect":
        this.screen.reconnect();
        break;
      case "test":
        await this.test();
        break;
      case "unpair":
        await this.forget();
        this.begin();
        break;
      case "choose":
        this.kept.lasting.set("monitor", command.monitor);
        await this.monitorsChanged();
        break;
      case "lang":
        setLang(command.lang);
        this.kept.lasting.set("lang", command.lang);
        break;
    }
  }

  /** A page on a monitor tells what became of its paper. */
  told(report: Report): void {
    this.papers.told(report);
  }

  /** A page on this network wants this PC to be a screen. Nothing happens before a person's click in the extension. */
  async handOff({ handoff: { origin, screenId, token } }: HandOff): Promise<void> {
    const { base } = this.policy;
    if (!canBeHanded(screenId, token) || this.question.isDeclined(origin)) return;
    if (base === null ? !isLocal(origin) : !isDoor(base, origin)) return;
    const appliance = await ask({ base: origin, by: "page" });
    if (!appliance || !mayBelong(this.policy, appliance) || this.question.isDeclined(origin)) return;
    if (this.handed) {
      // What a person is being asked stays as it stands there; the page that asks may bring it back into sight.
      if (origin !== this.handed.origin) return;
      if (token && screenId === this.handed.screenId && isMeant(appliance, this.handed.appliance)) {
        this.handed = { ...this.handed, token };
      }
    } else if (screenId && token) {
      this.offers += 1;
      const offer = this.offers;
      this.handed = { origin, appliance, screenId, token, offer, at: epochNow() };
      this.phase = { kind: "offered", appliance, screenId, instead: this.screen.pairing?.screenId ?? null, offer };
    } else if (!this.screen.pairing && this.phase.kind !== "pairing") {
      this.phase = { kind: "found", appliance };
    } else {
      return;
    }
    this.publish();
    await this.question.show();
  }

  // Finding

  /** Goes on from what is known: a pairing, an appliance, nothing. */
  private begin(): void {
    this.handed = null;
    const { pairing } = this.screen;
    const { appliance } = this;
    if (pairing) {
      this.phase = { kind: "paired" };
      const base = appliance?.base ?? baseOf(pairing.serverUrl);
      if (appliance) this.screen.start(appliance);
      else if (base) this.screen.start(unseen(base, pairing.instanceId));
      this.publish();
    } else {
      this.phase = { kind: "looking", nothing: false };
      this.publish();
      void this.look();
    }
  }

  private look(): Promise<void> {
    if (this.looking) return this.looking;
    const looking = this.search().finally(() => {
      if (this.looking !== looking) return; // another policy's
      this.looking = null;
      this.lookedAt = epochNow();
    });
    this.looking = looking;
    return looking;
  }

  private async search(): Promise<void> {
    const { policy } = this;
    const { pairing } = this.screen;
    const isWanted = (one: Appliance): boolean =>
      pairing ? !pairing.instanceId || one.instanceId === pairing.instanceId : mayBelong(policy, one);
    const places = candidates({
      policy: policy.base,
      appliance: this.appliance,
      serverUrl: pairing?.serverUrl ?? null,
    });
    const asked = policy.base ? places.filter((place) => pairing || place.by === "policy") : places;
    this.tried = asked.map(({ base }) => base);
    const { found, others, untrusted } = await find(asked, isWanted);
    if (this.screen.pairing !== pairing || this.policy !== policy) return; // something else happened meanwhile
    this.untrusted = untrusted;
    if (pairing) {
      this.relocated(found, others);
    } else if (found && this.phase.kind === "looking") {
      if (policy.base) {
        await this.connect(found);
      } else {
        this.phase = { kind: "found", appliance: found };
        this.alerts.found(found.name);
      }
    } else if (this.phase.kind === "looking") {
      this.phase = { kind: "looking", nothing: true };
    }
    this.publish();
  }

  /** A screen that lost its appliance: it may have got another address, and another may have got its own. */
  private relocated(found: Appliance | null, others: Appliance[]): void {
    const { appliance } = this;
    if (found) {
      this.becomes({ kind: "paired" });
      if (found.base !== appliance?.base) {
        this.log.add(
          `서버를 새 주소에서 찾았습니다: ${found.base}`,
          `Found the server at its new address: ${found.base}`,
        );
      }
      this.kept.lasting.set("appliance", { ...found, by: appliance?.by ?? found.by });
      this.screen.start(found);
      return;
    }
    const other = others.find(({ base }) => base === appliance?.base);
    if (other) this.becomes({ kind: "different", appliance: other });
  }

  /** What goes on in the network takes no question away from under a person's hand. */
  private becomes(phase: Phase): void {
    if (this.phase.kind !== "offered") this.phase = phase;
  }

  /** Before anything secret goes there: is it still the appliance that this PC belongs to? Throws where it isn't. */
  private async verify(): Promise<void> {
    const { appliance } = this;
    const { pairing } = this.screen;
    if (!pairing) return;
    const base = appliance?.base ?? baseOf(pairing.serverUrl) ?? "";
    const answers = await ask({ base, by: appliance?.by ?? "pairing" });
    if (!answers) throw new Error("it doesn't answer");
    if (answers.instanceId !== pairing.instanceId) {
      this.becomes({ kind: "different", appliance: answers });
      this.publish();
      throw new Error("another appliance answers there");
    }
    if (this.phase.kind === "different") this.phase = { kind: "paired" };
    if (answers.host !== appliance?.host || answers.name !== appliance?.name)
      this.kept.lasting.set("appliance", answers);
  }

  private async typed(address: string): Promise<void> {
    const { policy } = this;
    const base = policy.base ?? baseOf(address);
    const appliance = base ? await ask({ base, by: policy.base ? "policy" : "typed" }) : null;
    if (!appliance) {
      this.problem = problemOf("CONNECTION_REFUSED");
    } else if (!this.screen.pairing) {
      await this.connect(appliance);
    }
  }

  // Pairing

  private async connect(appliance: Appliance): Promise<void> {
    if (!mayBelong(this.policy, appliance)) {
      this.problem = problemOf("HOST_NOT_ALLOWED");
      this.log.add(
        `정책이 정한 서버가 아니라 연결하지 않았습니다: ${appliance.base}`,
        `Not connected, since the policy names another server: ${appliance.base}`,
      );
      if (!this.screen.pairing) this.begin();
      return;
    }
    if (this.screen.pairing && this.screen.pairing.instanceId !== appliance.instanceId) await this.forget();
    this.handed = null;
    this.kept.lasting.set("appliance", appliance);
    this.alerts.settled();
    this.log.add(
      `${appliance.name} 공장에 연결: ${appliance.base}`,
      `Connecting to ${appliance.name}: ${appliance.base}`,
    );
    const { policy } = this;
    if ((await this.useProvisioned(appliance)) || this.policy !== policy) return;
    this.phase = { kind: "pairing", appliance };
    this.publish();
    void this.pair(appliance);
    await this.showOwn();
  }

  private async pair(appliance: Appliance): Promise<void> {
    const pairing = await this.pairer.ask(appliance.base, () => this.displays);
    if (pairing && !this.take(pairing, appliance)) this.begin();
  }

  /** With what IT has set there is nothing to approve. Answers whether it did. */
  private async useProvisioned(appliance: Appliance): Promise<boolean> {
    const { policy } = this;
    const { screenId, deviceSecret } = policy;
    if (!screenId || !deviceSecret || !mayHaveSecret(policy, appliance)) return false;
    const digest = await digestOf(deviceSecret);
    if (this.kept.lasting.get("spent") === digest || this.policy !== policy) return false;
    try {
      const pairing = await provisioned(appliance.base, screenId, deviceSecret);
      if (!this.take(pairing, appliance)) return false;
      this.kept.lasting.set("spent", digest);
      this.kept.lasting.set("provisioned", true);
      return true;
    } catch (error) {
      const { message } = problemIn(error);
      this.log.add(`정책의 등록 정보로 등록하지 못했습니다. ${message.ko}`, `Pairing by policy failed. ${message.en}`);
      return false;
    }
  }

  /** What was asked of one appliance is kept only where that very one has answered, and IT hasn't ruled it out since. */
  private take(pairing: Pairing, appliance: Appliance): boolean {
    if (pairing.instanceId !== appliance.instanceId || !mayBelong(this.policy, appliance)) {
      this.problem = problemOf("TOKEN_INVALID");
      this.log.add(
        `다른 서버가 답해 등록하지 않았습니다: ${appliance.base}`,
        `Not paired, since another server has answered: ${appliance.base}`,
      );
      return false;
    }
    this.kept.lasting.set("provisioned", null);
    this.adopt(pairing, appliance);
    return true;
  }

  private adopt(pairing: Pairing, appliance: Appliance): void {
    this.pairer.stop();
    this.screen.stop();
    this.screen.orders.empty(); // it was another screen's
    this.kept.lasting.set("appliance", appliance);
    this.kept.lasting.set("place", null);
    this.kept.lasting.set("memory", null);
    this.screen.tokens.adopt(pairing);
    this.screen.lostAt = epochNow(); // what was before was no outage of this pairing's
    this.revokedUntil = 0;
    this.alerts.settled();
    this.log.add(`${pairing.screenId} 자리로 등록했습니다`, `Paired as ${pairing.screenId}`);
    this.begin();
  }

  private async accept(meant: Extract<Command, { do: "accept" }>): Promise<void> {
    const { handed } = this;
    const isSameOffer = handed?.offer === meant.offer && handed.screenId === meant.screenId;
    if (!handed || !isSameOffer || !isMeant(meant, handed.appliance)) {
      this.problem = problemOf("CONFIRM_MISMATCH");
      return;
    }
    try {
      const pairing = await claim(handed.appliance.base, handed.screenId, handed.token, this.displays);
      if (this.take(pairing, handed.appliance)) return;
    } catch (error) {
      this.problem = problemIn(error);
    }
    this.begin();
  }

  /** The appliance refuses every credential of this PC. */
  private async refused(): Promise<void> {
    this.log.add("관리자가 이 자리의 등록을 해제했습니다", "This station was unpaired");
    this.revokedUntil = epochNow() + REVOKED_MS;
    const { appliance } = this;
    await this.forget();
    if (appliance && mayBelong(this.policy, appliance)) await this.connect(appliance);
    else this.begin();
  }

  private async forget(): Promise<void> {
    this.screen.stop();
    this.screen.orders.empty();
    this.screen.tokens.forget();
    for (const key of ["place", "last", "memory"] as const) this.kept.lasting.set(key, null);
    this.pairer.stop();
  }

  // Monitors

  windowClosed(windowId: number): void {
    const index = this.windows.frames.indexOf(windowId);
    if (index === null) return;
    this.screen.orders.closed(index);
    this.publish();
  }

  async monitorsChanged(): Promise<void> {
    const before = this.monitors;
    await this.readMonitors();
    if (isSame(before, this.monitors)) return;
    const count = this.monitors.length;
    this.log.add(`모니터 ${count}대`, count === 1 ? "1 monitor" : `${count} monitors`);
    await this.windows.keepOnly(new Set(this.monitors.map(({ index }) => index)));
    await this.windows.settle(this.monitors);
    this.screen.displays();
    const isBack =
      !before.some(({ index }) => index === this.target) && this.monitors.some(({ index }) => index === this.target);
    if (isBack && this.screen.pairing && this.phase.kind !== "different") this.screen.again();
    else if (this.phase.kind === "pairing") await this.showOwn();
    this.publish();
  }

  private async readMonitors(): Promise<void> {
    const infos = await chrome.system.display.getInfo();
    this.monitors = inOrder(infos, this.kept.lasting.get("monitor"), this.screen.target);
  }

  private async showOwn(): Promise<void> {
    // With one monitor alone the code stands in the popup: the worker's screen stays the worker's.
    const monitor = this.monitors.length > 1 || this.screen.pairing ? this.monitors[this.target] : undefined;
    if (monitor) await this.windows.own(monitor, true);
  }

  /** Shows a page of the extension's own and says how long that took: the monitor, not the network, is tried. */
  private async test(): Promise<void> {
    const monitor = this.monitors[this.target];
    if (!monitor) {
      this.problem = problemOf("DISPLAY_NOT_AVAILABLE", { n: this.monitors.length });
      return;
    }
    const began = epochNow();
    await this.windows.test(monitor);
    const took = Math.round(epochNow() - began);
    this.tested = { index: monitor.index, tookMs: took, at: epochNow() };
    this.log.add(
      `시험 문서를 ${monitor.index + 1}번 모니터에 표시 (${took} ms)`,
      `Test page shown on monitor ${monitor.index + 1} (${took} ms)`,
    );
  }

  // Time

  /** An alarm, a start of the browser, a changed network. */
  wake(): void {
    this.screen.wake();
    this.tick();
  }

  private tick(): void {
    const { lostAt, link } = this.screen;
    const now = epochNow();
    if (this.handed && now - this.handed.at >= OFFER_MS && this.doing !== "accept") this.begin();
    if (this.screen.identify && now >= this.screen.identify.until) this.screen.identify = null;
    const mayLook = now - this.lookedAt >= LOOK_AGAIN_MS;
    if (!this.screen.pairing) {
      if (this.phase.kind === "looking" && mayLook) void this.look();
      return;
    }
    if (lostAt === null || link.kind === "open" || link.kind === "replaced") return;
    if (now - lostAt >= MOVED_AFTER_MS && mayLook) void this.look();
    if (now - lostAt >= LOST_SAID_MS) this.alerts.lost(problemOf("CONNECTION_TIMEOUT"));
  }
}

function unseen(base: string, instanceId: string): Appliance {
  return { base, instanceId, name: "Vooster", version: "", host: null, by: "pairing" };
}

function isMeant({ base, instanceId }: Meant, appliance: Meant): boolean {
  return base === appliance.base && instanceId === appliance.instanceId;
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}

async function digestOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
