import { assertEquals } from "@std/assert";
import { GAP_NOTICE_SECONDS } from "@/core/bounds.ts";
import { simulatedClock } from "@/core/host/clock.ts";
import { SourceNotice } from "./source_notice.ts";

Deno.test("buckets add up with why the last of them, for as long as it is shown, and then begin anew", () => {
  const clock = simulatedClock(), notice = new SourceNotice("missing", () => clock.monotonicMs());
  assertEquals(notice.text(), "");
  notice.add(1, "it was forgotten");
  assertEquals(notice.text(), "1 bucket is missing: it was forgotten");
  clock.advanceMs(1000 * GAP_NOTICE_SECONDS - 1);
  notice.add(4, "too slow");
  clock.advanceMs(1000 * GAP_NOTICE_SECONDS - 1);
  assertEquals(notice.text(), "5 buckets are missing: too slow");
  clock.advanceMs(1);
  assertEquals(notice.text(), "");
  notice.add(2, "too slow");
  assertEquals(notice.text(), "2 buckets are missing: too slow");
});
