/** What is known, name by name. */
import type { ComponentChildren } from "preact";

/** A fact that is null has no row; `code` is set as addresses and ids are. */
export type Fact = { name: string; value: ComponentChildren; code?: boolean } | null | false;

export function Facts({ facts }: { facts: Fact[] }) {
  return (
    <dl class="kv">
      {facts.map(
        (fact) =>
          fact && (
            <div key={fact.name}>
              <dt>{fact.name}</dt>
              <dd class={fact.code ? "code" : undefined}>{fact.value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}
