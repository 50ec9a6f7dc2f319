/** What the station's pages are made of: the frame with its lamp, a text said in both languages, the clock. */
import type { ComponentChildren } from "preact";
import type { Problem } from "../lib/errors";
import type { Extension } from "../lib/extension";
import { clock } from "../lib/format";
import { lang, otherLang, type Text } from "../lib/i18n";
import { lineNames } from "../lib/names";
import type { Link } from "../lib/wire/connection";
import { Icon, type IconName, Mark } from "../ui/icons";
import type { Asking } from "./deviceflow";
import type { Offer } from "./offer";
import type { LastOrder, Place } from "./place";
import type { Monitor } from "./stage";
import type { Spot } from "./viewer/viewer";

export type Lamp = "ready" | "trouble" | "cut" | "unpaired" | "opening" | "none";

type FrameProps = { lamp: Lamp; class?: string; top: ComponentChildren; foot?: ComponentChildren };

/** A full page of the station. The lamp stands still, the rest drifts against burn-in. */
export function Frame({ lamp, class: extra, top, foot, children }: FrameProps & { children: ComponentChildren }) {
  return (
    <main class={`station face station-${lamp} ${extra ?? ""}`}>
      <span class="lamp" aria-hidden="true" />
      <header class="top drift">
        {top}
        <Clock />
      </header>
      <div class="drift face-body">{children}</div>
      <footer class="foot drift">{foot}</footer>
    </main>
  );
}

function Clock() {
  return <span class="clock">{clock(Date.now(), false)}</span>;
}

/** The plant's name beside the mark. */
export function PlantName({ name }: { name: string }) {
  return (
    <span class="logo">
      <Mark />
      <b>{name || "Vooster"}</b>
    </span>
  );
}

/** Station, lines, id. */
export function PlaceName({ place }: { place: Place | null }) {
  if (!place) return <PlantName name="" />;
  return (
    <span class="place">
      <b>{place.name}</b>
      {[...lineNames(place.groups), ...(place.screenId === place.name ? [] : [place.screenId])].map(
        (part) => ` · ${part}`,
      )}
    </span>
  );
}

/** In the chosen language, and small in the other one: who stands here isn't known. */
export function Both({ text, as = "say" }: { text: Text; as?: "head" | "say" }) {
  const other = otherLang();
  const Tag = as === "head" ? "h1" : "p";
  return (
    <>
      <Tag class={as} lang={lang.value}>
        {text[lang.value]}
      </Tag>
      {text.ko !== text.en && (
        <p class="second" lang={other}>
          {text[other]}
        </p>
      )}
    </>
  );
}

type MiddleProps = { icon: IconName; head: Text; above?: ComponentChildren; children?: ComponentChildren };

/** A large shape, a heading, what to do. */
export function Middle({ icon, head, above, children }: MiddleProps) {
  return (
    <div class="mid">
      <Icon name={icon} />
      <div>
        {above}
        <Both text={head} as="head" />
      </div>
      {children && <div class="mid-more">{children}</div>}
    </div>
  );
}

type Readable<T> = { readonly value: T };

/** What the pages read of a station, be it this page itself or an extension behind it. Times are of its own clock. */
export type Face = {
  readonly monitor: Readable<Monitor>;
  readonly link: Readable<Link>;
  readonly lostAt: Readable<number | null>;
  readonly place: Readable<Place | null>;
  readonly last: Readable<LastOrder | null>;
  readonly identify: Readable<{ label: string; until: number } | null>;
  readonly revokedUntil: Readable<number>;
  readonly notice: Readable<{ problem: Problem; until: number } | null>;
  readonly now: Readable<number>;
  /** Whether this browser has the extension; left out by the extension itself. */
  readonly extension?: Readable<Extension | null>;
  readonly pairer: {
    readonly asking: Readable<Asking | null>;
    readonly offer: Readable<Offer | null>;
    readonly problem: Readable<{ problem: Problem } | null>;
  };
  confirm(): void;
};

export type PageProps = { station: Face };

/** A station whose page draws documents: `spot` is what of the document is seen. */
export type DrawingFace = Face & { readonly spot: Readable<Spot> };
