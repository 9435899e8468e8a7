/** Says when nginx logs its load balancer as the client: every client ranking is worthless then, and looks right. */
import type { Answerer, TopNQuestion } from "@/core/answer.ts";
import { type Log, OncePerMinute } from "@/core/host/log.ts";
import { REQUESTS } from "@/core/measures.ts";
import { proxyAmongClients } from "@/core/special_prefixes.ts";

/** Seconds between two looks, each a question that marginals answer. */
const LOOK_S = 60;
/** Seconds between two hints: who knows it need not be told more often. */
const HINT_S = 86_400;

const QUESTION: TopNQuestion = { window: "5m", groupBy: "prefix", n: 1, sort: REQUESTS, filter: undefined };

export class ProxyHint {
  readonly #hints: OncePerMinute;
  #lookAtS = 0;

  constructor(readonly view: Pick<Answerer, "topN">, log: Log) {
    this.#hints = new OncePerMinute(log, HINT_S);
  }

  /** Call it every second. */
  look(nowS: number): void {
    if (nowS < this.#lookAtS) return;
    this.#lookAtS = nowS + LOOK_S;
    const answer = this.view.topN(QUESTION), client = proxyAmongClients(answer);
    if (client === undefined) return;
    this.#hints.warn(
      "proxy",
      nowS,
      "nearly all requests come from one private client, which may be a load balancer",
      () => ({
        client,
        requests: answer.entries[0].values[REQUESTS],
        of: answer.total[REQUESTS],
        try: "set_real_ip_from and real_ip_header in nginx",
      }),
    );
  }
}
