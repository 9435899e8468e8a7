/**
 * The whole terminal as one screen, for as long as a program needs it: keys come in raw, the former contents come back
 * at the end, whatever ends it.
 */
import { MachineRefusal } from "./endings.ts";
import { writeOut } from "./output.ts";

export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

export interface Screen {
  /** Whether colours are wanted (`NO_COLOR`); bold and reverse are always there. */
  readonly coloured: boolean;
  size(): ScreenSize;
  /** Replaces what is shown by these lines, one a row; none may be wider than the screen. */
  draw(lines: readonly string[]): void;
  /** Bytes as typed, in chunks; ends when nobody can type any more. */
  keys(): AsyncIterable<Uint8Array>;
  /** Calls `handler` whenever the size has changed. */
  onResize(handler: () => void): void;
  /** Gives the terminal back as it was. A second call does nothing. */
  close(): void;
}

/** Alternate screen, cursor hidden, lines not wrapped; and all of it undone. */
const ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J", LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l\x1b[0m";

/** Bytes of keys read at once. */
const KEY_BYTES = 1024;

/** When a terminal does not say how large it is. */
const USUAL: ScreenSize = { columns: 80, rows: 24 };

/**
 * Takes the terminal. Throws MachineRefusal when standard input or output is none.
 *
 * @param encoded what a text is written as, see plain_terminal.ts
 */
export function openScreen(encoded: (text: string) => string): Screen {
  if (!Deno.stdin.isTerminal() || !Deno.stdout.isTerminal()) {
    throw new MachineRefusal("Cannot show a screen: standard input or output is no terminal; use topn or stream");
  }
  let open = true;
  const resized: (() => void)[] = [];
  const close = (): void => {
    if (!open) return;
    open = false;
    globalThis.removeEventListener("unload", close);
    Deno.removeSignalListener("SIGWINCH", onWindow);
    Deno.removeSignalListener("SIGCONT", onContinue);
    try {
      Deno.stdin.setRaw(false);
      writeOut(LEAVE);
    } catch {
      // The terminal is gone: there is nothing to give back.
    }
  };
  const onWindow = (): void => resized.forEach((handler) => handler());
  const onContinue = (): void => {
    enter();
    onWindow();
  };
  globalThis.addEventListener("unload", close); // also when a bug ends the program
  Deno.addSignalListener("SIGWINCH", onWindow);
  Deno.addSignalListener("SIGCONT", onContinue);
  enter();
  return {
    coloured: !Deno.noColor,
    size: terminalSize,
    draw: (lines) => writeOut(encoded(`\x1b[H${lines.map((line) => `${line}\x1b[0m\x1b[K`).join("\r\n")}\x1b[J`)),
    keys: typed,
    onResize: (handler) => void resized.push(handler),
    close,
  };
}

function enter(): void {
  Deno.stdin.setRaw(true);
  writeOut(ENTER);
}

function terminalSize(): ScreenSize {
  try {
    const { columns, rows } = Deno.consoleSize();
    return columns > 0 && rows > 0 ? { columns, rows } : USUAL;
  } catch {
    return USUAL;
  }
}

async function* typed(): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(KEY_BYTES);
  for (;;) {
    const bytes = await Deno.stdin.read(buffer);
    if (bytes === null) return;
    yield buffer.slice(0, bytes);
  }
}
