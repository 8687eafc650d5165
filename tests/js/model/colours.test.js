import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { colourWord, foregroundTable, labelsOf, paletteTable, recolour, reducedSize } from "../../../static/js/model/colours.js";

/**
 * @param {Uint32Array} words of a canvas
 * @returns {number[][]} red, green, blue and alpha of each pixel, as `getImageData` has them
 */
function pixels(words) {
  const bytes = [...new Uint8ClampedArray(words.buffer)];
  return [...words].map((_, i) => bytes.slice(4 * i, 4 * i + 4));
}

suite("a colour", () => {
  for (const [hex, rgb] of /** @type {[string, number[]][]} */ ([
    ["#ff0000", [255, 0, 0]], ["#00ff00", [0, 255, 0]], ["#0000ff", [0, 0, 255]], ["#012345", [1, 0x23, 0x45]],
    ["#ffffff", [255, 255, 255]], ["#000000", [0, 0, 0]], ["#FEDCBA", [0xfe, 0xdc, 0xba]],
  ])) {
    test(`${hex} is ${rgb.join(", ")}, opaque`, () => {
      assert.deepEqual(pixels(Uint32Array.of(colourWord(hex))), [[...rgb, 255]]);
    });
  }
});

suite("a recoloured picture", () => {
  const labels = Uint8Array.of(0, 1, 2, 1, 254, 255);

  test("has the colour of each cluster, and is transparent without one", () => {
    const words = new Uint32Array(6);
    recolour(labels, paletteTable(["#102030", "#405060", "#708090"]), words);
    assert.deepEqual(pixels(words), [
      [0x10, 0x20, 0x30, 255], [0x40, 0x50, 0x60, 255], [0x70, 0x80, 0x90, 255], [0x40, 0x50, 0x60, 255], [0, 0, 0, 0], [0, 0, 0, 0],
    ]);
  });

  test("in two colours is white in the foreground and black elsewhere, without data too", () => {
    const words = new Uint32Array(6);
    recolour(labels, foregroundTable([false, true, false]), words);
    const black = [0, 0, 0, 255], white = [255, 255, 255, 255];
    assert.deepEqual(pixels(words), [black, white, black, white, black, black]);
  });

  test("takes all 256 labels", () => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i), words = new Uint32Array(256);
    const table = Uint32Array.from({ length: 256 }, (_, i) => 0xff000000 + 255 - i);
    recolour(all, table, words);
    assert.deepEqual(words, table);
  });
});

test("labels are read from a grey picture on a canvas", () => {
  const bytes = [0, 1, 2, 253, 254, 255].flatMap((value) => [value, value, value, 255]);
  const words = new Uint32Array(Uint8Array.from(bytes).buffer);
  assert.deepEqual([...labelsOf(words)], [0, 1, 2, 253, 254, 255]);
});

suite("a picture with too many pixels", () => {
  for (const [width, height, most] of /** @type {[number, number, number][]} */ ([
    [4000, 3000, 4_000_000], [100, 100, 10_000], [101, 100, 10_000], [50_000, 1000, 4_000_000], [1, 16_000_000, 4_000_000],
  ])) {
    test(`of ${width} × ${height} keeps its aspect ratio within ${most}`, () => {
      const size = reducedSize(width, height, most);
      assert.ok(size.width * size.height <= most || size.width === 1 || size.height === 1);
      assert.ok(size.width >= 1 && size.height >= 1);
      const scale = Math.min(1, Math.sqrt(most / width / height));
      assert.ok(Math.abs(size.width - scale * width) <= 1 && Math.abs(size.height - scale * height) <= 1);
    });
  }

  test("is unchanged if it is small enough", () => {
    assert.deepEqual(reducedSize(2000, 2000, 4_000_000), { width: 2000, height: 2000 });
    assert.deepEqual(reducedSize(3, 5, 4_000_000), { width: 3, height: 5 });
  });
});
