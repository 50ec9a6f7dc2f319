// A screen's pairing: what `vooster screens provision SCREEN-001` printed, or what a browser was given.
// Its access token lasts minutes; the refresh token in it is good once, so what is fetched is kept at once.

/** `keep(held)` stores the pairing wherever it came from. */
export function pairing(held, keep) {
  async function ask(path, body) {
    const answer = await fetch(held.serverUrl + path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (answer.ok) {
      held = { ...held, ...(await answer.json()) };
      keep(held);
    }
    return answer;
  }

  return {
    url: held.serverUrl,
    screenId: held.screenId,

    /** An access token; with `fresh` one that was never used. */
    async token(fresh) {
      if (!fresh) return held.accessToken;
      let answer = await ask("/api/auth/refresh", { refreshToken: held.refreshToken });
      if (answer.status === 401) {
        // Off for longer than the refresh token lasts: the device secret brings the screen back.
        answer = await ask("/api/auth/device", { screenId: held.screenId, deviceSecret: held.deviceSecret });
      }
      if (!answer.ok) {
        const problem = await answer.json();
        const error = new Error(`${problem.messages.en} ${problem.action.en}`);
        error.final = [401, 403, 404].includes(answer.status);
        throw error;
      }
      return held.accessToken;
    },
  };
}
