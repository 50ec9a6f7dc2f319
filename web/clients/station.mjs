// What a screen does with `navigate`, whichever wire brings it: says that it holds the document, shows it, says so.

const REMEMBERED = 1_000;

/**
 * ack(body)      sends an ack
 * show(message)  puts the document on the monitor; answers the evidence { display, url }, or nothing where it can't
 *                tell. Throws where it didn't work: `code` is then one of the contract's.
 * say(line)      takes lines for people
 */
export function station({ ack, show, say }) {
  const shown = new Map(); // by delivery and round: the evidence, so that a repeat is acked and not shown again
  const newest = new Map(); // by display: the highest seq
  let epoch;

  return {
    /** For every welcome. What the appliance has forgotten is forgotten here too. */
    welcome(message) {
      if (message.epoch !== epoch) {
        shown.clear();
        newest.clear();
      }
      epoch = message.epoch;
    },

    async navigate(message) {
      const { id, displayIndex, seq } = message;
      const once = `${id} ${message.round}`;
      if (!message.restored) {
        if (seq < (newest.get(displayIndex) ?? 0)) return;
        newest.set(displayIndex, seq);
      }
      ack({ id, status: "received" });
      try {
        const evidence = (!message.restored && shown.get(once)) || (await show(message));
        if (!evidence) return;
        if (!message.restored && newest.get(displayIndex) !== seq) return; // a newer one came meanwhile
        shown.set(once, evidence);
        if (shown.size > REMEMBERED) shown.delete(shown.keys().next().value);
        ack({ id, status: "shown", ...evidence });
      } catch (error) {
        say(`${message.title}: ${error.message}`);
        ack({
          id,
          status: "failed",
          code: error.code ?? "DOCUMENT_LOAD_FAILED",
          detail: String(error.message).slice(0, 500),
        });
      }
    },
  };
}
