/** Standard output and standard error, written whole. */
import { MachineRefusal, OutputClosed } from "./endings.ts";

/** What is written to; takes at least one byte, perhaps not all. */
export interface OutputStream {
  writeSync(bytes: Uint8Array): number;
}

/**
 * Writes to standard output and returns when everything is written.
 *
 * @throws OutputClosed when nobody reads it any more; MachineRefusal when it cannot be written, as to a full disk
 */
export function writeOut(text: string, stream: OutputStream = Deno.stdout): void {
  try {
    writeWhole(stream, text);
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) throw new OutputClosed("standard output is closed");
    const why = error instanceof Error ? error.message : String(error);
    throw new MachineRefusal(`Cannot write to standard output: ${why}; send it to where there is room`);
  }
}

/** Writes to standard error. That nobody reads it, or that it cannot be written, is no reason to stop. */
export function writeErr(text: string, stream: OutputStream = Deno.stderr): void {
  try {
    writeWhole(stream, text);
  } catch {
    // There is nowhere left to say so.
  }
}

/** Whether standard output is a terminal that wants colours (`NO_COLOR` is respected). */
export function outputIsStyled(): boolean {
  return Deno.stdout.isTerminal() && !Deno.noColor;
}

/** A pipe may take less than it is given. */
function writeWhole(stream: OutputStream, text: string): void {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
}
