'use strict';
const test = require('node:test');
const assert = require('node:assert/strict');
const {open} = require('./host');
const {PORT, clipsFromDaemon, sleep} = require('./helpers');

const C_MINOR = {scale_mode: 1, root_note: 0, scale_intervals: [0, 2, 3, 5, 7, 8, 10]};
const OFF = {scale_mode: 0, root_note: 0, scale_intervals: [0, 2, 4, 5, 7, 9, 11]};

async function ready(name, selection, model = 'melody_test') {
  const device = open(name, {port: PORT});
  await device.ready();
  device.of('umenu')[0].user(model);
  await sleep(120);
  device.tool.select(selection);
  return device;
}

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
  await answered(device);
  assert.deepEqual(device.tool.result.map((n) => [n.pitch, n.start_time, n.duration]), other);
  assert.equal(device.sent.filter(([address]) => address === '/vae/vary').length, 1, 'and asks for nothing');
  device.close();
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
  await device.until(() => / t1\.4[78]/.test(device.view.script.global.shownClip.name), 20000);
  device.close();
});
