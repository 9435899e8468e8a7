/**
 * A file that is read again and again from its start, such as a table that the kernel writes anew each time. Standard input can
 * be one: what the runtime refuses to open for us, whoever starts us may hand in (`</proc/net/udp6`, `StandardInput=file:…`).
 */
import { closeSync, openSync, readSync } from "node:fs";
import { type FileTrouble, troubleOf } from "./file_trouble.ts";

/** Bytes read of it: 8000 sockets. What follows is left out. */
const FILE_BYTES_MAX = 1024 * 1024;

/** The whole text. @param path `-` for standard input. */
export function rereadFile(path: string): string | FileTrouble {
  try {
    if (path === "-") return readWhole(0);
    const handle = openSync(path, "r");
    try {
      return readWhole(handle);
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    return troubleOf(error);
  }
}

function readWhole(handle: number): string {
  const buffer = new Uint8Array(64 * 1024), decoder = new TextDecoder();
  let text = "";
  for (let position = 0; position < FILE_BYTES_MAX;) {
    const count = readSync(handle, buffer, 0, buffer.length, position);
    if (count === 0) break;
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
    position += count;
  }
  return text;
}
