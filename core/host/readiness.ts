/** Why a role is not doing all it was asked to do: what `/readyz` says. */

export class Readiness {
  readonly #whys = new Map<string, string>();

  /** @param what such as `counting`; one place for each. @param why in words; empty when all is well. */
  set(what: string, why: string): void {
    if (why === "") this.#whys.delete(what);
    else this.#whys.set(what, why);
  }

  /** `waiting for /var/log/nginx/a.log: it does not exist`; in the order in which they came. */
  reasons(): readonly string[] {
    return [...this.#whys.values()];
  }
}
