/**
 * The bytes of a text entry as text that people read and filter by, and back.
 *
 * Bytes that are valid UTF-8 read as what they are, control characters included: the page and the CLI escape for their
 * own medium. A byte that is not valid UTF-8 reads as `\xhh` in lower case. nginx itself writes `\xHH` in *upper*
 * case for bytes it escapes; that is ordinary text here and stays as logged, so the two do not meet. Only where
 * logged text looks like one of ours (`\xc3`, as Apache writes, or `\x5c`) is its backslash written `\x5c`, so that
 * every byte string has a text of its own and `textBytes(bytesText(x)) = x` for any bytes.
 */

const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });
const ENCODER = new TextEncoder();

/** `\x5c`, or `\x` and a byte that UTF-8 can refuse: what `bytesText` writes and `textBytes` reads back. */
const ESCAPE = /\\x(5c|[89a-f][0-9a-f])/g;

/** The text of any bytes. Cost: linear; the fast path is one call of the runtime's decoder. */
export function bytesText(bytes: Uint8Array): string {
  const text = DECODER.decode(bytes);
  const fast = !text.includes("\uFFFD") && !text.includes("\\x");
  return fast ? text : escapedText(bytes);
}

/**
 * The texts of many entries that lie one behind the other: text i is that of `bytes[offsets[i] … offsets[i + 1])`. Made at
 * once where each byte is one character, which is all but always so: an entry then costs a slice and no call of the
 * decoder, a third of the time.
 */
export function bytesTexts(bytes: Uint8Array, offsets: Uint32Array): (i: number) => string {
  const all = DECODER.decode(bytes);
  const each = (i: number): string => bytesText(bytes.subarray(offsets[i], offsets[i + 1]));
  // As long as the bytes: each is ASCII, or refused on its own.
  if (all.length !== bytes.length || all.includes("\uFFFD")) return each;
  const plain = !all.includes("\\x");
  return (i) => {
    const text = all.slice(offsets[i], offsets[i + 1]);
    return plain || !text.includes("\\x") ? text : each(i);
  };
}

/** The bytes whose text this is; undefined for a lone surrogate, which is no text. */
export function textBytes(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!text.isWellFormed()) return undefined;
  if (!text.includes("\\x")) return ENCODER.encode(text);
  const bytes = new Uint8Array(text.length * 3); // one UTF-16 unit is at most three bytes of UTF-8
  let length = 0, from = 0;
  for (const escape of text.matchAll(ESCAPE)) {
    length += ENCODER.encodeInto(text.slice(from, escape.index), bytes.subarray(length)).written;
    bytes[length++] = Number.parseInt(escape[1], 16);
    from = escape.index + escape[0].length;
  }
  length += ENCODER.encodeInto(text.slice(from), bytes.subarray(length)).written;
  return bytes.slice(0, length);
}

/** The slow path: valid stretches through the decoder, bytes between them as escapes. */
function escapedText(bytes: Uint8Array): string {
  let text = "", from = 0, at = 0;
  while (at < bytes.length) {
    const length = utf8Length(bytes, at);
    if (length > 0) {
      at += length;
      continue;
    }
    text += plainText(bytes.subarray(from, at)) + `\\x${bytes[at].toString(16)}`;
    from = ++at;
  }
  return text + plainText(bytes.subarray(from));
}

function plainText(bytes: Uint8Array): string {
  return DECODER.decode(bytes).replace(ESCAPE, "\\x5cx$1");
}

/** Length of the UTF-8 sequence at `at`, 0 when there is none (RFC 3629: no overlong forms, no surrogates). */
function utf8Length(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (at + length > bytes.length) return 0;
  for (let i = 1; i < length; i++) if ((bytes[at + i] & 0xc0) !== 0x80) return 0;
  const second = bytes[at + 1];
  if (first === 0xe0 && second < 0xa0) return 0;
  if (first === 0xed && second > 0x9f) return 0;
  if (first === 0xf0 && second < 0x90) return 0;
  if (first === 0xf4 && second > 0x8f) return 0;
  return length;
}
