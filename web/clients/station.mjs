// What a screen does, whichever wire brings it: with `navigate` it says that it holds the document, shows it, and says
// so; with `clear`, and with an `error` about a scan, it puts the document away.

import { mayOpen } from "./addresses.mjs";

const REMEMBERED = 1_000;
const SHOW_MS = 9_000; // the appliance waits 10 s

/**
 * ack(body)             sends an ack
 * show(message, signal) puts the document on the monitor; answers the evidence { display, url }, or nothing where it
 *                       can't tell. Throws where it didn't work: `code` is then one of the contract's. `signal` ends
 *                       when the document isn't wanted any more.
 * putAway(displayIndex) blanks that display, or all of them where there is no index
 * say(line)             takes lines for people
 */
export function station({ ack, show, putAway, say }) {
  const shown = new Map(); // by delivery and round: the evidence, so that a repeat is acked and not shown again
  const newest = new Map(); // by display: the highest seq
  const showing = new Map(); // by display: what ends the showing that is under way
  let epoch;
  let hosts; // whose documents may be opened

  function away(displayIndex) {
    for (const [index, under] of showing) if (displayIndex === undefined || index === displayIndex) under.abort();
    putAway(displayIndex);
  }

  return {
    /** For every welcome. What the appliance has forgotten is forgotten here too. */
    welcome(message) {
      if (message.epoch !== epoch) {
        shown.clear();
        newest.clear();
      }
      epoch = message.epoch;
      hosts = message.documentHosts;
    },

    clear: (message) => away(message.displayIndex),

    /** For every error. One with a display is about a scan for it: nobody shall work from the paper before. */
    error(message) {
      if (message.displayIndex !== undefined) away(message.displayIndex);
    },

    /** `received()` says that the document is here; by default with an ack. */
    async navigate(message, received = () => ack({ id: message.id, status: "received" })) {
      const { id, displayIndex, seq } = message;
      const once = `${id} ${message.round}`;
      if (!message.restored) {
        if (seq < (newest.get(displayIndex) ?? 0)) return;
        newest.set(displayIndex, seq);
      }
      received();
      showing.get(displayIndex)?.abort();
      const mine = new AbortController();
      showing.set(displayIndex, mine);
      let late = false;
      const slow = setTimeout(() => {
        late = true;
        mine.abort();
      }, SHOW_MS);
      try {
        if (!mayOpen(message.url, hosts))
          throw Object.assign(new Error("This address isn't allowed."), { code: "DOCUMENT_URL_REFUSED" });
        const isRepeat = !message.restored && shown.has(once);
        const evidence = isRepeat ? shown.get(once) : await show(message, mine.signal);
        if (mine.signal.aborted) return;
        shown.set(once, evidence);
        if (shown.size > REMEMBERED) shown.delete(shown.keys().next().value);
        if (evidence) ack({ id, status: "shown", ...evidence });
      } catch (error) {
        if (mine.signal.aborted && !late) return; // something newer came meanwhile
        const why = late ? "It took too long." : String(error.message);
        say(`${message.title}: ${why}`);
        const code = typeof error.code === "string" ? error.code : "DOCUMENT_LOAD_FAILED";
        ack({ id, status: "failed", code, detail: why.slice(0, 500) });
      } finally {
        clearTimeout(slow);
        if (showing.get(displayIndex) === mine) showing.delete(displayIndex);
      }
    },
  };
}
