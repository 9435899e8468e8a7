import fc from "fast-check";
import { assert, assertEquals } from "@std/assert";
import { dataElements, newSyslogMessage, parseSyslog, type Part } from "./syslog.ts";

const encoder = new TextEncoder(), decoder = new TextDecoder();
const message = newSyslogMessage();

/** The parts of a message as texts; those that are absent are left out. */
function parts(text: string): Record<string, string | number> {
  // Bytes around it that are not its own must not matter.
  const bytes = encoder.encode(`<9>${text}>1 `), start = 3, end = bytes.length - 3;
  parseSyslog(bytes, start, end, message);
  const found: Record<string, string | number> = { priority: 8 * message.facility + message.severity };
  for (const name of ["time", "host", "app", "processId", "messageId", "data", "message"] as const) {
    const part = decoder.decode(bytes.subarray(message[name].start, message[name].end));
    if (part !== "") found[name] = part;
  }
  return found;
}

const LINE = "www.example\t198.18.0.1\t1700000000.123\tGET\t/a b?q=1\t200\t612\t0.004";

Deno.test("what nginx sends, with and without its host", () => {
  const time = "Nov 21 11:05:27", app = "nginx";
  assertEquals(parts(`<190>${time} vm nginx: ${LINE}`), { priority: 190, time, host: "vm", app, message: LINE });
  assertEquals(parts(`<133>${time} web: ${LINE}`), { priority: 133, time, app: "web", message: LINE });
  // Without $host the line begins with a tab.
  assertEquals(parts(`<190>${time} nginx: \t1.2.3.4\tx`), { priority: 190, time, app, message: "\t1.2.3.4\tx" });
});

Deno.test("what logger sends, to a socket and over the network", () => {
  const app = "nginx", host = "vm", quality = '[timeQuality tzKnown="1" isSynced="0"]';
  const time = "2026-11-21T11:04:44.272745+00:00", short = "Nov 21 11:04:44";
  assertEquals(parts(`<13>${short} nginx: ${LINE}`), { priority: 13, time: short, app, message: LINE });
  assertEquals(parts(`<190>${short} vm nginx[17]: ${LINE}`), {
    ...{ priority: 190, time: short, host, app, processId: "17", message: LINE },
  });
  assertEquals(parts(`<13>1 ${time} vm nginx - - ${quality} ${LINE}`), {
    ...{ priority: 13, time, host, app, data: quality, message: LINE },
  });
  const data = `${quality}[a@32473 k="v\\"w"]`;
  assertEquals(parts(`<13>1 ${time} vm nginx - ID7 ${data} ${LINE}`), {
    ...{ priority: 13, time, host, app, messageId: "ID7", data, message: LINE },
  });
  assertEquals(parts(`<13>1 - - nginx - - - ${LINE}`), { priority: 13, app, message: LINE });
});

Deno.test("what rsyslog forwards in its three formats", () => {
  const priority = 190, host = "web1", app = "nginx", time = "2026-11-21T10:01:42+00:00";
  assertEquals(parts(`<190>Nov  2 10:01:42 web1 nginx: ${LINE}`), {
    ...{ priority, time: "Nov  2 10:01:42", host, app, message: LINE },
  });
  assertEquals(parts(`<190>${time} web1 nginx: \t${LINE}`), { priority, time, host, app, message: `\t${LINE}` });
  assertEquals(parts(`<190>1 ${time} web1 nginx - - -  ${LINE}\n`), { priority, time, host, app, message: LINE });
});

Deno.test("what syslog-ng sends", () => {
  const priority = 190, host = "localhost", app = "nginx", message = LINE;
  for (const time of ["Nov  2 10:01:42", "Nov 21 10:01:42.000"]) {
    assertEquals(parts(`<190>${time} localhost nginx: ${LINE}\n`), { priority, time, host, app, message });
  }
  const time = "2026-11-21T10:01:42+00:00";
  assertEquals(parts(`<190>1 ${time} localhost nginx - - - ${LINE}\n`), { priority, time, host, app, message });
});

Deno.test("the examples of RFC 3164, section 5.4", () => {
  const time = "Oct 11 22:14:15", failed = "'su root' failed for lonvick on /dev/pts/8";
  assertEquals(parts(`<34>${time} mymachine su: ${failed}`), {
    ...{ priority: 34, time, host: "mymachine", app: "su", message: failed },
  });
  assertEquals(parts("Use the BFG!"), { priority: 13, message: "Use the BFG!" });
  const sched = "%% It's time to make the do-nuts. %% Ingredients: Mix=OK, Jelly=OK #";
  assertEquals(parts(`<165>Aug 24 05:34:00 CST 1987 mymachine myproc[10]: ${sched}`), {
    // The RFC calls the year and the zone out of place, too.
    ...{ priority: 165, time: "Aug 24 05:34:00", host: "CST", message: `1987 mymachine myproc[10]: ${sched}` },
  });
  assertEquals(parts("<0>1990 Oct 22 10:52:01 TZ-6 scapegoat.dmz.example.org 10.1.2.3 sched[0]: That's All Folks!"), {
    priority: 0,
    message: "1990 Oct 22 10:52:01 TZ-6 scapegoat.dmz.example.org 10.1.2.3 sched[0]: That's All Folks!",
  });
});

Deno.test("the examples of RFC 5424, section 6.5", () => {
  const su = "'su root' failed for lonvick on /dev/pts/8", time = "2003-10-11T22:14:15.003Z";
  const host = "mymachine.example.com";
  assertEquals(parts(`<34>1 ${time} ${host} su - ID47 - \ufeff${su}`), {
    ...{ priority: 34, time, host, app: "su", messageId: "ID47", message: su },
  });
  const offset = "2003-08-24T05:14:15.000003-07:00";
  assertEquals(parts(`<165>1 ${offset} 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts.`), {
    ...{ priority: 165, time: offset, host: "192.0.2.1", app: "myproc", processId: "8710" },
    message: "%% It's time to make the do-nuts.",
  });
  const one = '[exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"]';
  const two = `${one}[examplePriority@32473 class="high"]`;
  const header = { priority: 165, time, host, app: "evntslog", messageId: "ID47" };
  assertEquals(parts(`<165>1 ${time} ${host} evntslog - ID47 ${one} \ufeffAn application event log entry...`), {
    ...{ ...header, data: one, message: "An application event log entry..." },
  });
  assertEquals(parts(`<165>1 ${time} ${host} evntslog - ID47 ${two}`), { ...header, data: two });
});

Deno.test("structured data is read with its escapes undone; what is not written as it should be is message", () => {
  const elements = (text: string): unknown => {
    const bytes = encoder.encode(`<165>1 - - - - - ${text} m`);
    parseSyslog(bytes, 0, bytes.length, message);
    return dataElements(bytes, message.data);
  };
  assertEquals(elements('[a@1 k="x\\"y\\\\z\\]" k="2"][b]'), [
    { id: "a@1", parameters: [["k", 'x"y\\z]'], ["k", "2"]] },
    { id: "b", parameters: [] },
  ]);
  assertEquals(elements("-"), []);
  for (const bad of ['[a k="x"', '[a k="x]"]', "[a k=x]", "[]", "[a b]", '[a k="x"]y', "-x", '[a =""]', '[a k="\\']) {
    assertEquals(parts(`<165>1 - - - - - ${bad} m`), { priority: 165, message: `${bad} m` }, bad);
  }
});

Deno.test("what is no header is message", () => {
  assertEquals(parts(LINE), { priority: 13, message: LINE });
  for (const bad of ["<>x", "<192>x", "<1234>x", "<1", "<", "<a>x", "< 1>x", "<-1>x"]) {
    assertEquals(parts(bad), { priority: 13, message: bad }, bad);
  }
  assertEquals(parts(""), { priority: 13 });
  assertEquals(parts("<0>"), { priority: 0 });
  assertEquals(parts(`<190>${LINE}`), { priority: 190, message: LINE }, "no time, no tag");
  assertEquals(parts("<190>nginx: x"), { priority: 190, app: "nginx", message: "x" });
  assertEquals(parts("<190>Nov 21 11:05:27 10.0.0.1:80 x"), {
    ...{ priority: 190, time: "Nov 21 11:05:27", host: "10.0.0.1:80", message: "x" },
  });
  assertEquals(parts("<190>Nov 21 11:05:27"), { priority: 190, time: "Nov 21 11:05:27" });
  assertEquals(parts("<190>Nov 21 11:05:2 x"), { priority: 190, message: "Nov 21 11:05:2 x" });
  assertEquals(parts("<190>2026-11-21T11:05 x"), { priority: 190, message: "2026-11-21T11:05 x" });
  assertEquals(parts("<190>1 2026-11-21T11:05:27Z h"), { priority: 190, message: "1 2026-11-21T11:05:27Z h" });
  const long = "h".repeat(300);
  assertEquals(parts(`<190>1 - ${long} a - - - x`).message, `1 - ${long} a - - - x`);
});

Deno.test("newlines and NULs at the end belong to no message, those within it do", () => {
  assertEquals(parts("<190>nginx: x\n"), { priority: 190, app: "nginx", message: "x" });
  assertEquals(parts("<190>nginx: x\n\0"), { priority: 190, app: "nginx", message: "x" });
  assertEquals(parts("<190>nginx: x\ny\n").message, "x\ny");
});

/** Bytes that look like syslog more often than chance would have it. */
const MESSAGE_LIKE = fc.array(
  fc.oneof(
    fc.constantFrom("<190>", "1 ", "- ", "Nov 21 11:05:27 ", "2026-11-21T11:05:27Z ", "web1 ", "nginx: ", "a[1]: "),
    fc.constantFrom("[", "]", '[a k="', '"', "\\", "=", " ", "\n", "\t", "\0", "\ufeff", "<", ">", ":"),
    fc.string({ maxLength: 8 }),
  ),
  { maxLength: 16 },
).map((pieces) => encoder.encode(pieces.join("")));

Deno.test("any bytes have a message that ends where they end, and nothing outside of them is looked at", () => {
  const other = newSyslogMessage();
  fc.assert(
    fc.property(fc.oneof(MESSAGE_LIKE, fc.uint8Array({ maxLength: 64 })), (bytes) => {
      parseSyslog(bytes, 0, bytes.length, message);
      for (const part of Object.values(message).filter((part): part is Part => typeof part === "object")) {
        assert(0 <= part.start && part.start <= part.end && part.end <= bytes.length);
      }
      assert(message.facility <= 23 && message.severity <= 7);
      dataElements(bytes, message.data);
      for (const around of ['<13>1 - "] ', "\n:0 "]) {
        const padded = encoder.encode(around + around), middle = around.length;
        const text = new Uint8Array([...padded.subarray(0, middle), ...bytes, ...padded.subarray(middle)]);
        parseSyslog(text, middle, middle + bytes.length, other);
        for (const name of ["time", "host", "app", "processId", "messageId", "data", "message"] as const) {
          const { start, end } = message[name];
          if (start === end) assertEquals(other[name].end - other[name].start, 0);
          else assertEquals(other[name], { start: start + middle, end: end + middle });
        }
      }
    }),
    { numRuns: 2000 },
  );
});

Deno.test("a message takes time in proportion to its length, whatever it holds", () => {
  const hostile = ['[a k="', "[", "[a]", '[a k="\\"', "\n", "<1>", " ", ":", "a["];
  for (const piece of hostile) {
    for (const header of ["<13>1 - - - - - ", "<13>Nov 21 11:05:27 ", "<13>", ""]) {
      const bytes = encoder.encode(header + piece.repeat(2_000_000 / piece.length));
      const began = performance.now();
      parseSyslog(bytes, 0, bytes.length, message);
      // A square of it would be hours; 20 ms is usual.
      assert(performance.now() - began < 2000, `${header}${piece}`);
    }
  }
});
