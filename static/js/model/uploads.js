// Uploads: what is refused before a byte is sent, and what goes one after the other.

/**
 * @param {{size: number}} file
 * @param {number} limit bytes of one file
 * @returns {"too large" | null} null when the file may be sent
 */
export function refusalOf(file, limit) {
  return file.size > limit ? "too large" : null;
}

/** Pieces of work that begin one after the other, in the order in which they came. */
export class InTurn {
  /** @type {(() => Promise<unknown>)[]} */
  #waiting = [];
  #isBusy = false;

  /** @returns {boolean} whether something is being done or waits */
  get isBusy() {
    return this.#isBusy;
  }

  /** @param {(() => Promise<unknown>)[]} pieces of work; one that fails does not keep the next from its turn */
  async add(...pieces) {
    this.#waiting.push(...pieces);
    if (this.#isBusy) return;
    this.#isBusy = true;
    /** @type {unknown[]} */
    const failures = [];
    for (let work = this.#waiting.shift(); work; work = this.#waiting.shift()) {
      await work().catch((/** @type {unknown} */ failure) => failures.push(failure));
    }
    this.#isBusy = false;
    if (failures.length) throw failures[0];
  }
}
