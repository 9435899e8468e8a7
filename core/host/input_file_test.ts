import { assertEquals, assertThrows } from "@std/assert";
import { isTrouble } from "./file_trouble.ts";
import { isGzip, STANDARD_INPUT, systemInputs } from "./input_file.ts";

const inputs = systemInputs();

/** A folder that goes when the test ends. */
class Folder implements Disposable {
  readonly path = Deno.makeTempDirSync({ prefix: "logtail-input-" });

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

Deno.test("a file has a size, is read from anywhere, and ends with nothing", () => {
  using folder = new Folder();
  const name = `${folder.path}/a.log`;
  Deno.writeTextFileSync(name, "0123456789");
  assertEquals(inputs.stat(name), { kind: "file", size: 10 });
  const file = inputs.open(name), into = new Uint8Array(4);
  if (isTrouble(file)) throw new Error(file.reason);
  file.seek(7);
  assertEquals([file.read(into), new TextDecoder().decode(into.subarray(0, 3)), file.read(into)], [3, "789", 0]);
  file.close();
});

Deno.test("what is not a file is told from one without opening it", () => {
  using folder = new Folder();
  assertEquals(inputs.stat(folder.path), { kind: "directory", size: 0 });
  assertEquals(inputs.stat(STANDARD_INPUT), { kind: "stream", size: 0 });
});

Deno.test("trouble is a value, and says what it is", () => {
  using folder = new Folder();
  for (const answer of [inputs.stat(`${folder.path}/nix`), inputs.open(`${folder.path}/nix`)]) {
    assertEquals(answer, { trouble: "missing", reason: "it does not exist" });
  }
});

Deno.test("reading a directory is trouble too", () => {
  using folder = new Folder();
  const opened = inputs.open(folder.path), answer = isTrouble(opened) ? opened : opened.read(new Uint8Array(1));
  assertEquals(isTrouble(answer), true);
  if (!isTrouble(opened)) opened.close();
});

Deno.test({
  name: "without read permission nothing is asked for, and the answer says what is missing",
  permissions: { read: false },
  fn: () => {
    for (const answer of [inputs.stat("/etc/hosts"), inputs.open("/etc/hosts")]) {
      assertEquals(isTrouble(answer) && answer.trouble, "not_granted");
    }
  },
});

Deno.test("standard input cannot be read from the middle", () => {
  const input = inputs.open(STANDARD_INPUT);
  if (isTrouble(input)) throw new Error(input.reason);
  assertThrows(() => input.seek(1), Error, "standard input");
  input.close();
});

Deno.test("gzip is told by its first two bytes", () => {
  assertEquals(
    [[0x1f, 0x8b, 8], [0x1f, 0x8b], [0x1f], [0x8b, 0x1f], []].map((bytes) => isGzip(Uint8Array.from(bytes))),
    [
      true,
      true,
      false,
      false,
      false,
    ],
  );
});
