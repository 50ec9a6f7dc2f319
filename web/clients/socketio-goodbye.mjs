// Heeds `goodbye` with the official Socket.IO client: comes back no sooner than the appliance asks for.

const DELAY_MS = 100;
const LONGEST_MS = 1_000;
const JITTER = 0.5;

/** The options of `io(url, options)` that have the client come back as the contract says. */
export const comesBack = { reconnectionDelay: DELAY_MS, reconnectionDelayMax: LONGEST_MS, randomizationFactor: JITTER };

export function heedGoodbye(socket) {
  socket.on("goodbye", ({ reconnectAfterMs }) => {
    // Exactly then: the appliance has spread its clients over time already.
    socket.io.randomizationFactor(0);
    socket.io.reconnectionDelayMax(Math.max(LONGEST_MS, reconnectAfterMs));
    socket.io.reconnectionDelay(reconnectAfterMs);
  });
  socket.on("connect", () => {
    socket.io.reconnectionDelay(DELAY_MS);
    socket.io.reconnectionDelayMax(LONGEST_MS);
    socket.io.randomizationFactor(JITTER);
  });
}
