import { assertEquals, assertThrows } from "@std/assert";
import { ensureDirSync, exists, existsSync, expandGlobSync, walkSync } from "@std/fs";
import { expandGlobOver, globBase } from "./glob.ts";
import { isTrouble, systemFiles } from "./files.ts";

function withTree(body: (root: string) => void | Promise<void>): () => Promise<void> {
  return async () => {
    const root = Deno.makeTempDirSync();
    for (const path of ["a.log", "b.txt", ".hidden.log", "sub/c.log", "sub/deep/d.log"]) {
      ensureDirSync(`${root}/${path}`.replace(/\/[^/]*$/, ""));
      Deno.writeTextFileSync(`${root}/${path}`, path);
    }
    try {
      await body(root);
    } finally {
      Deno.chmodSync(`${root}/sub`, 0o700);
      Deno.removeSync(root, { recursive: true });
    }
  };
}

const below = (root: string, paths: Iterable<{ readonly path: string }>): readonly string[] =>
  [...paths].map(({ path }) => path.slice(root.length + 1));

Deno.test(
  "a glob matches level by level, sorted; hidden names only when asked for",
  withTree((root) => {
    assertEquals(below(root, expandGlobSync(`${root}/*.log`)), ["a.log"]);
    assertEquals(below(root, expandGlobSync(`${root}/.*.log`)), [".hidden.log"]);
    assertEquals(below(root, expandGlobSync(`${root}/*/*.log`)), ["sub/c.log"]);
    assertEquals(below(root, expandGlobSync(`${root}/**/*.log`)), ["a.log", "sub/c.log", "sub/deep/d.log"]);
    assertEquals(below(root, expandGlobSync("**/{b,c}.*", { root })), ["b.txt", "sub/c.log"]);
    assertEquals(below(root, expandGlobSync(`${root}/sub/*`, { includeDirs: false })), ["sub/c.log"]);
    assertEquals(below(root, expandGlobSync(`${root}/**/*.log`, { exclude: [`${root}/sub/**`] })), ["a.log"]);
    assertEquals(below(root, expandGlobSync(`${root}/none/*`)), []);
  }),
);

Deno.test(
  "a tree is walked parents first",
  withTree((root) => {
    assertEquals(below(root, walkSync(root, { exts: [".log"] })).toSorted(), [
      ".hidden.log",
      "a.log",
      "sub/c.log",
      "sub/deep/d.log",
    ]);
    assertEquals(below(root, walkSync(root, { maxDepth: 1, includeFiles: false })), ["", "sub"]);
    assertEquals(below(root, walkSync(`${root}/sub`, { skip: [/deep/], includeDirs: false })), ["sub/c.log"]);
  }),
);

Deno.test(
  "what exists exists, in both ways of asking",
  withTree(async (root) => {
    assertEquals([existsSync(`${root}/a.log`), existsSync(`${root}/none`)], [true, false]);
    assertEquals([await exists(`${root}/sub`), await exists(`${root}/none`)], [true, false]);
    ensureDirSync(`${root}/sub`);
  }),
);

Deno.test("a directory that cannot be read makes expandGlobSync throw, as in the standard library", () => {
  assertThrows(() => [...expandGlobSync("/not/granted/*.log")], Error, "/not/granted");
});

Deno.test(
  "Files.expandGlob names the directory that cannot be read and gives what the others hold",
  withTree((root) => {
    const { paths, refused } = systemFiles().expandGlob("/not/granted/*.log");
    assertEquals([paths, refused.map(({ directory }) => directory)], [[], ["/not/granted"]]);
    assertEquals(systemFiles().expandGlob(`${root}/**/*.log`), {
      paths: ["a.log", "sub/c.log", "sub/deep/d.log"].map((path) => `${root}/${path}`),
      refused: [],
    });
  }),
);

Deno.test("one refused directory does not hide the others", () => {
  const file = { name: "a.log", isFile: true, isDirectory: false, isSymlink: false };
  const directory = (name: string): typeof file => ({ name, isFile: false, isDirectory: true, isSymlink: false });
  const listing: Record<string, readonly (typeof file)[] | string> = {
    "/logs": [directory("open"), directory("shut")],
    "/logs/open": [file],
    "/logs/shut": "permission denied",
  };
  const { matches, refused } = expandGlobOver("/logs/*/*.log", (path) => listing[path] ?? `asked for ${path}`);
  assertEquals(matches.map(({ path }) => path), ["/logs/open/a.log"]);
  assertEquals(refused, [{ directory: "/logs/shut", reason: "permission denied" }]);
});

Deno.test("the base of a glob is all it needs to read", () => {
  const patterns = ["/var/log/*.log", "/var/log/a.log", "/*/x", "a.log", "logs/**/x.log", "/a"];
  assertEquals(patterns.map(globBase), ["/var/log", "/var/log", "/", ".", "logs", "/"]);
});

Deno.test("the system's refusals come back as trouble, not as exceptions", () => {
  const files = systemFiles();
  const missing = files.openRead("/tmp/none/such");
  assertEquals(isTrouble(missing) && missing.trouble, "missing");
  const notGranted = files.stat("/not/granted");
  assertEquals(isTrouble(notGranted) && notGranted.trouble, "not_granted");
  assertEquals(files.list("/tmp/none"), []);
});
