/**
 * The one place where a page names a script by address: under Trusted Types a browser takes it from nowhere else.
 * `trusted-types` in the appliance's headers lists the policy's name.
 */

type Policy = { createScriptURL(url: string): string };
type Policies = { createPolicy(name: string, rules: Policy): Policy };

const rules: Policy = {
  createScriptURL(url) {
    if (!url.startsWith("/assets/")) throw new TypeError(`${url} is no script of the appliance's own`);
    return url;
  },
};

let policy: Policy | undefined;

/** A module worker from the appliance's own assets. */
export function workerAt(url: string): Worker {
  const policies = (globalThis as { trustedTypes?: Policies }).trustedTypes;
  policy ??= policies?.createPolicy("vooster-worker", rules) ?? rules;
  return new Worker(policy.createScriptURL(url), { type: "module" });
}
