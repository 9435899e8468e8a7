import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { pageAt } from "@/core/host/role_pages.ts";
import type { Client } from "@/proto/client.ts";
import { RemoteError } from "@/proto/remote_error.ts";
import { FrontendWatch } from "./watch.ts";

const STATE = { residentBytes: 1, heapBytes: 1, externalBytes: 1, cpuSeconds: 1, startedS: 1 };

interface Watched {
  readonly watch: FrontendWatch;
  readonly client: Client;
  /** What the target's next answer is. */
  answer: "list" | Error;
  /** Milliseconds. */
  nowMs: number;
  page(path: string): string;
}

function watched(): Watched {
  const nobody = (): never => {
    throw new Error("not asked here");
  };
  const watch = new FrontendWatch(() => made.nowMs);
  const targets = (): Promise<[]> => {
    made.nowMs += 30;
    return made.answer === "list" ? Promise.resolve([]) : Promise.reject(made.answer);
  };
  const bare = { topN: nobody, trend: nobody, targets, snapshots: nobody, deltas: nobody, close: () => {} };
  const made: Watched = {
    watch,
    client: watch.client(bare, true),
    answer: "list",
    nowMs: 0,
    page: (path) => pageAt(watch.pages(() => STATE), path)!.body,
  };
  return made;
}

Deno.test("requests are counted by status and timed, whoever made the response", async () => {
  const made = watched(),
    handler = made.watch.handler((request) => {
      made.nowMs += 200;
      return Promise.resolve(new Response("", { status: request.url.endsWith("/a") ? 200 : 404 }));
    });
  for (const path of ["/a", "/b", "/a"]) await handler(new Request(`http://x${path}`), "::1");
  for (
    const line of [
      'logtail_frontend_requests_total{status="200"} 2',
      'logtail_frontend_requests_total{status="404"} 1',
      'logtail_frontend_request_duration_seconds_bucket{le="0.1"} 0',
      'logtail_frontend_request_duration_seconds_bucket{le="0.25"} 3',
      "logtail_frontend_requests_waiting 0",
    ]
  ) assertStringIncludes(made.page("/metrics"), `\n${line}\n`);
});

Deno.test("it is ready while its target answers; what a target did not answer is counted by why", async () => {
  const made = watched();
  assertEquals(made.page("/readyz"), "the target has not been asked yet\n");
  await made.watch.look(made.client);
  assertEquals(made.page("/readyz"), "ok\n");
  made.answer = new RemoteError("unreachable", "Cannot reach a:1: refused");
  await assertRejects(() => made.client.targets(1), RemoteError);
  assertEquals(made.page("/readyz"), "Cannot reach a:1: refused\n");
  for (
    const line of [
      'logtail_frontend_questions_total{question="targets",outcome="ok"} 1',
      'logtail_frontend_questions_total{question="targets",outcome="unreachable"} 1',
      'logtail_frontend_questions_total{question="topn",outcome="timeout"} 0',
      'logtail_frontend_question_duration_seconds_count{question="targets"} 2',
      "logtail_frontend_target_up 0",
    ]
  ) assertStringIncludes(made.page("/metrics"), `\n${line}\n`);
  made.answer = new RemoteError("invalid", "what?");
  await made.watch.look(made.client);
  assertEquals(made.page("/readyz"), "ok\n", "a target that does not understand is there");
});
