/** Random numbers from a seed: the same on every machine, so that a file of traffic can be made again byte for byte. */

/** Chris Doty-Humphrey's sfc32. */
export class Random {
  #a: number;
  #b: number;
  #c = 0x9e3779b9 | 0;
  #counter = 1;

  /** @param seed an integer; its low 32 bits and the next 21 count */
  constructor(seed: number) {
    this.#a = seed | 0;
    this.#b = Math.floor(seed / 4_294_967_296) | 0;
    for (let i = 0; i < 15; i++) this.bits(); // until the seed is in every bit of the state
  }

  /** 32 random bits, as a signed integer. */
  bits(): number {
    const sum = (this.#a + this.#b | 0) + this.#counter | 0;
    this.#counter = this.#counter + 1 | 0;
    this.#a = this.#b ^ this.#b >>> 9;
    this.#b = this.#c + (this.#c << 3) | 0;
    this.#c = (this.#c << 21 | this.#c >>> 11) + sum | 0;
    return sum;
  }

  /** In [0, 1). */
  unit(): number {
    return (this.bits() >>> 0) / 4_294_967_296;
  }

  /** A whole number below `n`, each as often. */
  below(n: number): number {
    return Math.floor(this.unit() * n);
  }

  /** A whole number below `n`; the k-th about as often as 1/k: Zipf's law. */
  zipf(n: number): number {
    return Math.min(n - 1, Math.floor(Math.exp(this.unit() * Math.log(n + 1))) - 1);
  }

  /** Exponentially distributed, at most 22 times the mean. */
  exponential(mean: number): number {
    return -Math.log(1 - this.unit()) * mean;
  }
}
