/**
 * A stream of syslog over TCP cut into messages: RFC 6587, both ways at once, since relays mix them in one connection.
 *
 *   65 <190>Nov 20 …        octet-counted: as many bytes as the number says, whatever they are (section 3.4.1)
 *   <190>Nov 20 …\n         framed by newlines (section 3.4.2)
 *
 * Each frame says by its first bytes which it is: a number, a blank and `<` begin a counted one. A newline that a sender puts
 * behind a counted message, within the count (rsyslog) or after it, ends up nowhere. Linear in the bytes, however they are cut.
 */
import { LINE_BYTES_MAX } from "./bounds.ts";

/** Takes messages; done with the bytes when it returns. */
export interface FrameSink {
  /** One message in `bytes[start…end)`, at least one byte. */
  message(bytes: Uint8Array, start: number, end: number): void;
  /** A message of more than `bytesMax` bytes was skipped; called once for it. */
  tooLong(): void;
}

/** Digits of a count: more are no count. */
const COUNT_DIGITS_MAX = 9;

/** Bytes of the room for an unfinished message that is kept between messages. */
const KEPT_BYTES_MAX = 4096;

type Mode = "start" | "line" | "octets" | "skip line" | "skip octets";

export class SyslogFrames {
  #mode: Mode = "start";
  /** Of an octet-counted frame: bytes that are still to come. */
  #missing = 0;
  /** Of what may become a count: digits, whether the blank was there, and the number. */
  #digits = 0;
  #blank = false;
  #count = 0;
  /** The unfinished message: `held[0…heldLength)`. */
  #held = new Uint8Array(0);
  #heldLength = 0;

  /** @param bytesMax bytes of the longest message; a longer one is skipped. */
  constructor(readonly bytesMax = LINE_BYTES_MAX) {}

  /** Bytes of memory that the unfinished message takes. */
  get heldBytes(): number {
    return this.#held.length;
  }

  /** Whether a message has begun and not ended. */
  get isUnfinished(): boolean {
    return this.#mode !== "start" || this.#digits > 0;
  }

  /** Whether there is a beginning of a message that would be lost now; not one that is skipped. */
  get isHolding(): boolean {
    return this.#mode === "octets" || this.#heldLength > 0;
  }

  /** Takes what came next. */
  push(bytes: Uint8Array, sink: FrameSink): void {
    for (let at = 0; at < bytes.length;) at = this.#step(bytes, at, sink);
  }

  /**
   * The stream has ended. A line without its newline is a message, as most receivers have it; true when an octet-counted one was cut.
   */
  finish(sink: FrameSink): boolean {
    if (this.#mode === "octets") return true;
    if (this.#heldLength > 0) this.#emit(sink);
    return false;
  }

  #step(bytes: Uint8Array, at: number, sink: FrameSink): number {
    switch (this.#mode) {
      case "start":
        return this.#begin(bytes, at, sink);
      case "line":
        return this.#takeLine(bytes, at, sink);
      case "octets":
        return this.#takeOctets(bytes, at, sink);
      case "skip line": {
        const newline = bytes.indexOf(LF, at);
        if (newline < 0) return bytes.length;
        this.#mode = "start";
        return newline + 1;
      }
      case "skip octets": {
        const skipped = Math.min(this.#missing, bytes.length - at);
        this.#missing -= skipped;
        if (this.#missing === 0) this.#mode = "start";
        return at + skipped;
      }
    }
  }

  /** Looks at one byte between two frames, or within what may be a count. */
  #begin(bytes: Uint8Array, at: number, sink: FrameSink): number {
    const byte = bytes[at];
    if (this.#digits === 0 && (byte === LF || byte === 0)) return at + 1;
    if (this.#blank && byte === LESS) return this.#beginOctets(at, sink);
    const isDigit = byte <= NINE && byte >= (this.#digits === 0 ? ONE : ZERO);
    const isCount = !this.#blank && (isDigit ? this.#digits < COUNT_DIGITS_MAX : byte === SPACE && this.#digits > 0);
    if (!isCount) {
      this.#endCount();
      this.#mode = "line"; // what was held is its beginning
      return at;
    }
    if (isDigit) {
      this.#digits++;
      this.#count = 10 * this.#count + byte - ZERO;
    } else this.#blank = true;
    this.#hold(bytes, at, at + 1);
    return at + 1;
  }

  #beginOctets(at: number, sink: FrameSink): number {
    this.#missing = this.#count;
    this.#endCount();
    this.#heldLength = 0;
    this.#mode = this.#missing > this.bytesMax ? "skip octets" : "octets";
    if (this.#mode === "skip octets") sink.tooLong();
    return at;
  }

  #endCount(): void {
    this.#digits = this.#count = 0;
    this.#blank = false;
  }

  #takeLine(bytes: Uint8Array, at: number, sink: FrameSink): number {
    const newline = bytes.indexOf(LF, at), end = newline < 0 ? bytes.length : newline;
    if (this.#heldLength + end - at > this.bytesMax) {
      this.#release();
      this.#mode = "skip line";
      sink.tooLong();
      return end;
    }
    if (newline < 0) {
      this.#hold(bytes, at, end);
      return end;
    }
    this.#end(bytes, at, end, sink);
    return newline + 1;
  }

  #takeOctets(bytes: Uint8Array, at: number, sink: FrameSink): number {
    const end = Math.min(bytes.length, at + this.#missing);
    this.#missing -= end - at;
    if (this.#missing > 0) this.#hold(bytes, at, end);
    else this.#end(bytes, at, end, sink);
    return end;
  }

  /** The message ends with `bytes[at…end)`. */
  #end(bytes: Uint8Array, at: number, end: number, sink: FrameSink): void {
    this.#mode = "start";
    if (this.#heldLength === 0) {
      if (end > at) sink.message(bytes, at, end);
      return;
    }
    this.#hold(bytes, at, end);
    this.#emit(sink);
  }

  #emit(sink: FrameSink): void {
    sink.message(this.#held, 0, this.#heldLength);
    this.#release();
  }

  #hold(bytes: Uint8Array, from: number, to: number): void {
    const length = this.#heldLength + to - from;
    if (length > this.#held.length) {
      const grown = new Uint8Array(Math.max(length, Math.min(this.bytesMax, Math.max(256, 2 * this.#held.length))));
      grown.set(this.#held.subarray(0, this.#heldLength));
      this.#held = grown;
    }
    this.#held.set(bytes.subarray(from, to), this.#heldLength);
    this.#heldLength = length;
  }

  #release(): void {
    this.#heldLength = 0;
    this.#mode = "start";
    this.#endCount();
    if (this.#held.length > KEPT_BYTES_MAX) this.#held = new Uint8Array(0);
  }
}

const LF = 0x0a, SPACE = 0x20, ZERO = 0x30, ONE = 0x31, NINE = 0x39, LESS = 0x3c;
