// The host itself: what Max and Live refuse must be seen here, or the other tests would prove nothing.
'use strict';
const test = require('node:test');
const assert = require('node:assert/strict');
const {open, LiveSet} = require('./host');
const {liveApiFor} = require('./live_set');
const {Scheduler} = require('./scheduler');

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

test('an int parameter of more than 256 values is a fault', async () => {
  const wide = (patcher) => {
    const named = ({box}) => box.saved_attribute_attributes?.valueof.parameter_longname === 'Seed';
    patcher.boxes.find(named).box.saved_attribute_attributes.valueof.parameter_type = 1;
  };
  const device = open('MusicVAE Generate', {port: 9, change: wide});
  await sleep(30);
  assert.match(faults(device), /Seed: type int holds 256 values, not 0 to 99999/);
});

test('menus and stored values give text as Max reads it, in atoms', async () => {
  const device = open('MusicVAE Trio', {port: 9});
  await sleep(50);
  const [menu] = device.of('umenu');
  const heard = [];
  menu.cords[1].push({box: {receive: (inlet, message) => heard.push(message)}, inlet: 0});
  menu.receive(0, ['clear']);
  menu.receive(0, ['append', '01 Low End']);
  menu.user('01 Low End');
  assert.deepEqual(heard, [[1, 'Low', 'End']]);
  const kept = device.control('Kept Lead');
  kept.receive(0, ['2 Keys, old']);
  assert.deepEqual(kept.stored.get(), [2, 'Keys']);
});

test('an object of Live keeps its id when it moves, and has id 0 once it is deleted', () => {
  const live = new LiveSet({tracks: [{name: 'A'}, {name: 'B'}, {name: 'C'}]});
  live.addClip(1, 0, 4, []);
  const LiveAPI = liveApiFor(live, 'live_set tracks 2 devices 0', () => '');
  const objects = ['', ' clip_slots 3', ' clip_slots 0 clip'].map((rest) => new LiveAPI(`live_set tracks 1${rest}`));
  live.deleteTrack(0);
  assert.deepEqual(objects.map((one) => one.unquotedpath),
    ['live_set tracks 0', 'live_set tracks 0 clip_slots 3', 'live_set tracks 0 clip_slots 0 clip']);
  assert.equal(new LiveAPI(`id ${objects[0].id}`).get('name')[0], 'B');
  assert.equal(new LiveAPI('this_device').unquotedpath, 'live_set tracks 1 devices 0');
  const id = objects[0].id;
  live.deleteTrack(0);
  assert.deepEqual(objects.map((one) => one.id), ['0', '0', '0']);
  assert.equal(new LiveAPI(`id ${id}`).id, '0');
  assert.deepEqual(live.faults, []);
  objects[0].get('name');
  assert.match(live.faults[0], /no object with the id/);
});

test('an edition of Live with few scenes makes no more', () => {
  const live = new LiveSet({scenes: 2, mostScenes: 3});
  live.resolve('live_set').call.create_scene();
  live.resolve('live_set').call.create_scene();
  assert.equal(live.scenes, 3);
});

test('the transport counts bars and beats of the time signature, also after a change', () => {
  const scheduler = new Scheduler(() => {});
  scheduler.signature(6, 8, 6); // after two bars of 3/4
  scheduler.signatures[0].numerator = 3;
  const at = (beats) => {
    scheduler.ticks = beats * 480;
    const {bar, beat, units, numerator, denominator} = scheduler.place();
    return [bar, beat, units, numerator, denominator];
  };
  assert.deepEqual(at(0), [1, 1, 0, 3, 4]);
  assert.deepEqual(at(5.25), [2, 3, 120, 3, 4]);
  assert.deepEqual(at(6), [3, 1, 0, 6, 8]);
  assert.deepEqual(at(8.75), [3, 6, 120, 6, 8]);
  assert.deepEqual(at(9), [4, 1, 0, 6, 8]);
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
