/**
 * Loaded before a collector: its disk fails as long as there is a file `STATE-DIR.fails`, which says how: `ENOSPC` when
 * writing, `EIO` when making durable. The errors are as the runtime has them.
 */
const MESSAGES: Readonly<Record<string, string>> = {
  ENOSPC: "No space left on device (os error 28)",
  EIO: "Input/output error (os error 5)",
};

const { write, syncData } = Deno.FsFile.prototype;

Deno.FsFile.prototype.write = async function (this: Deno.FsFile, bytes: Uint8Array): Promise<number> {
  // Some of it still fits.
  if (failure() === "ENOSPC" && await write.call(this, bytes.subarray(0, bytes.length >> 1)) >= 0) fail("ENOSPC");
  return await write.call(this, bytes);
};

Deno.FsFile.prototype.syncData = async function (this: Deno.FsFile): Promise<void> {
  if (failure() === "EIO") fail("EIO");
  await syncData.call(this);
};

function failure(): string | undefined {
  const directory = Deno.args.find((arg) => arg.startsWith("--state-dir="))!.slice("--state-dir=".length);
  try {
    return Deno.readTextFileSync(`${directory}.fails`);
  } catch {
    return undefined;
  }
}

function fail(code: string): never {
  throw Object.assign(new Error(MESSAGES[code]), { code });
}
