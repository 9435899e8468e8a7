/** Bytes that a terminal sends, as keys. */

/** A printable character stands for itself; the others have names. */
export type Key =
  | { readonly name: "text"; readonly text: string }
  | {
    readonly name:
      | "up"
      | "down"
      | "left"
      | "right"
      | "page_up"
      | "page_down"
      | "home"
      | "end"
      | "enter"
      | "backspace"
      | "escape"
      | "tab"
      | "back_tab"
      | "interrupt"
      | "redraw";
  };

const ESC = "\x1b";

/** What follows ESC [ or ESC O (xterm, and tmux and screen with it). */
const SEQUENCES: Readonly<Record<string, Exclude<Key["name"], "text">>> = {
  A: "up",
  B: "down",
  C: "right",
  D: "left",
  H: "home",
  F: "end",
  Z: "back_tab",
  "1~": "home",
  "4~": "end",
  "5~": "page_up",
  "6~": "page_down",
  "7~": "home",
  "8~": "end",
};

const CONTROLS: Readonly<Record<string, Exclude<Key["name"], "text">>> = {
  "\r": "enter",
  "\n": "enter",
  "\t": "tab",
  "\x7f": "backspace",
  "\b": "backspace",
  "\x03": "interrupt",
  "\x04": "interrupt",
  "\x0c": "redraw",
};

/** A control sequence (ECMA-48) behind its ESC: parameters, then one final byte. */
const SEQUENCE = /^[\[O]([0-9;?]*)([@-~])/;

/**
 * The keys of a chunk as it was read. A lone ESC at its end is the Escape key: terminals send sequences in one piece.
 * What is none of these (other controls, unknown sequences) is left out.
 */
export function keysOf(bytes: Uint8Array): readonly Key[] {
  const keys: Key[] = [];
  let rest = new TextDecoder().decode(bytes);
  while (rest !== "") {
    const sequence = rest.startsWith(ESC) ? SEQUENCE.exec(rest.slice(ESC.length)) : null;
    if (sequence !== null) {
      const name = SEQUENCES[sequence[2] === "~" ? `${sequence[1].split(";")[0]}~` : sequence[2]];
      if (name !== undefined) keys.push({ name });
      rest = rest.slice(ESC.length + sequence[0].length);
      continue;
    }
    const character = String.fromCodePoint(rest.codePointAt(0)!);
    rest = rest.slice(character.length);
    if (character === ESC) keys.push({ name: "escape" });
    else if (Object.hasOwn(CONTROLS, character)) keys.push({ name: CONTROLS[character] });
    else if (!/[\p{Cc}\p{Cf}\ufffd]/u.test(character)) keys.push({ name: "text", text: character });
  }
  return keys;
}
