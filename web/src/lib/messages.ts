/** Messages of the real-time transports, as the contract names them. Times are ms since the epoch. */
import type { Text } from "./i18n";

export type Role = "viewer" | "operator" | "supervisor" | "admin";
export type DeliveryState = "awaitingOrder" | "pending" | "sent" | "received" | "shown" | "superseded" | "dead";
export type Bounds = { left: number; top: number; width: number; height: number };
export type Display = { index: number; name?: string; bounds?: Bounds; primary?: boolean };
export type ClientName = { name: string; version: string };

export type Hello = {
  type: "hello";
  token: string;
  client: ClientName;
  capabilities: string[];
  restore: boolean;
  displays?: Display[];
};
export type Ack = {
  type: "ack";
  id: string;
  status: "received" | "shown" | "failed";
  code?: string;
  detail?: string;
  display?: Pick<Display, "index" | "name" | "bounds">;
  windowId?: string;
  url?: string;
};
export type Displays = { type: "displays"; displays: Display[] };
export type Auth = { type: "auth"; token: string };
export type Ping = { type: "ping"; t: number };
export type Pong = { type: "pong"; t: number; serverTime?: number };
/** Show this order's document on these screens. The same `id` again is not done twice. */
export type Trigger = { type: "trigger"; id: string; orderId: string; target: string; displayIndex?: number };
export type ClientMessage = Hello | Ack | Displays | Auth | Ping | Pong | Trigger;

export type Welcome = {
  type: "welcome";
  sessionId: string;
  screenId?: string;
  screen?: { name: string; groups: string[]; displayIndex: number };
  plant: string;
  role: Role;
  serverTime: number;
  heartbeatSeconds: number;
  tokenExpiresAt: number;
  epoch: string;
  /** Whose documents may be opened; without it anyone's. */
  documentHosts?: string[];
};
export type Navigate = {
  type: "navigate";
  id: string;
  triggerId: string;
  /** Null for a page that was sent by its address. */
  orderId: string | null;
  url: string;
  title: string;
  contentType: string;
  displayIndex: number;
  seq: number;
  round: number;
  attempt: number;
  acceptedAt: number;
  expiresAt: number;
  restored?: boolean;
};
export type Delivery = {
  type: "delivery";
  id: string;
  triggerId: string;
  screenId: string;
  state: DeliveryState;
  final: boolean;
  code?: string;
  messages?: Text;
  action?: Text;
  display?: Pick<Display, "index" | "name" | "bounds">;
  windowId?: string;
};
export type Clear = { type: "clear"; displayIndex?: number };
export type Identify = { type: "identify"; label: string; seconds: number };
export type Presence = { type: "presence"; screenId: string; online: boolean };
export type AuthExpiring = { type: "auth:expiring"; inSeconds: number };
export type AuthOk = { type: "auth:ok"; tokenExpiresAt: number };
export type WireError = {
  type: "error";
  code: string;
  messages: Text;
  action: Text;
  retryable: boolean;
  orderId?: string | null;
  displayIndex?: number;
};
export type TriggerResponse = { type: "trigger:response"; id: string; success: true; data: object };
export type TriggerError = {
  type: "trigger:error";
  id: string | null;
  error: string;
  code: string;
  messages: Text;
  action: Text;
  retryable: boolean;
};
/** Something people should know while the session goes on. */
export type Notice = { type: "notice"; code: string; messages: Text; action: Text };
export type Goodbye = { type: "goodbye"; reason: string; reconnectAfterMs: number };
export type ServerMessage =
  | Welcome
  | Navigate
  | Delivery
  | Clear
  | Identify
  | Presence
  | Ping
  | Pong
  | AuthExpiring
  | AuthOk
  | WireError
  | TriggerResponse
  | TriggerError
  | Notice
  | Goodbye;
