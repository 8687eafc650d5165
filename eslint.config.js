// Rules of `make check` for scripts. Each rule that is off has its reason.
import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import { importX } from "eslint-plugin-import-x";
import globals from "globals";
import typescript from "typescript-eslint";

export default defineConfig(
  { ignores: ["*", "!static/", "static/*", "!static/js/", "!tests/", "tests/*", "!tests/js/", "!eslint.config.js"] },
  {
    files: ["**/*.js"],
    extends: [js.configs.recommended, typescript.configs.recommendedTypeChecked],
    plugins: { "import-x": importX },
    linterOptions: { reportUnusedDisableDirectives: "error", reportUnusedInlineConfigs: "error" },
    languageOptions: { ecmaVersion: 2023, globals: globals.builtin, parserOptions: { projectService: true } },
    rules: {
      eqeqeq: "error",
      "array-callback-return": "error",
      "consistent-return": "off",  // tsc checks it better (noImplicitReturns)
      "no-constructor-return": "error",
      "no-eval": "error",
      "no-implied-eval": "off",  // its typed form is in the recommended rules
      "no-promise-executor-return": ["error", { allowVoid: true }],
      "no-self-compare": "error",
      "no-shadow": "error",
      "no-template-curly-in-string": "error",
      "no-undef": "error",  // the DOM is a global in static/js only, and not in its model/
      "no-unmodified-loop-condition": "error",
      "no-unused-vars": "off",  // tsc checks it (noUnusedLocals)
      "@typescript-eslint/no-unused-vars": "off",  // as above
      "no-use-before-define": ["error", { functions: false, classes: false }],
      "no-var": "error",
      "prefer-const": "error",
      "require-atomic-updates": "error",
      radix: "error",
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/ban-ts-comment": ["error", { "ts-expect-error": true, "ts-ignore": true, "ts-nocheck": true }],
      "import-x/no-cycle": "error",
      "import-x/no-duplicates": "error",
      "import-x/no-self-import": "error",
      "import-x/no-extraneous-dependencies": "error",
      // Folders that may import each other. `model/` works without a page, so that Node.js can test it.
      "import-x/no-restricted-paths": ["error", { zones: [
        { target: "static/js/model", from: "static/js", except: ["./model"], message: "model/ works without a page: it imports from model/ only." },
        { target: "static/js", from: "tests", message: "Scripts of the site must not import tests." },
      ] }],
    },
  },
  { files: ["static/js/**/*.js"], ignores: ["static/js/model/**"], languageOptions: { globals: globals.browser } },
  { files: ["static/js/**/*.js"], rules: { "no-console": "error", "import-x/extensions": ["error", "always"] } },
  {
    files: ["tests/js/**/*.js"],
    languageOptions: { globals: globals.nodeBuiltin },
    rules: {
      // Node's test runner awaits the promises.
      "@typescript-eslint/no-floating-promises": ["error", { allowForKnownSafeCalls: [{ from: "package", package: "node:test", name: ["suite", "test"] }] }],
    },
  },
);
