/** The numbers of the original program, byte by byte: its clients must keep working. */
import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { LIST_TARGETS, type Method, STREAM_SNAPSHOTS, TOP_N, TREND } from "./schema.ts";

Deno.test("calls have the original's paths", () => {
  const paths = [TOP_N, TREND, STREAM_SNAPSHOTS, LIST_TARGETS].map(({ path }) => path);
  assertEquals(
    paths,
    ["TopN", "Trend", "StreamSnapshots", "ListTargets"].map((name) => `/logtail.LogtailService/${name}`),
  );
});

Deno.test("a TopNRequest of the original is read as it was meant", () => {
  const filter = [
    ...text(1, "a"),
    ...text(2, "b"),
    ...text(3, "c"),
    ...number(4, 200), // two bytes: 0xc8 0x01
    ...number(5, 3),
    ...text(6, "d"),
    ...text(7, "e"),
    ...number(8, 1),
  ];
  const { filter: read, ...rest } = request(TOP_N, [
    ...message(1, filter),
    ...number(2, 2),
    ...number(3, 25),
    ...number(4, 5),
  ]);
  assertEquals(rest, { group_by: 2, n: 25, window: 5, expression: "", group_by_name: "", sort: "", detail: false });
  assertEquals([read?.website, read?.client_prefix, read?.http_request_uri, read?.http_response], ["a", "b", "c", 200]);
  assertEquals([read?.status_op, read?.website_regex, read?.uri_regex, read?.tor], [3, "d", "e", 1]);
});

Deno.test("a TrendRequest of the original is read as it was meant", () => {
  const { filter, window } = request(TREND, [...message(1, text(1, "a")), ...number(2, 4)]);
  assertEquals([filter?.website, window], ["a", 4]);
});

Deno.test("a condition that is absent is not a condition on emptiness", () => {
  const { filter } = request(TREND, message(1, []));
  assertEquals([filter?.website, filter?.http_response], [undefined, undefined]);
});

Deno.test("answers of the original are read as they were meant", () => {
  const entry = [...text(1, "x"), ...number(2, 7)];
  const top = response(TOP_N, [...message(1, entry), ...text(2, "s")]);
  assertEquals([top.source, top.entries[0].label, top.entries[0].count, top.coverage], ["s", "x", 7, null]);
  const trend = response(TREND, [...message(1, [...number(1, 60), ...number(2, 9)]), ...text(2, "s")]);
  assertEquals(trend.points, [{ timestamp_unix: 60, count: 9, missing: false, incomplete: false, by_status: [] }]);
  const snapshot = response(STREAM_SNAPSHOTS, [
    ...text(1, "s"),
    ...number(2, 60),
    ...message(3, entry),
    ...number(4, 1),
  ]);
  assertEquals([snapshot.source, snapshot.timestamp, snapshot.is_coarse, snapshot.entries[0].count], [
    "s",
    60,
    true,
    7,
  ]);
  const targets = response(LIST_TARGETS, message(1, [...text(1, "n"), ...text(2, "a:1")])).targets;
  assertEquals([targets[0].name, targets[0].addr, targets[0].state], ["n", "a:1", 0]);
});

Deno.test("what we send, the original finds under its own numbers", () => {
  const values = { count: 5, count_max: 6, bytes: 1 };
  const bytes = TOP_N.responseSerialize({
    entries: [{ label: "x", ...values }],
    source: "s",
    from: 1,
    to: 2,
    total: null,
    other: null,
    coverage: null,
    unlisted_max: 3,
    total_max: 7,
  });
  const entry = [...text(1, "x"), ...number(2, 5), ...number(100, 6), ...number(101, 1)];
  assertEquals([...bytes], [
    ...message(1, entry),
    ...text(2, "s"),
    ...number(100, 1),
    ...number(101, 2),
    ...number(105, 3),
    ...number(106, 7),
  ]);
});

/** https://protobuf.dev/programming-guides/encoding/ */
function varint(value: number): number[] {
  return value < 128 ? [value] : [value % 128 + 128, ...varint(Math.floor(value / 128))];
}

function number(field: number, value: number): number[] {
  return [...varint(field * 8), ...varint(value)];
}

function message(field: number, bytes: readonly number[]): number[] {
  return [...varint(field * 8 + 2), ...varint(bytes.length), ...bytes];
}

function text(field: number, value: string): number[] {
  return message(field, [...new TextEncoder().encode(value)]);
}

function request<Request, Response>(method: Method<Request, Response>, bytes: readonly number[]): Request {
  return method.requestDeserialize(Buffer.from(bytes));
}

function response<Request, Response>(method: Method<Request, Response>, bytes: readonly number[]): Response {
  return method.responseDeserialize(Buffer.from(bytes));
}
