/** What the appliance's HTTP calls answer, as far as the office pages read it. Times are ms since the epoch. */
import type { Problem } from "../lib/errors";
import type { Text } from "../lib/i18n";
import type { ClientName, DeliveryState, Display, Role } from "../lib/messages";
import type { ScreenState } from "../ui/states";

export type List<T> = { items: T[]; cursor: string | null };

export type Me = {
  kind: "user" | "screen" | "key";
  username?: string;
  screenId?: string;
  role: Role;
  plant: string;
  version: string;
  address: string;
  tls: boolean;
};

export type WellKnown = { product: string; version: string; name: string; tls: boolean; setupComplete?: boolean };

/** `GET /trust/about.json`. Fingerprints are capitals in groups of four. */
export type Certificate = { sha256: string; sha1: string; until: number };
export type Trust = {
  mode: "off" | "files" | "auto";
  name: string;
  address: string;
  ca: Certificate | null;
  server: Certificate | null;
};

export type FindingProblem = { code: string; messages: Text; action: Text };

/** `heard`: whether its own announcement came back; null while that isn't known. */
export type NetworkCard = {
  name: string;
  addresses: string[];
  announced: boolean;
  heard: boolean | null;
  problem: FindingProblem | null;
};

/** As it says of itself. */
export type OtherAppliance = { instance: string; host: string; port: number; addresses: string[]; card: string };

export type Finding = {
  enabled: boolean;
  messages: Text;
  host: string | null;
  instance: string | null;
  problem: FindingProblem | null;
  cards: NetworkCard[];
  others: OtherAppliance[];
  listenedAt: number | null;
  phone: { url: string; qr: { svg: string } };
};

export type SignedIn = { username: string; role: Role; csrfToken: string };

export type SetupCheck = { name: string; ok: boolean | null; value: string; detail: Text };
export type Setup = { complete: boolean; checks: SetupCheck[] };

export type Screen = {
  screenId: string;
  name: string;
  groups: string[];
  displayIndex: number;
  user?: string;
  permission: Role;
  paired: boolean;
  online: boolean;
  lastSeenAt: number | null;
  displays: Display[];
  currentDocument: { orderId: string | null; title: string | null; shownAt: number; url?: string } | null;
  client: (ClientName & { address: string | null }) | null;
  state: ScreenState;
  /** What somebody must put right about it. */
  warnings: { code: string; at: number; address: string | null }[];
};

/** What is printed for one station: its page's address as a QR code. */
export type Label = { screenId: string; url: string; qr: { svg: string } };
export type Labels = List<Label> & { address: string };

/** One display that shows a code and waits for approval. */
export type Waiting = {
  user_code?: string;
  user_code_prefix?: string;
  client: ClientName;
  displays: Display[];
  address: string;
  createdAt: number;
  expiresAt: number;
};

export type Minute = { at: number; scans: number; p50ShownMs: number | null; p95ShownMs: number | null };

export type RecentScan = {
  deliveryId: string;
  triggerId: string;
  orderId: string | null;
  title: string | null;
  screenId: string;
  screenName: string;
  state: DeliveryState;
  code: string | null;
  acceptedAt: number;
  sentMs: number | null;
  receivedMs: number | null;
  shownMs: number | null;
};

export type Dashboard = {
  messagesPerMinute: number;
  uptime: number;
  plant: string;
  time: number;
  storage: "ok" | "fail";
  screens: { total: number; paired: number; online: number };
  p50ShownMs: number | null;
  p95ShownMs: number | null;
  today: { accepted: number; dead: number };
  deadLetters: number;
  minutes: Minute[];
  recentScans: RecentScan[];
};

export type DeadLetter = {
  deliveryId: string;
  triggerId: string;
  orderId: string | null;
  title: string | null;
  screenId: string;
  screenName: string;
  displayIndex: number;
  code: string;
  cause: string | null;
  messages: Text;
  action: Text;
  diedAt: number;
  acceptedAt: number;
  round: number;
  attempt: number;
};

export type Loaded<T> = { data: T | null; problem: Problem | null };
