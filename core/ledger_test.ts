import { assertEquals } from "@std/assert";
import {
  addLedger,
  COUNTED,
  emptyLedger,
  FUTURE,
  KERNEL_DROP_REPORTS,
  KERNEL_DROPS,
  kernelDrops,
  LEDGER_COUNT,
  LEDGER_REASONS,
  ledgerGap,
  LINE_REASON_COUNT,
  LOGS_CUT,
  READ,
  reportKernelDrops,
  UNREAD_BYTES,
} from "./ledger.ts";

Deno.test("every place in a ledger has its own name and index", () => {
  assertEquals([LEDGER_REASONS[READ], LEDGER_REASONS[FUTURE]], ["read", "future"]);
  assertEquals([LEDGER_REASONS[KERNEL_DROPS], LEDGER_REASONS[KERNEL_DROP_REPORTS]], [
    "kernel_drops",
    "kernel_drop_reports",
  ]);
  assertEquals([new Set(LEDGER_REASONS).size, LINE_REASON_COUNT], [LEDGER_COUNT, KERNEL_DROPS]);
});

Deno.test("what the kernel dropped is unknown until it has told, and 0 is then a number", () => {
  const ledger = emptyLedger();
  assertEquals(kernelDrops(ledger), null);
  reportKernelDrops(ledger, 0);
  assertEquals(kernelDrops(ledger), 0);
  reportKernelDrops(ledger, 17);
  assertEquals(kernelDrops(ledger), 17);
});

Deno.test("what is unknown adds nothing to what is known, in either order", () => {
  const known = emptyLedger(), sum = emptyLedger();
  reportKernelDrops(known, 5);
  addLedger(sum, emptyLedger());
  assertEquals(kernelDrops(sum), null);
  addLedger(sum, known);
  addLedger(sum, emptyLedger());
  addLedger(sum, known);
  assertEquals(kernelDrops(sum), 10);
});

Deno.test("dropped datagrams are no lines: read is counted plus the reasons, whatever was dropped", () => {
  const ledger = emptyLedger();
  ledger[READ] = 10;
  ledger[COUNTED] = 9;
  ledger[FUTURE] = 1;
  reportKernelDrops(ledger, 100);
  assertEquals(ledgerGap(ledger), 0);
  ledger[READ]++;
  assertEquals(ledgerGap(ledger), 1);
});

Deno.test("what may be lost with a log is no line either, whatever it adds up to", () => {
  const ledger = emptyLedger(), sum = emptyLedger();
  ledger[LOGS_CUT] = 2;
  ledger[UNREAD_BYTES] = 1000;
  for (let time = 0; time < 2; time++) addLedger(sum, ledger);
  assertEquals([sum[LOGS_CUT], sum[UNREAD_BYTES], ledgerGap(sum)], [4, 2000, 0]);
});
