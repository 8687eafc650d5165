// The order in which the theme button goes round.

/** @typedef {"system" | "light" | "dark"} Theme */

/** @type {readonly Theme[]} */
export const THEMES = ["system", "light", "dark"];

/**
 * @param {Theme} theme
 * @returns {Theme}
 */
export function themeAfter(theme) {
  return THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "system";
}

/**
 * @param {string} name
 * @returns {Theme} "system" for what is no theme
 */
export function themeOf(name) {
  return THEMES.find((theme) => theme === name) ?? "system";
}
