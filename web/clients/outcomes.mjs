// How a scan ends, for a program that waits for it.

/** How long to wait for the outcome, in ms. */
export const WAIT_MS = Number(process.env.VOOSTER_WAIT_MS ?? 30_000);

/** Whether the document is where it should be. Not so where it is `superseded` (by a newer scan) or `dead`. */
export const isThere = (delivery) => ["shown", "received"].includes(delivery.state);

/** What to say when nothing has come in that time. */
export const overdue = (accepted) =>
  accepted
    ? `accepted, but not on the monitor after ${WAIT_MS / 1000} s. It goes on waiting: look at the screen.`
    : `no answer after ${WAIT_MS / 1000} s. Look at the appliance and the network, then scan again.`;
