// Helpers for requests whose responses may arrive in another order.

/** Tells whether a request is still the latest one. */
export class Latest {
  #count = 0;

  /**
   * Start a request; all earlier ones are outdated.
   * @returns {() => boolean} whether this request is still the latest one
   */
  start() {
    const number = ++this.#count;
    return () => number === this.#count;
  }

  /** Mark all requests as outdated. */
  cancel() {
    this.#count++;
  }
}

/**
 * Sends one value at a time. While it is sending, only the latest of the waiting values is kept.
 * @template T
 */
export class LatestValueSender {
  /** @type {{value: T} | null} */
  #waiting = null;
  #isSending = false;

  #send;

  /** @param {(value: T) => Promise<unknown>} send after a failure the next value is sent all the same */
  constructor(send) {
    this.#send = send;
  }

  /** @param {T} value */
  async send(value) {
    this.#waiting = { value };
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      while (this.#waiting) {
        const next = this.#waiting.value;
        this.#waiting = null;
        await this.#send(next).catch(() => undefined);
      }
    } finally {
      this.#isSending = false;
    }
  }
}
