/** `nginx-logtail top`: the ranking on the whole terminal, asked again every few seconds, with keys to look closer. */
import type { TopNAnswer, TrendAnswer } from "@/core/answer.ts";
import type { DimensionName } from "@/core/dimensions.ts";
import { EXIT } from "@/core/host/exit.ts";
import type { FlagValues } from "@/core/host/flags.ts";
import { linearRegex } from "@/core/host/regex.ts";
import type { Screen } from "@/core/host/screen.ts";
import { sortMeasure } from "@/core/measures.ts";
import type { WindowName } from "@/core/slices.ts";
import type { Client } from "@/proto/client.ts";
import { timeoutOf, whyText } from "./ask.ts";
import { parseDurationMs } from "./duration.ts";
import { filterGiven } from "./filter_flags.ts";
import type { Shell } from "./shell.ts";
import { keysOf } from "./top_keys.ts";
import { rankingRows, screenLines } from "./top_screen.ts";
import { firstState, type Place, press, type TopState } from "./top_state.ts";

/** Rows asked for beyond those on the screen, so that paging shows something at once. */
const ROWS_AHEAD = 100;

/** Shows until `q`, Ctrl-C or a signal; resolves to the exit code. Throws MachineRefusal without a terminal. */
export async function top(flags: FlagValues, shell: Shell): Promise<number> {
  const first: Place = {
    window: flags.text("window") as WindowName, // the flag's choices are the names of the windows,
    groupBy: flags.text("group-by") as DimensionName, // and of the dimensions
    sort: sortMeasure(flags.text("sort")),
    filter: await filterGiven(flags),
  };
  const stop = shell.untilStopped(), screen = shell.openScreen();
  try {
    await new TopView(first, flags, shell, screen).run(stop);
  } finally {
    screen.close();
  }
  return EXIT.ok;
}

class TopView {
  #state: TopState;
  #answer: TopNAnswer | undefined;
  #trend: TrendAnswer | undefined;
  #trouble = "";
  /** Ends the wait for the next question. */
  #hurry = new AbortController();
  readonly #ended = new AbortController();
  readonly #targets: readonly string[];
  readonly #clients = new Map<string, Promise<Client>>();

  constructor(first: Place, readonly flags: FlagValues, readonly shell: Shell, readonly screen: Screen) {
    this.#state = firstState(first);
    this.#targets = flags.list("target");
  }

  async run(stopped: AbortSignal): Promise<void> {
    const stop = AbortSignal.any([stopped, this.#ended.signal]);
    this.screen.onResize(() => this.#draw());
    this.#draw();
    void this.#readKeys(stop);
    await this.#askOn(stop);
    for (const client of this.#clients.values()) (await client).close();
  }

  async #readKeys(stop: AbortSignal): Promise<void> {
    for await (const bytes of this.screen.keys()) {
      for (const key of keysOf(bytes)) {
        const before = this.#state;
        this.#state = press(before, key, {
          answer: this.#answer,
          rows: rankingRows(this.screen.size()),
          targets: this.#targets.length,
          regex: linearRegex,
        });
        if (this.#state.target !== before.target) this.#answer = this.#trend = undefined;
        if (this.#state.asked !== before.asked) this.#hurry.abort();
        if (this.#state.quit) return this.#ended.abort();
      }
      if (stop.aborted) return;
      this.#draw();
    }
    this.#ended.abort(); // the terminal is gone
  }

  async #askOn(stop: AbortSignal): Promise<void> {
    const everyMs = parseDurationMs(this.flags.text("every")) ?? 0;
    while (!stop.aborted) {
      this.#hurry = new AbortController();
      if (!this.#state.paused || this.#answer === undefined || this.#asksElse()) await this.#ask(stop);
      if (stop.aborted) return;
      this.#draw();
      if (!this.#hurry.signal.aborted) await this.shell.pause(everyMs, AbortSignal.any([stop, this.#hurry.signal]));
    }
  }

  /** Paused means that numbers stand still, not that keys do nothing. */
  #asksElse(): boolean {
    return this.#state.asked !== this.#answered;
  }
  #answered = 0;

  async #ask(stop: AbortSignal): Promise<void> {
    const { window, groupBy, sort, filter, asked, target: index } = this.#state, target = this.#targets[index];
    const n = rankingRows(this.screen.size()) + ROWS_AHEAD, timeoutMs = timeoutOf(this.flags);
    try {
      const client = await this.#clientOf(target);
      const answers = Promise.all([
        client.topN({ window, groupBy, n, sort, filter }, timeoutMs),
        client.trend({ window, filter }, timeoutMs),
      ]);
      const [answer, trend] = await until(answers, stop) ?? [];
      // What was asked before a key was pressed is not shown as the answer to what is asked now.
      if (answer === undefined || this.#state.asked !== asked) return;
      [this.#answer, this.#trend, this.#trouble, this.#answered] = [answer, trend, "", asked];
      this.#state = { ...this.#state, cursor: Math.max(0, Math.min(this.#state.cursor, answer.entries.length - 1)) };
    } catch (error) {
      this.#trouble = whyText(target, error);
      this.#answered = asked;
    }
  }

  #clientOf(target: string): Promise<Client> {
    const client = this.#clients.get(target) ?? this.shell.connect(target);
    this.#clients.set(target, client);
    return client;
  }

  #draw(): void {
    const shown = {
      target: this.#targets[this.#state.target],
      answer: this.#answer,
      trend: this.#trend,
      trouble: this.#trouble,
      offsetMinutes: this.#answer === undefined ? 0 : this.shell.offsetMinutes(this.#answer.toS),
    };
    this.screen.draw(screenLines(this.#state, shown, this.screen.size(), this.screen.coloured));
  }
}

/** What a promise resolves to, or undefined when the signal comes first. Rejects as the promise does. */
function until<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value | undefined> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
    if (signal.aborted) resolve(undefined);
    promise.then(resolve, reject);
  });
}
