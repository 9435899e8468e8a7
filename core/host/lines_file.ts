/** Lists in files: one entry a line, `#` begins a comment. Logs of a collector, collectors of an aggregator. */
import { MachineRefusal } from "./endings.ts";
import { readTextFile } from "./text_file.ts";

/** Reads a list. Throws MachineRefusal, naming the flag, when the file cannot be read. */
export function readLinesFile(flag: string, path: string): string[] {
  const text = readTextFile(path);
  if (typeof text !== "string") throw new MachineRefusal(`Cannot read ${flag} ${path}: ${text.reason}; ${text.remedy}`);
  return parseLines(text);
}

/** The entries of a list, in order. */
export function parseLines(text: string): string[] {
  return text.split("\n").map((line) => line.replace(/(^|\s)#.*/, "").trim()).filter((line) => line !== "");
}
