// Themes, in the order in which the theme button cycles through them.

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
 * @returns {Theme} "system" for any other name
 */
export function themeOf(name) {
  return THEMES.find((theme) => theme === name) ?? "system";
}
