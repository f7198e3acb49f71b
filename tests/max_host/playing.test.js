// MusicVAE Morph while Live plays: what is moved, switched, deleted and changed in the middle of a show.
'use strict';
const test = require('node:test');
const assert = require('node:assert/strict');
const {open, LiveSet} = require('./host');
const {PORT, sleep} = require('./helpers');
const {BAR, SIXTEENTH, grabbed, hanging, onsets} = require('./morph');

const settle = () => sleep(20);

/** Give the device a plane of two cells whose notes a test knows: [[pitch, start, duration], ...] each. */
function useCells(device, ...cells) {
  const made = cells.map((notes) => ({name: '', beats: 8, notes: notes.map(([pitch, start, duration]) =>
    ({part: 'melody', pitch, start, duration, velocity: 100}))}));
  device.in('low', () => device.script.useGrid({
    columns: made.length, rows: 1, beats: 8, part: 'melody', model: 'm', temperature: 0, seed: 1, grabbed: 3, cells: made,
  }));
}

const events = (device) => device.midiOut.map(({time, pitch, velocity}) => [Math.round(time), pitch, velocity > 0 ? 'on' : 'off']);

test('a device that is dropped into a playing set knows that Live plays', async () => {
  const {device, live} = await grabbed();
  const state = device.state();
  device.close();
  const again = open('MusicVAE Morph', {port: PORT, live, state: {...state, X: [0]}});
  again.scheduler.play();
  await again.advance(40); // the transport is looked at before live.thisdevice has banged
  await again.ready();
  await again.advance(2 * BAR);
  await settle();
  again.control('X').user(1); // not heard before the next bar
  await settle();
  again.control('Write Clip').user();
  await again.until(() => live.clip(0, 2));
  assert.match(live.clip(0, 2).name, / morph 1,1 of 5x1$/, 'what sounds, not where the pad points');
  again.close();
});

test('starting and stopping Live, and Play, leave the last words to be read', async () => {
  const {device, live} = await grabbed();
  live.highlighted = [0, 5];
  device.control('Grab D').user();
  await device.until(() => /The highlighted slot is empty/.test(device.words));
  device.scheduler.play();
  await device.advance(100);
  await settle();
  device.control('Play').user(0);
  device.scheduler.stop();
  await device.advance(100);
  await settle();
  assert.match(device.words, /The highlighted slot is empty/);
  device.close();
});

test('switched off, the device plays nothing; switched on again, it goes on in time', async () => {
  const {device} = await grabbed();
  useCells(device, [...Array(32)].map((_, step) => [60 + step, step / 4, 0.5]), []);
  device.control('X').user(0);
  device.scheduler.play();
  await device.advance(4 * SIXTEENTH + 10);
  device.in('low', () => device.thisDevice.enabled(false));
  assert.deepEqual(hanging(device), []);
  const off = device.midiOut.length;
  await device.advance(8 * SIXTEENTH);
  assert.equal(device.midiOut.length, off, 'and nothing is played');
  device.in('low', () => device.thisDevice.enabled(true));
  await device.advance(4 * SIXTEENTH);
  assert.deepEqual(onsets(device, device.midiOut[off].time, Infinity).map(({pitch}) => pitch), [73, 74, 75, 76]);
  device.scheduler.stop();
  await device.advance(40);
  assert.deepEqual(hanging(device), []);
  device.close();
});

test('X and Y automated a thousand times a second: the player follows, the script hears what it can draw', async () => {
  const {device} = await grabbed();
  device.control('Switch').user('At once');
  device.scheduler.play();
  const {script} = device.of('js')[0];
  const {call} = script;
  const heard = {x: [], y: []};
  script.call = (inlet, message) => {
    if (heard[message[1]]) heard[message[1]].push(message[2]);
    return call(inlet, message);
  };
  const start = Date.now();
  const moved = 600;
  for (let at = 0; at < moved; at += 20) {
    for (let i = at; i < at + 20; i++) {
      const value = Math.abs(Math.sin(i / 40));
      device.inScheduler(() => { device.control('X').user(value); device.control('Y').user(value); });
    }
    await device.advance(20);
    await sleep(20);
  }
  device.inScheduler(() => device.control('X').user(1));
  await device.advance(SIXTEENTH);
  await sleep(60);
  assert.ok(heard.x.length < (Date.now() - start) / 30 + 4, `${heard.x.length} of ${moved} values reached the script`);
  assert.deepEqual([device.script.cell, device.script.playing, heard.x.pop()], [4, 4, 1]);
  device.scheduler.stop();
  await device.advance(40);
  assert.deepEqual(hanging(device), []);
  device.close();
});

test('a note that is held to the end of the cell ends there, also where the loop begins with the same pitch', async () => {
  const {device} = await grabbed();
  useCells(device, [[60, 0, 1], [62, 4, 4]], [[62, 0, 8]]);
  device.control('Switch').user('Next 2 bars');
  device.control('X').user(0);
  await settle();
  device.scheduler.play();
  await device.advance(4 * BAR - 10);
  const of = (pitch) => events(device).filter((event) => event[1] === pitch).map(([time, , kind]) => [time, kind]);
  assert.deepEqual(of(60), [[0, 'on'], [500, 'off'], [4000, 'on'], [4500, 'off']]);
  assert.deepEqual(of(62), [[2000, 'on'], [4000, 'off'], [6000, 'on']]);
  device.control('X').user(1);
  device.midiOut.length = 0;
  await device.advance(4 * BAR);
  assert.deepEqual(of(62), [[8000, 'off'], [8000, 'on'], [12000, 'off'], [12000, 'on']], 'never on before off');
  device.scheduler.stop();
  await device.advance(40);
  assert.deepEqual(hanging(device), []);
  device.close();
});

test('the tempo is changed while it plays: onsets and lengths follow', async () => {
  const {device} = await grabbed();
  useCells(device, [...Array(32)].map((_, step) => [60 + step, step / 4, 0.25]), []);
  device.control('X').user(0);
  device.scheduler.play();
  await device.advance(4 * SIXTEENTH);
  device.scheduler.tempo = 60;
  device.midiOut.length = 0;
  await device.advance(8 * SIXTEENTH - 1);
  const list = events(device).filter(([, , kind]) => kind === 'on').map(([time]) => time);
  assert.deepEqual(list.slice(1).map((time, i) => time - list[i]), [250, 250]);
  const [, pitch] = events(device).find(([, , kind]) => kind === 'on');
  const own = events(device).filter((event) => event[1] === pitch);
  assert.equal(own[1][0] - own[0][0], 250, 'a sixteenth lasts twice as long');
  device.close();
});

test('a corner\'s clip that is deleted from the set stays a corner', async () => {
  const {device, live} = await grabbed();
  live.tracks[0].clips.clear();
  const before = device.sent.filter(([address]) => address === '/vae/clip/notes').slice(-2).map((message) => message.slice(2));
  device.control('Make Plane').user();
  await device.until(() => device.light === 'busy');
  await device.until(() => /^5 clips ready/.test(device.words), 20000);
  assert.deepEqual(
    device.sent.filter(([address]) => address === '/vae/clip/notes').slice(-2).map((message) => message.slice(2)), before);
  device.close();
});

test('the largest plane is stored with the set, and plays from it', async () => {
  const live = new LiveSet();
  const device = open('MusicVAE Morph', {port: PORT, live});
  await device.ready();
  device.of('umenu')[0].user('drums_test');
  device.control('Steps').user('13');
  await settle();
  device.control('Fill Corners').user();
  await device.until(() => /^169 clips ready/.test(device.words), 60000);
  const state = JSON.parse(JSON.stringify(device.state()));
  assert.ok(state['Kept Grid'].length < 2000, `${state['Kept Grid'].length} atoms`);
  const cells = JSON.stringify(device.script.grid.cells.map((clip) => clip.notes));
  device.close();
  const alone = open('MusicVAE Morph', {port: 9, live, state: {...state, 'Daemon Port': [9]}});
  await alone.until(() => alone.script.grid);
  assert.equal(JSON.stringify(alone.script.grid.cells.map((clip) => clip.notes)), cells);
  alone.control('X').user(1);
  alone.control('Y').user(1);
  alone.scheduler.play();
  await alone.advance(4 * BAR);
  await settle();
  assert.equal(alone.script.playing, 168);
  alone.close();
});
