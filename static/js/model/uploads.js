// Uploads: a check before a file is sent, and a queue that runs one task at a time.

/**
 * @param {{size: number}} file
 * @param {number} limit bytes of one file
 * @returns {"too large" | null} null when the file may be sent
 */
export function checkFile(file, limit) {
  return file.size > limit ? "too large" : null;
}

/** Queue that runs asynchronous tasks one at a time, in order. */
export class TaskQueue {
  /** @type {(() => Promise<unknown>)[]} */
  #waiting = [];
  #isBusy = false;

  /** @returns {boolean} whether a task is running or waiting */
  get isBusy() {
    return this.#isBusy;
  }

  /**
   * Add tasks, and return when the queue is empty. After a failed task the next one runs all the same.
   * @param {(() => Promise<unknown>)[]} tasks
   */
  async add(...tasks) {
    this.#waiting.push(...tasks);
    if (this.#isBusy) return;
    this.#isBusy = true;
    /** @type {unknown[]} */
    const failures = [];
    for (let task = this.#waiting.shift(); task; task = this.#waiting.shift()) {
      await task().catch((/** @type {unknown} */ failure) => failures.push(failure));
    }
    this.#isBusy = false;
    if (failures.length) throw failures[0];
  }
}
