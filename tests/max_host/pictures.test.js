// The views and the pad drawn on a canvas: what has to be seen is there, in its colour and in its place.
'use strict';
const test = require('node:test');
const assert = require('node:assert/strict');
const {createCanvas, loadImage} = require('@napi-rs/canvas');
const {open} = require('./host');
const {drawPanel, paintView} = require('./panel');

/** Draw a device's view after it was told messages. count(name, x0, y0, x1, y1): how many pixels have a colour. */
function drawn(name, ...messages) {
  const device = open(name, {port: 9});
  messages.forEach((message) => device.view.receive(0, message));
  const [, , width, height] = device.view.json.presentation_rect;
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  paintView(device.view, context);
  const pixels = context.getImageData(0, 0, width, height).data;
  const at = (x, y) => [...pixels.subarray(4 * (y * width + x), 4 * (y * width + x) + 3)];
  const colors = device.view.script.global.COLORS;
  const near = (pixel, colour) => colour.slice(0, 3).every((part, i) => Math.abs(part * 255 - pixel[i]) < 12);
  const count = (colour, x0 = 0, y0 = 0, x1 = width, y1 = height) => {
    let found = 0;
    for (let y = Math.floor(y0); y < y1; y++) {
      for (let x = Math.floor(x0); x < x1; x++) found += near(at(x, y), colors[colour]);
    }
    return found;
  };
  device.close();
  return {count, width, height, global: device.view.script.global};
}

const clip = (beats, ...notes) => [['clip', beats, 'a title'], ...notes, ['shown']];

test('notes are where their time and pitch are, and drums lie in their lanes', () => {
  const roll = drawn('MusicVAE Generate', ...clip(8, ['notes', 'melody', 60, 0, 2, 100, 72, 6, 2, 100]));
  const half = roll.height / 2;
  assert.ok(roll.count('melody', 0, half, roll.width / 4 + 4) > 50, 'the low note: left, below the middle');
  assert.ok(roll.count('melody', roll.width * 0.74, 20, roll.width, half) > 50, 'the high note: right, above');
  assert.equal(roll.count('melody', roll.width * 0.34, 20, roll.width * 0.7), 0, 'nothing between');
  assert.ok(roll.count('dim', 4, half, 24) > 0, 'C3 is named beside it');

  const drums = drawn('MusicVAE Generate', ...clip(8, ['notes', 'drums', 36, 0, 0.25, 100, 51, 0, 0.25, 100]));
  assert.ok(drums.count('drums', 0, drums.height * 0.75) > 10, 'the kick is the lowest lane');
  assert.ok(drums.count('drums', 0, 20, drums.width, drums.height * 0.3) > 10, 'the ride is the highest');
});

test('a trio has its three colours, drums below', () => {
  const trio = drawn('MusicVAE Trio', ...clip(64, ['notes', 'lead', 80, 0, 4, 100], ['notes', 'bass', 40, 8, 4, 100],
    ['notes', 'drums', 36, 0, 0.25, 100, 38, 32, 0.25, 100]));
  for (const part of ['lead', 'bass', 'drums']) assert.ok(trio.count(part) > 5, part);
  assert.equal(trio.count('drums', 0, 0, trio.width, trio.height * 0.55), 0);
  assert.ok(trio.count('drums', trio.width - 40, trio.height - 14) > 0, 'their colour is named');
});

test('the light has its colour, long words break into two lines, and progress is a bar', () => {
  for (const light of ['on', 'busy', 'fail', 'off']) {
    const view = drawn('MusicVAE Generate', ['status', light, 'word '.repeat(40)]);
    assert.ok(view.count(light, 4, 3, 16, 15) > 30, light);
    assert.equal(view.count('text', view.width - 4, 0, view.width, 30), 0, 'words stay inside');
  }
  const half = drawn('MusicVAE Generate', ['progress', 0.5]);
  assert.ok(half.count('busy', 0, 10, half.width / 2, 20) > 200);
  assert.equal(half.count('busy', half.width / 2 + 2, 10, half.width, 20), 0);
});

test('the pad shows handle, cells, what sounds, and corners; two corners make a line', () => {
  const messages = [['wanted', 4], ['corner', 'a', 'first'], ['corner', 'd', 'last'], ['grid', 5, 5], ['xy', 1, 1],
    ['playing', 0]];
  const view = drawn('MusicVAE Morph', ...messages);
  const {pad, padX, padY} = view.global;
  assert.ok(pad.width > 100 && pad.height > 50);
  assert.ok(view.count('text', padX(1) - 8, padY(1) - 8, padX(1) + 8, padY(1) + 8) > 10, 'the handle: right, above');
  assert.ok(view.count('on', padX(0) - 5, padY(0) - 5, padX(0) + 5, padY(0) + 5) > 20, 'cell 0 sounds: left, below');
  assert.ok(view.count('dim', padX(0.5) - 2, padY(0.5) - 2, padX(0.5) + 2, padY(0.5) + 2) >= 1, 'the middle cell');
  assert.ok(view.count('busy', 0, view.height - 24, 20) > 2, 'A is set: left, below');
  assert.equal(view.count('busy', padX(1) - 6, view.height - 24), 0, 'B is not');

  const line = drawn('MusicVAE Morph', ['wanted', 2], ['grid', 5, 1], ['xy', 0.5, 0.9]);
  const middle = line.global.padY(0.5);
  assert.ok(line.count('text', line.global.padX(0.5) - 8, middle - 8, line.global.padX(0.5) + 8, middle + 8) > 10);
});

test('beside the pad are the notes of the clip that it points at, and no corner\'s name lies over them', () => {
  const view = drawn('MusicVAE Morph', ['wanted', 4], ['corner', 'b', 'a very long name of a clip that was grabbed'],
    ['grid', 5, 5], ...clip(8, ['notes', 'drums', 36, 0, 0.25, 100, 51, 7.5, 0.25, 100]));
  const right = view.global.padX(1) + view.global.PAD_MARGIN;
  assert.ok(view.count('drums', right) > 20);
  assert.equal(view.count('drums', 0, 0, right), 0);
  assert.equal(view.count('dim', right + 1, view.height - 14, right + 7), 0, 'the name ends at the pad');
});

test('a whole panel is drawn at Live\'s size', async () => {
  for (const [name, width] of [['MusicVAE Trio', 600], ['MusicVAE Generator', 152]]) {
    const device = open(name, {port: 9});
    const image = await loadImage(drawPanel(device, 1));
    assert.equal(image.width, width);
    device.close();
  }
});
