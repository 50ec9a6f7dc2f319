/** Every shape the pages use. A state's outline is its own, so that it can be told apart without colour. */
import type { ComponentChildren } from "preact";

/* `f` is filled with the text colour, `k` is knocked out of it (see .ico in tokens.css). */
const SHAPES = {
  // deliveries
  awaitingOrder: <path d="M7 3h10M7 21h10M8 3c0 5 8 5.5 8 9s-8 4-8 9M16 3c0 5-8 5.5-8 9s8 4 8 9" />,
  pending: (
    <>
      <circle cx="12" cy="12" r="9" />
      <path d="M12 7v5l3.4 2" />
    </>
  ),
  sent: <path d="M4 12h15M13 6l6 6-6 6" />,
  received: (
    <>
      <circle cx="12" cy="12" r="9" />
      <path d="M8 12.3l2.8 2.8 5.2-5.5" />
    </>
  ),
  shown: (
    <>
      <circle class="f" cx="12" cy="12" r="10" />
      <path class="k" d="M7.5 12.3l3.1 3.1 6-6.4" />
    </>
  ),
  superseded: <path d="M4 8h13l-3.5-3.5M20 16H7l3.5 3.5" />,
  dead: (
    <>
      <path class="f" d="M8 2h8l6 6v8l-6 6H8l-6-6V8z" />
      <path class="k" d="M9 9l6 6M15 9l-6 6" />
    </>
  ),
  // screens
  showing: (
    <>
      <rect class="f" x="2" y="3" width="20" height="14" rx="2.5" />
      <path class="k" d="M8 10.2l2.7 2.7 5.3-5.4" />
      <path d="M8 21h8" />
    </>
  ),
  ready: (
    <>
      <rect x="3" y="4" width="18" height="12" rx="2" />
      <path d="M8 21h8M12 16v5" />
    </>
  ),
  problem: (
    <>
      <path
        class="f"
        d="M12 2.2c.7 0 1.3.3 1.7 1l9 16c.8 1.4-.2 3-1.7 3H3c-1.5 0-2.5-1.6-1.7-3l9-16c.4-.7 1-1 1.7-1z"
      />
      <path class="k" d="M12 9v5.2M12 18v.01" />
    </>
  ),
  offline: (
    <path d="M8 4h11a2 2 0 0 1 2 2v8a2 2 0 0 1-1.5 1.9M15 16H5a2 2 0 0 1-2-2V6c0-.5.2-1 .5-1.3M8 21h8M12 16v5M3 3l18 18" />
  ),
  unpaired: (
    <>
      <rect x="3" y="4" width="18" height="12" rx="2" stroke-dasharray="3.5 3" />
      <path d="M12 7.5v5M9.5 10h5M8 21h8" />
    </>
  ),
  revoked: (
    <>
      <rect x="3" y="4" width="18" height="12" rx="2" stroke-dasharray="3.5 3" />
      <path d="M8 21h8" />
    </>
  ),
  // navigation
  now: <path d="M3 12h4l3-8 4 16 3-8h4" />,
  scan: <path d="M3 8V5h3M18 5h3v3M21 16v3h-3M6 19H3v-3M7.5 9v6M10.5 9v6M13.5 9v6M16.5 9v6" />,
  tray: <path d="M3 13l3-8h12l3 8v6H3zM3 13h5l1.5 3h5l1.5-3h5" />,
  more: <path d="M5 12h.01M12 12h.01M19 12h.01" stroke-width="3.5" />,
  print: <path d="M7 9V3h10v6M7 17H4v-7h16v7h-3M7 14h10v7H7z" />,
  qr: (
    <>
      <rect x="4" y="4" width="6" height="6" rx="1" />
      <rect x="14" y="4" width="6" height="6" rx="1" />
      <rect x="4" y="14" width="6" height="6" rx="1" />
      <path d="M14 14v2.5M14 20h2.5M20 14v.01M17.5 17.5H20V20" />
    </>
  ),
  // things and deeds
  back: <path d="M20 12H5M11 6l-6 6 6 6" />,
  bin: <path d="M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5" />,
  check: <path d="M5 12.5l4.5 4.5L19 7.5" />,
  close: <path d="M6 6l12 12M18 6L6 18" />,
  document: <path d="M6 3h8l5 5v13H6zM14 3v5h5" />,
  documentBad: <path d="M6 3h8l5 5v13H6zM14 3v5h5M10 12l5 5M15 12l-5 5" />,
  eye: (
    <>
      <path d="M2 12c2.5-4.5 6-7 10-7s7.5 2.5 10 7c-2.5 4.5-6 7-10 7s-7.5-2.5-10-7z" />
      <circle cx="12" cy="12" r="3" />
    </>
  ),
  eyeOff: (
    <>
      <path d="M2 12c2.5-4.5 6-7 10-7s7.5 2.5 10 7c-2.5 4.5-6 7-10 7s-7.5-2.5-10-7z" />
      <path d="M4 3l16 18" />
    </>
  ),
  find: (
    <>
      <circle cx="11" cy="11" r="7" />
      <path d="M16.5 16.5L21 21" />
    </>
  ),
  identify: (
    <>
      <path d="M12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.1 2.1M16.3 16.3l2.1 2.1M5.6 18.4l2.1-2.1M16.3 7.7l2.1-2.1" />
      <circle cx="12" cy="12" r="3" />
    </>
  ),
  info: (
    <>
      <circle cx="12" cy="12" r="9" />
      <path d="M12 11v5.5M12 7.5v.01" />
    </>
  ),
  lines: <path d="M4 6h16M4 12h11M4 18h6" />,
  lock: (
    <>
      <rect x="5" y="11" width="14" height="9" rx="2" />
      <path d="M8 11V8a4 4 0 0 1 8 0v3" />
    </>
  ),
  pencil: <path d="M4 20l1-4.5L16.5 4a1.8 1.8 0 0 1 2.6 0l.9.9a1.8 1.8 0 0 1 0 2.6L8.5 19z" />,
  phone: (
    <>
      <rect x="7" y="2.5" width="10" height="19" rx="2" />
      <path d="M11 18.5h2" />
    </>
  ),
  plus: <path d="M12 5v14M5 12h14" />,
  repeat: <path d="M20 11a8 8 0 1 0-2.3 5.7M20 5v6h-6" />,
  signOut: <path d="M14 4H5v16h9M10 12h11M17 8l4 4-4 4" />,
  unlink: <path d="M9 15l-2 2a4 4 0 0 1-5.6-5.6l2-2M15 9l2-2a4 4 0 0 1 5.6 5.6l-2 2M8 3v2M3 8h2M16 21v-2M21 16h-2" />,
} satisfies Record<string, ComponentChildren>;

export type IconName = keyof typeof SHAPES;

/** Decoration beside a word; a button that has only this needs an aria-label. */
export function Icon({ name, class: extra }: { name: IconName; class?: string }) {
  return (
    <svg class={extra ? `ico ${extra}` : "ico"} viewBox="0 0 24 24" aria-hidden="true">
      {SHAPES[name]}
    </svg>
  );
}

/** The brand mark: a PC's monitor and, in front of it, the second one with a barcode. */
export function Mark({ size }: { size?: number }) {
  return (
    <svg viewBox="0 0 34 34" aria-hidden="true" width={size} height={size}>
      <rect x="2" y="13" width="17" height="16" rx="3.5" fill="none" stroke="currentColor" stroke-width="3" />
      <rect
        x="9"
        y="3"
        width="24"
        height="18"
        rx="3.5"
        fill="var(--mark,var(--act))"
        stroke="var(--mark-gap,var(--bg))"
        stroke-width="2"
      />
      <path d="M15 8v8M19 8v8M22 8v8M27 8v8" stroke="#fff" stroke-width="2.4" />
    </svg>
  );
}
