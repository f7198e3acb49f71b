// The host itself: what Max and Live refuse must be seen here, or the other tests would prove nothing.
'use strict';
const test = require('node:test');
const assert = require('node:assert/strict');
const {open, LiveSet} = require('./host');

const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const boxOf = (patcher, text) => patcher.boxes.find(({box}) => box.text === text).box;

function faults(device) {
  try {
    device.close();
    return '';
  } catch (error) {
    return error.message;
  }
}

test('a script that is reached in the scheduler\'s thread is a fault', async () => {
  const undeferred = (patcher) => { boxOf(patcher, 'deferlow').text = 't l'; };
  for (const [change, expected] of [[undeferred, /without deferlow/], [() => {}, /^$/]]) {
    const device = open('MusicVAE Morph', {port: 9, change});
    await sleep(50);
    device.inScheduler(() => device.control('X').user(0.2)); // as automation moves it
    await sleep(20);
    assert.match(faults(device), expected);
  }
});

test('LiveAPI in global code, and before the device has loaded, is a fault', async () => {
  const script = 'musicvae_generate.js';
  const withLine = (line) => (patcher, files) => files.set(script, `${files.get(script)}\n${line}`);
  const atOnce = withLine('new LiveAPI("live_set");');
  assert.throws(() => open('MusicVAE Generate', {change: atOnce}), /LiveAPI in global code/);

  const early = withLine('EARLY.port = true; actions.port = function () { new LiveAPI("live_set"); };');
  const device = open('MusicVAE Generate', {port: 9, change: early}); // Live recalls the port first
  await sleep(30);
  assert.match(faults(device), /LiveAPI before live.thisdevice banged/);
});

test('a MIDI Tool that answers after its dispatch is a fault', async () => {
  const late = (patcher) => {
    const id = boxOf(patcher, 'prepend control notes').id;
    const low = boxOf(patcher, 'deferlow').id;
    patcher.lines.find(({patchline}) => patchline.source[0] === id).patchline.destination = [low, 0];
  };
  const device = open('MusicVAE Vary', {port: 9, change: late});
  device.tool.select({notes: [[60, 0, 1]]});
  await sleep(50);
  device.control('Apply').user();
  await sleep(150);
  assert.match(faults(device), /Did not receive a Note dictionary in time/);
});

test('a message that an object does not know, and a missing outlet, are faults', async () => {
  const wrong = (patcher) => { boxOf(patcher, 't stop b').text = 't silence b'; };
  const device = open('MusicVAE Morph', {port: 9, change: wrong});
  await sleep(30);
  device.in('low', () => device.thisDevice.enabled(false));
  assert.match(faults(device), /makenote: no message silence/);
});

test('the set refuses what Live refuses', () => {
  const live = new LiveSet({tracks: [{name: 'A'}, {name: 'B', audio: true}], version: [11, 0]});
  live.addClip(0, 0, 4, []);
  live.resolve('live_set tracks 0 clip_slots 0').call.create_clip(4);
  live.resolve('live_set tracks 1 clip_slots 0').call.create_clip(4);
  live.resolve('live_set tracks 0 clip_slots 1').call.create_clip(0);
  const clip = live.resolve('live_set tracks 0 clip_slots 0 clip');
  clip.call.add_new_notes({notes: [{pitch: 128, start_time: 0, duration: 1, velocity: 100}]});
  assert.equal(live.faults.length, 4);
  assert.equal('scale_name' in live.resolve('live_set').get, false, 'Live 11 has no scale');
  assert.equal('create_midi_clip' in live.resolve('live_set tracks 0').call, false);
});
