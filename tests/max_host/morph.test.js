'use strict';
const test = require('node:test');
const assert = require('node:assert/strict');
const {open, LiveSet} = require('./host');
const {PORT, sleep} = require('./helpers');
const {BAR, SIXTEENTH, grabbed, hanging, onsets} = require('./morph');

/** Note-ons of the given cell at each sixteenth, as the script was told by the daemon. */
function expected(device, cell) {
  const steps = {};
  for (const note of device.script.grid.cells[cell].notes) {
    const step = Math.round(note.start * 4);
    (steps[step] = steps[step] || []).push(note.pitch);
  }
  return steps;
}

test('two grabbed clips become a line of cells, and the patch plays the cell in time', async () => {
  const {device} = await grabbed();
  assert.equal(device.script.grid.cells.length, 5);
  device.control('X').user(0);
  await sleep(20);
  device.scheduler.play();
  await device.advance(2 * BAR - 1);
  device.midiOut.length = 0;
  const start = device.scheduler.now + 1;
  await device.advance(2 * BAR);
  const steps = expected(device, 0);
  for (let step = 0; step < 32; step++) {
    const from = start + step * SIXTEENTH - 1;
    const heard = onsets(device, from, from + SIXTEENTH).map(({pitch}) => pitch).sort();
    assert.deepEqual(heard, (steps[step] || []).sort(), `step ${step}`);
  }
  device.close();
});

test('a new place is heard at the boundary that Switch names, and what sounds is ended first', async () => {
  const {device} = await grabbed();
  const cases = [['At once', 1], ['Next beat', 4], ['Next bar', 16], ['Next 2 bars', 32]];
  device.control('X').user(0);
  device.scheduler.play();
  let target = 0;
  for (const [name, sixteenths] of cases) {
    device.control('Switch').user(name);
    await device.advance(2 * BAR - (device.scheduler.now % (2 * BAR)) + 1.5 * SIXTEENTH);
    target = target === 0 ? 4 : 0;
    device.control('X').user(target === 0 ? 0 : 1);
    const boundary = Math.ceil(device.scheduler.now / (sixteenths * SIXTEENTH)) * sixteenths * SIXTEENTH;
    await device.advance(boundary - device.scheduler.now - 1);
    await sleep(5);
    assert.notEqual(device.script.playing, target, `${name}: before its boundary`);
    await device.advance(2);
    await sleep(5);
    assert.equal(device.script.playing, target, `${name}: at its boundary`);
  }
  device.close();
});

test('no note hangs: on stop, on bypass, on switch, and when Play is switched off', async () => {
  const {device} = await grabbed();
  device.control('Switch').user('At once');
  device.scheduler.play();
  for (let i = 0; i < 40; i++) {
    device.control('X').user((i % 5) / 4);
    await device.advance(90);
  }
  await device.advance(20);
  device.scheduler.stop();
  await device.advance(40);
  assert.deepEqual(hanging(device), [], 'after the transport stopped');

  device.scheduler.play();
  await device.advance(300);
  device.in('low', () => device.thisDevice.enabled(false));
  assert.deepEqual(hanging(device), [], 'after bypass');

  await device.advance(300);
  device.control('Play').user(0);
  assert.deepEqual(hanging(device), [], 'after Play off');
  device.midiOut.length = 0;
  await device.advance(BAR);
  assert.deepEqual(device.midiOut, [], 'and nothing more is played');
  device.close();
});

test('thru lets other notes pass, and ends them when it is switched off', async () => {
  const device = open('MusicVAE Morph', {port: PORT});
  await sleep(50);
  const play = (...bytes) => device.midiIn.forEach((input) => input(bytes));
  play(0x90, 61, 100);
  play(0x90, 65, 100);
  play(0x80, 65, 0);
  device.control('MIDI Thru').user(0);
  play(0x90, 70, 100);
  assert.deepEqual(device.midiOut.map(({status, pitch, velocity}) => [status, pitch, velocity]),
    [[0x90, 61, 100], [0x90, 65, 100], [0x80, 65, 0], [0x90, 61, 0]]);
  device.close();
});

test('write puts the cell that sounds into the next free slot of the device\'s track', async () => {
  const {device, live} = await grabbed();
  device.control('X').user(1);
  device.scheduler.play();
  await device.advance(2 * BAR + 10);
  await sleep(10);
  live.highlighted = [0, 0];
  device.control('Write Clip').user();
  await device.until(() => live.clip(0, 2));
  const written = live.clip(0, 2);
  assert.match(written.name, /^melody_test s\d+ t0.3 morph 5,1 of 5x1$/);
  const cell = Array.from(device.script.grid.cells[4].notes, (note) => note.pitch);
  assert.deepEqual(written.notes.map((note) => note.pitch), cell);
  device.close();
});

/** Let the pad's and the player's messages to the script pass. */
const settle = () => sleep(20);

async function plane(steps, options = {}) {
  const live = new LiveSet({scenes: 4});
  const device = open('MusicVAE Morph', {port: PORT, live, ...options});
  await device.ready();
  device.of('umenu')[0].user('drums_test');
  device.control('Steps').user(steps);
  await settle();
  device.control('Fill Corners').user();
  await device.until(() => device.script.grid && device.light === 'on', 20000);
  return {device, live};
}

async function writtenCell(device, live) {
  const before = live.tracks[0].clips.size;
  device.control('Write Clip').user();
  await device.until(() => live.tracks[0].clips.size > before);
  return [...live.tracks[0].clips.values()].pop();
}

test('while Live stands, write takes the cell that the pad points at', async () => {
  const {device, live} = await plane('5');
  device.control('X').user(1);
  device.control('Y').user(1);
  await settle();
  assert.match((await writtenCell(device, live)).name, / morph 5,5 of 5x5$/, 'nothing was played yet');

  device.scheduler.play();
  await device.advance(2 * BAR + 10);
  device.control('X').user(0);
  await device.advance(SIXTEENTH);
  await settle();
  assert.match((await writtenCell(device, live)).name, / morph 5,5 of 5x5$/, 'the new place is not heard yet');
  device.scheduler.stop();
  await device.advance(60);
  await settle();
  assert.match((await writtenCell(device, live)).name, / morph 1,5 of 5x5$/, 'stopped: the pad counts');
  device.close();
});

test('a smaller plane while the player is on a cell that it does not have: it goes to where the pad points', async () => {
  for (const stopped of [true, false]) {
    const {device, live} = await plane('7');
    device.control('X').user(1);
    device.control('Y').user(1);
    device.scheduler.play();
    await device.advance(2 * BAR + 10);
    await settle();
    assert.equal(device.script.playing, 48);
    if (stopped) device.scheduler.stop();
    await device.advance(60);
    device.control('Steps').user('5');
    await settle();
    device.control('Make Plane').user();
    await device.until(() => device.script.grid.cells.length === 25 && device.light === 'on', 20000);
    await settle();
    assert.equal(device.script.playing, 24);
    assert.match((await writtenCell(device, live)).name, / morph 5,5 of 5x5$/);
    device.close();
  }
});

test('a control that the plane was made with says so when it is moved; Make plane follows it, and keeps what was grabbed',
  async () => {
    const {device, live} = await grabbed();
    const uploads = () => device.sent.filter(([address]) => address === '/vae/clip/notes').map((message) => message.slice(2));
    const notes = uploads().slice(-2);
    const changes = [['Steps', '7', /^Steps changed: press Make plane/], ['Temperature', 0.9, /^Steps, Temperature changed/],
      ['Steps', '5', /^Temperature changed/], ['Temperature', 0.3, /^5 clips ready/], ['Seed', 99, /^5 clips ready/],
      ['Seed Lock', 1, /^Seed changed/], ['Corners', '4', /^Corners, Seed changed/], ['Corners', '2', /^Seed changed/]];
    for (const [name, value, words] of changes) {
      device.control(name).user(value);
      await settle();
      assert.match(device.words, words, `${name} ${value}`);
    }
    device.control('Make Plane').user();
    await device.until(() => /^5 clips ready/.test(device.words), 20000);
    assert.equal(device.script.grid.seed, 99);
    assert.deepEqual(uploads().slice(-2), notes, 'the same corners');
    const asked = device.sent.length;
    device.control('Fill Corners').user();
    await device.until(() => /All corners were grabbed/.test(device.words));
    assert.deepEqual(device.sent.slice(asked).filter(([address]) => address !== '/vae/hello'), []);

    live.highlighted = [0, 5];
    device.control('Grab B').user();
    await device.until(() => /Corner B is free/.test(device.words));
    device.control('Fill Corners').user();
    await device.until(() => /^5 clips ready/.test(device.words), 20000);
    assert.deepEqual(uploads().slice(-2)[0], notes[0], 'A is still the grabbed one');
    assert.notDeepEqual(uploads().slice(-2)[1], notes[1], 'B is new');
    assert.equal(device.sent.filter(([address]) => address === '/vae/generate').pop()[3], 1, 'one corner was open');
    device.close();
  });

test('a set that is opened again has its corners, and a plane that can be made anew', async () => {
  const {device} = await grabbed();
  const state = JSON.parse(JSON.stringify(device.state()));
  const {seed} = device.script.grid;
  device.close();

  const again = open('MusicVAE Morph', {port: PORT, state: {...state, 'Daemon Port': [PORT]}});
  await again.ready();
  assert.equal(again.script.grid.model, 'melody_test');
  again.control('Keep Seed').user();
  await again.until(() => again.control('Seed').value() === seed && again.control('Seed Lock').value() === 1);
  again.control('Fill Corners').user();
  await again.until(() => /All corners were grabbed/.test(again.words));
  again.control('Steps').user('7');
  await settle();
  assert.match(again.words, /^Steps changed/);
  again.control('Make Plane').user();
  await again.until(() => again.script.grid.cells.length === 7 && again.light === 'on', 20000);
  assert.match(again.words, /^7 clips ready/);
  for (const last of ['Kept Grid', 'Steps']) { // a preset brings its plane and its controls, in any order
    again.control('Steps').user('7');
    await settle();
    const {[last]: value, ...others} = {...state, 'Daemon Port': [PORT]};
    again.restore({...others, [last]: value});
    await again.until(() => again.script.grid.cells.length === 5);
    await settle();
    assert.match(again.words, /^5 clips ready/, `${last} last`);
  }
  again.close();
});

test('a clip that was grabbed for another kind of model becomes what the chosen one takes', async () => {
  const {device} = await grabbed();
  device.of('umenu')[0].user('drums_test');
  await settle();
  assert.match(device.words, /^Model changed/);
  device.control('Make Plane').user();
  await device.until(() => device.script.grid.part === 'drums', 20000);
  const upload = device.sent.filter(([address]) => address === '/vae/clip/notes').pop();
  assert.equal(upload[4], 'drums');
  device.close();
});

test('bars and beats are those of the time signature, also after a change', async () => {
  const {device} = await grabbed();
  const QUARTER = 4 * SIXTEENTH;
  // Per case: signatures as [upper, lower, from beat], Switch, a time in quarter notes, and the boundary after it.
  const cases = [
    [[[3, 4, 0]], 'Next bar', 3.5, 6], [[[3, 4, 0]], 'Next 2 bars', 6.5, 12], [[[6, 8, 0]], 'Next bar', 3.5, 6],
    [[[6, 8, 0]], 'Next beat', 3.25, 3.5], [[[7, 8, 0]], 'Next 2 bars', 0.5, 7], [[[2, 2, 0]], 'Next beat', 2.5, 4],
    [[[4, 4, 0], [3, 4, 8]], 'Next bar', 8.5, 11], [[[3, 4, 0], [4, 4, 9]], 'Next bar', 9.5, 13],
    [[[3, 4, 0], [4, 4, 9]], 'Next 2 bars', 9.5, 13],
  ];
  let target = 0;
  for (const [signatures, name, at, boundary] of cases) {
    const what = `${JSON.stringify(signatures)} ${name}`;
    signatures.forEach((signature) => device.scheduler.signature(...signature));
    device.control('Switch').user(name);
    device.scheduler.stop();
    await device.advance(60);
    device.scheduler.play(at + 0.1);
    await device.advance(1);
    target = target === 0 ? 4 : 0;
    device.control('X').user(target / 4);
    await device.advance((boundary - at - 0.1) * QUARTER - 3);
    await settle();
    assert.notEqual(device.script.playing, target, `${what}: before its boundary`);
    await device.advance(5);
    await settle();
    assert.equal(device.script.playing, target, `${what}: at its boundary`);
  }
  device.close();
});

test('a set that is opened without a daemon plays the plane it was saved with', async () => {
  const {device} = await grabbed();
  const state = JSON.parse(JSON.stringify(device.state()));
  const content = (host) => JSON.stringify(host.script.grid.cells.map((clip) => clip.notes));
  const cells = content(device);
  device.close();

  const alone = open('MusicVAE Morph', {port: 9, state: {...state, 'Daemon Port': [9]}});
  await alone.until(() => alone.script.grid);
  assert.equal(content(alone), cells);
  alone.scheduler.play();
  await alone.advance(2 * BAR);
  assert.ok(alone.midiOut.some(({velocity}) => velocity > 0));
  alone.close();
});

test('four generated corners; the pad moves X and Y; every cell of the plane is in the patch', async () => {
  const device = open('MusicVAE Morph', {port: PORT});
  await device.ready();
  device.of('umenu')[0].user('drums_test');
  device.control('Steps').user('5');
  await sleep(20);
  device.control('Fill Corners').user();
  await device.until(() => device.script.grid, 20000);
  const keys = [...device.of('coll')[0].contents.keys()].map((key) => Math.floor(key / 512));
  const filled = Array.from(device.script.grid.cells, (clip, i) => (clip.notes.length ? i : -1)).filter((i) => i >= 0);
  assert.deepEqual([...new Set(keys)].sort((a, b) => a - b), filled);

  const view = device.view.script.global;
  view.pad = {x: 16, y: 30, width: 200, height: 100};
  device.in('low', () => view.onclick(216, 30, 1));
  await device.until(() => device.control('X').value() === 1 && device.control('Y').value() === 1);
  await device.until(() => device.script.cell === 24);
  assert.deepEqual([...view.handle], [1, 1]);
  device.close();
});

test('nothing depends on the order in which cords of one outlet fire', async () => {
  const {device} = await grabbed({reversed: true});
  device.control('X').user(1);
  device.scheduler.play();
  await device.advance(4 * BAR);
  await sleep(10);
  assert.equal(device.script.playing, 4);
  assert.ok(device.midiOut.length > 0);
  device.scheduler.stop();
  await device.advance(40);
  assert.deepEqual(hanging(device), []);
  device.close();
});
