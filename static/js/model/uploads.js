// What is refused before a byte of it is sent.

/**
 * @param {{size: number}[]} files
 * @param {number} limit bytes of one file
 * @returns {"none" | "several" | "too large" | null} null when the one file may be sent
 */
export function refusalOf(files, limit) {
  const [file, other] = files;
  if (!file) return "none";
  if (other) return "several";
  return file.size > limit ? "too large" : null;
}
