import fc from "fast-check";
import { assert, assertEquals } from "@std/assert";
import { LINE_BYTES_MAX, SOCKET_BATCH_MESSAGES_MAX, SOCKET_BATCHES_MAX } from "@/core/bounds.ts";
import type { SocketBatch, ToReceiver } from "./socket_batch.ts";
import { type BatchPort, SocketOutbox } from "./socket_outbox.ts";

const encoder = new TextEncoder();

/** A counting thread that takes batches when it is told to. */
class Taker implements BatchPort {
  onmessage: ((event: MessageEvent<ToReceiver>) => void) | null = null;
  readonly batches: SocketBatch[] = [];
  closed = false;
  texts: string[] = [];
  lost = 0;
  packets = 0;
  tooLong = 0;

  postMessage(message: SocketBatch): void {
    assert(!this.closed);
    this.batches.push(message);
  }

  close(): void {
    this.closed = true;
  }

  /** Takes so many batches and gives their memory back. */
  take(count = Infinity): void {
    for (; count > 0 && this.batches.length > 0; count--) {
      const { bytes, ends, messages, length, packets, tooLong, lost } = this.batches.shift()!;
      const places = new Int32Array(ends, 0, messages);
      assertEquals(length, messages === 0 ? 0 : places[messages - 1]);
      places.forEach((end, m) => {
        this.texts.push(
          new TextDecoder().decode(new Uint8Array(bytes, places[m - 1] ?? 0, end - (places[m - 1] ?? 0))),
        );
      });
      this.lost += lost;
      this.packets += packets;
      this.tooLong += tooLong;
      this.say({ kind: "taken", bytes, ends });
    }
  }

  say(data: ToReceiver): void {
    this.onmessage?.({ data } as MessageEvent<ToReceiver>);
  }
}

interface Fixture {
  readonly outbox: SocketOutbox;
  readonly taker: Taker;
  /** Lets time pass until what waits for more is handed over. */
  readonly wait: () => void;
}

function fixture(): Fixture {
  const timers: (() => void)[] = [];
  const outbox = new SocketOutbox((callback) => void timers.push(callback)), taker = new Taker();
  outbox.attach(taker);
  return { outbox, taker, wait: () => timers.splice(0).forEach((callback) => callback()) };
}

function add(outbox: SocketOutbox, text: string): void {
  const bytes = encoder.encode(`>${text}<`); // taken from the middle
  outbox.message(bytes, 1, bytes.length - 1);
}

Deno.test("messages are handed over together, after a moment, each with a newline at its end", () => {
  const { outbox, taker, wait } = fixture();
  ["one", "two\n", "a\nb"].forEach((text) => add(outbox, text));
  outbox.packet();
  outbox.tooLong();
  assertEquals(taker.batches.length, 0);
  wait();
  assertEquals(taker.batches.length, 1);
  taker.take();
  assertEquals([taker.texts, taker.packets, taker.tooLong], [["one\n", "two\n", "a\nb\n"], 1, 1]);
  wait();
  assertEquals(taker.batches.length, 0, "nothing is handed over when nothing came");
});

Deno.test("a batch that is full is handed over at once: by messages, or when the longest would not fit", () => {
  const { outbox, taker } = fixture();
  for (let m = 0; m <= SOCKET_BATCH_MESSAGES_MAX; m++) add(outbox, `${m}`);
  assertEquals(taker.batches.map(({ messages }) => messages), [SOCKET_BATCH_MESSAGES_MAX]);
  taker.take();
  const longest = new Uint8Array(LINE_BYTES_MAX).fill(0x61);
  for (let m = 0; m < 3; m++) outbox.message(longest, 0, longest.length);
  taker.take();
  // The third waits for a fourth.
  assertEquals(taker.texts.slice(SOCKET_BATCH_MESSAGES_MAX).map(({ length }) => length), [
    ...[`${SOCKET_BATCH_MESSAGES_MAX}\n`.length, LINE_BYTES_MAX + 1, LINE_BYTES_MAX + 1],
  ]);
});

Deno.test("when all memory is on its way there is no room, until some comes back", async () => {
  const { outbox, taker } = fixture();
  let added = 0;
  while (outbox.hasRoom) add(outbox, `${added++}`);
  assertEquals(added, SOCKET_BATCHES_MAX * SOCKET_BATCH_MESSAGES_MAX);
  let room = false;
  const waiting = outbox.room().then(() => room = true);
  await Promise.resolve();
  assertEquals(room, false);
  taker.take(1);
  await waiting;
  assertEquals([room, outbox.hasRoom], [true, true]);
  const emptied = outbox.emptied();
  taker.take();
  await emptied;
  assertEquals(taker.texts.length, added);
});

Deno.test("while two batches are on their way, a third grows instead of going half full", () => {
  const { outbox, taker, wait } = fixture();
  for (let m = 0; m < 5; m++) {
    add(outbox, `${m}`);
    wait();
  }
  assertEquals(taker.batches.map(({ messages }) => messages), [1, 1]);
  taker.take();
  wait();
  assertEquals(taker.batches.map(({ messages }) => messages), [3]);
});

Deno.test("held, nothing more is handed over and nothing is lost; another thread gets it in order", async () => {
  const { outbox, taker, wait } = fixture(), other = new Taker();
  add(outbox, "one");
  wait();
  const held = outbox.hold();
  add(outbox, "two");
  wait();
  assertEquals(taker.batches.length, 1);
  taker.take();
  taker.say({ kind: "sealed", units: 1 });
  await held;
  outbox.attach(other);
  add(outbox, "three");
  wait();
  other.take();
  assertEquals([taker.texts, other.texts, other.lost], [["one\n"], ["two\n", "three\n"], 0]);
});

Deno.test("when the counting thread dies, what it had not sealed is counted as lost, and no more than that", () => {
  const { outbox, taker, wait } = fixture();
  for (const text of ["one", "two", "three", "four"]) {
    add(outbox, text);
    wait();
    if (text !== "four") taker.take();
  }
  outbox.tooLong();
  taker.say({ kind: "sealed", units: 2 }); // "three" was counted and not sealed, "four" was on its way
  const other = new Taker();
  outbox.attach(other);
  taker.say({ kind: "sealed", units: 4 }); // too late
  wait();
  other.take();
  assertEquals([other.texts, other.lost, other.tooLong], [[], 2, 1]);
  const third = new Taker();
  outbox.attach(third);
  wait();
  third.take();
  assertEquals(third.lost, 3, "nothing of that was sealed either");
});

Deno.test("a thread that ends in good order has sealed what it had taken, whether it could still say so or not", () => {
  const { outbox, taker, wait } = fixture(), other = new Taker();
  for (const text of ["one", "two", "three"]) {
    add(outbox, text);
    wait();
    if (text === "one") taker.take();
  }
  outbox.attach(other, true); // "two" and "three" were on their way
  wait();
  other.take();
  assertEquals(other.lost, 2);
});

Deno.test("every message is handed over once, in order, whatever the counting thread does", () => {
  const action = fc.constantFrom("add", "add", "add", "wait", "take", "long", "many");
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const { outbox, taker, wait } = fixture(), added: string[] = [];
      const long = "x".repeat(LINE_BYTES_MAX / 2);
      for (const what of actions) {
        if (what === "wait") wait();
        else if (what === "take") taker.take(1);
        else {
          const count = what === "many" ? 1500 : 1;
          for (let i = 0; i < count && outbox.hasRoom; i++) {
            const text = what === "long" ? `${added.length}${long}` : `${added.length}`;
            add(outbox, text);
            added.push(`${text}\n`);
          }
        }
      }
      void outbox.emptied();
      taker.take();
      assertEquals(taker.texts, added);
    }),
    { numRuns: 100 },
  );
});
