/** The few keys of a station, and the hand scanner that types an offer's address: UX, section 7. */
import { BarcodeReader } from "../scan/keyboard";
import { type Offer, parseOffer } from "./offer";

/** A scanner types within this; what an elbow pressed before doesn't become part of it. */
const STALE_MS = 1_000;
const WHEEL_MS = 250;

/** What keys do; `pairer` where offers are taken. */
export type Hands = {
  turn(way: 1 | -1): void;
  confirm(): void;
  readonly pairer?: { dismiss(): void; scanned(offer: Offer): void };
};

export function listen(station: Hands): void {
  const reader = new BarcodeReader(STALE_MS);
  let wheelAt = 0;
  addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
    const began = reader.value !== "";
    if (!began && turned(event, station)) {
      event.preventDefault();
      return;
    }
    if (event.key === "Escape") station.pairer?.dismiss();
    const reading = reader.press(
      { code: event.code, key: event.key, shiftKey: event.shiftKey, capsLock: event.getModifierState("CapsLock") },
      performance.now(),
    );
    if (reading.kind === "ended") {
      const offer = parseOffer(reading.text);
      if (offer) station.pairer?.scanned(offer);
    } else if (reading.kind === "nothing" && event.key === "Enter") {
      station.confirm();
    }
  });
  addEventListener(
    "wheel",
    (event) => {
      if (event.deltaY === 0 || event.timeStamp - wheelAt < WHEEL_MS) return;
      wheelAt = event.timeStamp;
      station.turn(event.deltaY > 0 ? 1 : -1);
    },
    { passive: true },
  );
}

function turned(event: KeyboardEvent, station: Hands): boolean {
  if (event.key === "PageDown" || event.key === "PageUp") station.turn(event.key === "PageDown" ? 1 : -1);
  else if (event.code === "Space") station.turn(event.shiftKey ? -1 : 1);
  else return false;
  return true;
}
