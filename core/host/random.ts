/** Randomness of the machine: seeds for hashes, and names for instances. */

/** A seed for hashes: 32 random bits. New for every process; never travels, never persists. */
export function randomSeed(): number {
  return crypto.getRandomValues(new Int32Array(1))[0];
}

/** The name of a new instance of a source: 16 hexadecimal digits. */
export function randomInstance(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
