import { assertEquals } from "@std/assert";
import { SealedCredit } from "./sealed_credit.ts";

Deno.test("credit is used up by what is posted, and comes back as the main thread takes it, oldest first", () => {
  const credit = new SealedCredit(100), left: boolean[] = [];
  for (const step of [60, 39, 500, "taken", "taken", "taken", "taken"] as const) {
    if (step === "taken") credit.taken();
    else credit.posted(step);
    left.push(credit.isLeft);
  }
  assertEquals(left, [true, true, false, false, false, true, true]);
});
