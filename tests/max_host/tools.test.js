'use strict';
const test = require('node:test');
const assert = require('node:assert/strict');
const {open} = require('./host');
const {PORT, badNetwork, clipsFromDaemon, sleep} = require('./helpers');

const C_MINOR = {scale_mode: 1, root_note: 0, scale_intervals: [0, 2, 3, 5, 7, 8, 10]};
const OFF = {scale_mode: 0, root_note: 0, scale_intervals: [0, 2, 4, 5, 7, 9, 11]};

async function ready(name, selection, {model = 'melody_test', network} = {}) {
  const device = open(name, {port: PORT, network});
  await device.ready();
  device.of('umenu')[0].user(model);
  await sleep(120);
  device.tool.select(selection);
  return device;
}

const pitches = (device) => device.tool.result.map((n) => [n.pitch, n.start_time]);

const answered = (device) => device.until(() => /notes$/.test(device.words) && device.tool.result, 20000)
  .then(() => sleep(150));

test('the Generator fills the selection with the daemon\'s notes, within the dispatch that asks', async () => {
  const device = await ready('MusicVAE Generator', {from: 4, to: 10, scale: OFF});
  device.control('Seed').user(99);
  await answered(device);
  const [wanted] = await clipsFromDaemon('/vae/generate', 'melody_test', 1, 0.5, 99, 'bars', 2);
  const inside = wanted.filter(([, start]) => start < 6)
    .map(([pitch, start, duration]) => [pitch, start + 4, Math.min(duration, 6 - start)]);
  assert.ok(inside.length > 0);
  assert.deepEqual(device.tool.result.map((n) => [n.pitch, n.start_time, n.duration]), inside);
  device.close();
});

test('until the answer is there, and without a daemon, the notes stay as they are', async () => {
  const notes = [[60, 0, 1], [64, 1, 1]];
  for (const name of ['MusicVAE Generator', 'MusicVAE Vary']) {
    const device = open(name, {port: 9});
    device.tool.select({notes, from: 0, to: 8});
    await sleep(700);
    device.control('Apply').user();
    await device.until(() => device.tool.result, 3000);
    assert.deepEqual(device.tool.result.map((n) => [n.pitch, n.start_time, n.duration]), notes);
    await device.until(() => /No daemon answers/.test(device.words), 4000);
    device.close();
  }
});

test('Vary answers with variations of the selected notes and keeps to the clip\'s scale', async () => {
  const notes = [[60, 0, 1], [63, 1, 1], [67, 2, 1], [60, 8, 2], [58, 10, 2]];
  const device = await ready('MusicVAE Vary', {notes, from: 0, to: 16, scale: C_MINOR});
  device.control('Apply').user();
  await answered(device);
  const made = device.tool.result;
  assert.ok(made.length > 0);
  assert.ok(made.every((n) => C_MINOR.scale_intervals.includes(n.pitch % 12)));
  assert.ok(made.some((n) => n.start_time >= 8), 'a selection longer than the model is varied to its end');
  assert.equal(device.sent.filter(([address]) => address === '/vae/vary').length, 2);

  const asked = device.sent.length;
  const before = JSON.stringify(made);
  device.control('Vary Amount').user(80);
  await answered(device);
  device.control('Vary Amount').user(30);
  await sleep(300);
  assert.equal(JSON.stringify(device.tool.result), before, 'the same settings give the same notes');
  assert.equal(device.sent.slice(asked).filter(([address]) => address === '/vae/vary').length, 2, 'from the store');
  device.close();
});

test('one selected note is a list of one', async () => {
  const device = await ready('MusicVAE Vary', {notes: [[60, 0, 1]], from: 0, to: 8, scale: OFF});
  device.control('Apply').user();
  await answered(device);
  assert.ok(Array.isArray(device.tool.result));
  device.close();
});

test('an answer that comes after the user selected another clip changes nothing there', async () => {
  const device = await ready('MusicVAE Vary', {notes: [[60, 0, 1]], from: 0, to: 8, scale: OFF});
  device.control('Apply').user();
  await device.until(() => device.light === 'busy', 2000);
  const other = [[72, 0, 2]];
  device.tool.select({notes: other, from: 0, to: 8});
  await device.until(() => /Another clip is selected/.test(device.words), 20000);
  assert.deepEqual(device.tool.result.map((n) => [n.pitch, n.start_time, n.duration]), other);
  assert.equal(device.sent.filter(([address]) => address === '/vae/vary').length, 1, 'and asks for nothing');
  device.close();
});

test('nor does the Generator, whose settings and time range are the same in the other clip', async () => {
  const device = await ready('MusicVAE Generator', {from: 0, to: 8, scale: OFF}, {network: badNetwork({delay: 60})});
  device.control('Apply').user();
  await device.until(() => device.light === 'busy', 2000);
  device.tool.select({notes: [[72, 0, 1], [74, 2, 1]], from: 0, to: 8, scale: OFF});
  await device.until(() => /Another clip is selected/.test(device.words), 20000);
  assert.deepEqual(pitches(device), [[72, 0], [74, 2]]);
  device.control('Apply').user();
  await device.until(() => device.tool.result.length !== 2, 2000);
  assert.equal(device.sent.filter(([address]) => address === '/vae/generate').length, 1, 'a click takes it from the store');
  device.close();
});

test('a result that another clip got from the store stays when an answer for the first one comes', async () => {
  const device = await ready('MusicVAE Generator', {from: 0, to: 8, scale: OFF}, {network: badNetwork({delay: 60})});
  device.control('Apply').user();
  await answered(device);
  const stored = pitches(device);
  device.control('Seed').user(2);
  await device.until(() => device.sent.filter(([address]) => address === '/vae/generate').length === 2, 2000);
  device.tool.select({notes: [[72, 0, 1]], from: 0, to: 8, scale: OFF});
  device.control('Seed').user(1);
  await sleep(100);
  assert.deepEqual(pitches(device), stored);
  await device.until(() => device.script.tool.order.length === 2, 20000);
  await sleep(150);
  assert.deepEqual(pitches(device), stored);
  device.close();
});

test('a control that is moved while the pieces are uploaded: no piece with other settings gets among them', async () => {
  const notes = Array.from({length: 32}, (_, i) => [60 + i % 7, i, 1]);
  const selection = {notes, from: 0, to: 32, scale: OFF};
  const device = await ready('MusicVAE Vary', selection, {network: badNetwork({delay: 30})});
  const asked = (amount) => device.sent.filter((message) => message[0] === '/vae/vary' && message[5] === amount).length;
  device.control('Apply').user();
  await device.until(() => asked(0.3) === 2, 20000);
  await device.until(() => device.sent[device.sent.length - 1][0] === '/vae/clip/end', 20000); // of the third piece
  device.control('Vary Amount').user(80);
  await answered(device);
  const mixed = pitches(device);
  assert.equal(asked(0.3), 2, 'the old pieces are given up');
  assert.equal(asked(0.8), 4);
  const names = new Set(device.sent.filter(([address]) => address === '/vae/vary').map((message) => message[3]));
  assert.equal(names.size, 2, 'uploads of the two questions cannot meet');
  device.control('Vary Amount').user(30);
  await device.until(() => asked(0.3) === 6, 20000);
  await answered(device);
  const plain = pitches(device);
  device.close();

  const fresh = await ready('MusicVAE Vary', selection);
  for (const [amount, expected] of [[30, plain], [80, mixed]]) {
    fresh.control('Vary Amount').user(amount);
    fresh.control('Apply').user();
    await fresh.until(() => fresh.tool.result && / vary (\d+)%/.exec(fresh.view.script.global.shownClip?.name)?.[1] ===
      String(amount), 20000);
    await sleep(150);
    assert.deepEqual(pitches(fresh), expected, `${amount} %`);
  }
  fresh.close();
});

test('a dragged control asks at most every 50 ms and ends at the last value', async () => {
  const device = await ready('MusicVAE Generator', {from: 0, to: 8, scale: OFF});
  const before = device.tool.dispatches;
  for (let i = 0; i < 40; i++) {
    device.control('Temperature').user(0.5 + i / 40);
    await sleep(5);
  }
  await sleep(100);
  const during = device.tool.dispatches - before;
  assert.ok(during <= 12, `${during} dispatches for 40 values in 200 ms`);
  await device.until(() => / t1\.4[78]/.test(device.view.script.global.shownClip?.name), 20000);
  device.close();
});
