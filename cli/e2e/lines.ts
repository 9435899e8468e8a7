/** Lines of the `logtail` format for tests that write a log themselves. */

export interface Line {
  readonly host?: string;
  readonly client?: string;
  readonly method?: string;
  readonly uri?: string;
  readonly status?: string;
  /** Seconds since 1970, or any text. */
  readonly time?: number | string;
}

/** One line with its newline; now, unless told otherwise. */
export function line(fields: Line = {}): string {
  const { host = "www.example", client = "198.18.0.1", method = "GET", uri = "/", status = "200" } = fields;
  const time = fields.time ?? (Date.now() / 1000).toFixed(3);
  return [host, client, time, method, uri, status, "612", "0.004"].join("\t") + "\n";
}

/** A folder that goes when the test ends, and in it logs that the test writes. */
export class TestFolder implements Disposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "logtail-e2e-" });

  path(name = "access.log"): string {
    return `${this.folder}/${name}`;
  }

  append(text: string, name = "access.log"): void {
    Deno.writeTextFileSync(this.path(name), text, { append: true });
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
  }
}
