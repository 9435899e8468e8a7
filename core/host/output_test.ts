import { assertEquals, assertThrows } from "@std/assert";
import { MachineRefusal, OutputClosed } from "./endings.ts";
import { type OutputStream, writeErr, writeOut } from "./output.ts";

function failing(error: Error): OutputStream {
  return {
    writeSync: () => {
      throw error;
    },
  };
}

const FULL = new Error("No space left on device (os error 28)");

Deno.test("a stream that takes little at once gets everything", () => {
  let taken = "";
  const stream: OutputStream = {
    writeSync: (bytes) => {
      taken += new TextDecoder().decode(bytes.subarray(0, 3));
      return Math.min(3, bytes.length);
    },
  };
  writeOut("ten letters", stream);
  writeErr(", and more", stream);
  assertEquals(taken, "ten letters, and more");
});

Deno.test("a full disk is the machine's refusal, a reader that has left is none", () => {
  assertThrows(() => writeOut("x", failing(FULL)), MachineRefusal, "Cannot write to standard output: No space left");
  assertThrows(() => writeOut("x", failing(new Deno.errors.BrokenPipe("gone"))), OutputClosed);
});

Deno.test("what cannot be written to standard error stops nobody", () => {
  for (const error of [FULL, new Deno.errors.BrokenPipe("gone")]) writeErr("x", failing(error));
});
