/** Standard output and standard error, written whole. */
import { OutputClosed } from "./endings.ts";

/**
 * Writes to standard output and returns when everything is written.
 *
 * @throws OutputClosed when nobody reads it any more
 */
export function writeOut(text: string): void {
  try {
    writeWhole(Deno.stdout, text);
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) throw new OutputClosed("standard output is closed");
    throw error;
  }
}

/** Writes to standard error. That nobody reads it is no reason to stop. */
export function writeErr(text: string): void {
  try {
    writeWhole(Deno.stderr, text);
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** Whether standard output is a terminal that wants colours (`NO_COLOR` is respected). */
export function outputIsStyled(): boolean {
  return Deno.stdout.isTerminal() && !Deno.noColor;
}

/** A pipe may take less than it is given. */
function writeWhole(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
}
