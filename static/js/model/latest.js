// Answers come in any order: only the one that was asked for last counts, and what is sent goes one after the other.

/** Tells the answer to the last question from those that were asked before it. */
export class Latest {
  #asked = 0;

  /**
   * Ask anew: every question before this one is outdated from now on.
   * @returns {() => boolean} whether this is still the last question
   */
  ask() {
    const mine = ++this.#asked;
    return () => mine === this.#asked;
  }

  /** Nothing that was asked is wanted any more. */
  forget() {
    this.#asked++;
  }
}

/**
 * Sends values one after the other, and of those that wait only the last one.
 * @template T
 */
export class OneAtATime {
  /** @type {{value: T} | null} */
  #waiting = null;
  #isSending = false;

  /** @param {(value: T) => Promise<unknown>} send whose failure ends nothing: the next value goes all the same */
  constructor(send) {
    this.send = send;
  }

  /** @param {T} value */
  async put(value) {
    this.#waiting = { value };
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      while (this.#waiting) {
        const next = this.#waiting.value;
        this.#waiting = null;
        await this.send(next).catch(() => undefined);
      }
    } finally {
      this.#isSending = false;
    }
  }
}
