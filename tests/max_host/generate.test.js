'use strict';
const test = require('node:test');
const assert = require('node:assert/strict');
const {open, LiveSet} = require('./host');
const {PORT, badNetwork, clipsFromDaemon, notesOf, sleep} = require('./helpers');

const MELODY = 'melody_test';

async function ready(live, options = {}) {
  const device = open('MusicVAE Generate', {port: PORT, live, ...options});
  await device.ready();
  device.of('umenu')[0].user(options.model || MELODY);
  await sleep(20);
  return device;
}

test('a click on Generate puts the daemon\'s notes for that seed into the highlighted slot', async () => {
  const live = new LiveSet();
  live.highlighted = [0, 2];
  const device = await ready(live);
  device.control('Seed').user(321);
  device.control('Seed Lock').user(1);
  device.control('Temperature').user(0.75);
  device.control('Scale').user('Off');
  await sleep(20);
  device.control('Generate').user();
  await device.until(() => live.clip(0, 2));
  const [expected] = await clipsFromDaemon('/vae/generate', MELODY, 1, 0.75, 321);
  assert.ok(expected.length > 0);
  assert.deepEqual(notesOf(live.clip(0, 2)), expected);
  assert.equal(live.clip(0, 2).beats, 8);
  assert.equal(live.clip(0, 2).name, 'melody_test s321 t0.75');
  assert.deepEqual(live.undo, [['create', 'notes', 'name']], 'one undo step');
  assert.match(device.words, /^Wrote a clip to MIDI 1, scene 3/);
  device.close();
});

test('a click is answered on the view within 100 ms, and the light is yellow meanwhile', async () => {
  const live = new LiveSet();
  live.highlighted = [0, 0];
  const device = await ready(live);
  const start = Date.now();
  device.control('Generate').user();
  // Looked at between any two events, since the daemon may answer within milliseconds.
  while (device.light !== 'busy' && Date.now() - start < 100) await new Promise(setImmediate);
  assert.equal(device.light, 'busy', device.words);
  assert.match(device.words, /Generating a clip/);
  await device.until(() => live.clip(0, 0));
  assert.equal(device.light, 'on');
  device.close();
});

test('variations go down the track as scenes, over free slots only, and new scenes are made at the end', async () => {
  const live = new LiveSet({scenes: 4});
  live.addClip(0, 1, 4, [[60, 0, 1]], {name: 'mine'});
  live.highlighted = [0, 0];
  const device = await ready(live);
  device.control('Variations').user(5);
  await sleep(20);
  device.control('Generate').user();
  await device.until(() => live.tracks[0].clips.size === 6);
  assert.deepEqual([...live.tracks[0].clips.keys()].sort(), [0, 1, 2, 3, 4, 5]);
  assert.equal(live.clip(0, 1).name, 'mine');
  assert.equal(live.clip(0, 1).notes.length, 1);
  assert.equal(live.scenes, 6);
  assert.match(live.clip(0, 5).name, / #5$/);
  device.close();
});

test('a highlighted slot that holds a clip is refused in words; next free slots passes it over', async () => {
  const live = new LiveSet();
  live.addClip(0, 3, 4, [[60, 0, 1]], {name: 'mine'});
  live.highlighted = [0, 3];
  const device = await ready(live);
  device.control('Generate').user();
  await device.until(() => device.light === 'fail');
  assert.match(device.words, /The highlighted slot holds a clip/);
  assert.equal(live.tracks[0].clips.size, 1);
  device.control('Destination').user('Next free slots');
  await sleep(20);
  device.control('Write Again').user();
  await device.until(() => live.clip(0, 4));
  assert.equal(live.clip(0, 3).name, 'mine');
  device.close();
});

test('no slot, and a slot on an audio track, are refused in words', async () => {
  const live = new LiveSet({tracks: [{name: 'MIDI'}, {name: 'Audio', audio: true}]});
  const device = await ready(live);
  device.control('Generate').user();
  await device.until(() => /No slot is highlighted/.test(device.words));
  live.highlighted = [1, 0];
  device.control('Write Again').user();
  await device.until(() => /audio track/.test(device.words));
  device.close();
});

test('the arrangement: after what lies there, from Live 12.1 on', async () => {
  const live = new LiveSet({version: [12, 1]});
  live.time = 6;
  live.tracks[0].arrangement.push({start: 8, beats: 4, notes: [], name: 'mine'}, {start: 12, beats: 2, notes: []});
  const device = await ready(live);
  device.control('Destination').user('Arrangement');
  await sleep(20);
  device.control('Generate').user();
  await device.until(() => live.tracks[0].arrangement.length === 3);
  assert.equal(live.tracks[0].arrangement[2].start, 14);
  assert.ok(live.tracks[0].arrangement[2].notes.length > 0);
  device.close();

  const old = new LiveSet({version: [11, 3]});
  const second = await ready(old);
  second.control('Scale').user('Off');
  second.control('Destination').user('Arrangement');
  await sleep(20);
  second.control('Generate').user();
  await second.until(() => /needs Live 12.1/.test(second.words));
  second.close();
});

test('Live 12\'s scale is followed; Live 11 has none and is told so; a chosen scale counts in both', async () => {
  const live = new LiveSet({scale: {mode: 1, root: 2, name: 'Major Pentatonic'}});
  live.highlighted = [0, 0];
  const device = await ready(live);
  device.control('Generate').user();
  await device.until(() => live.clip(0, 0));
  const allowed = [2, 4, 6, 9, 11];
  assert.ok(live.clip(0, 0).notes.every((note) => allowed.includes(note.pitch % 12)));
  assert.match(live.clip(0, 0).name, /D Major Pentatonic$/);
  device.close();

  const old = new LiveSet({version: [11, 3]});
  old.highlighted = [0, 0];
  const second = await ready(old);
  second.control('Generate').user();
  await second.until(() => old.clip(0, 0));
  assert.match(second.words, /has no scale of its own/);
  second.control('Scale').user('Minor');
  second.control('Root').user('A');
  old.highlighted = [0, 1];
  await sleep(20);
  second.control('Generate').user();
  await second.until(() => old.clip(0, 1));
  assert.ok(old.clip(0, 1).notes.every((note) => [9, 11, 0, 2, 4, 5, 7].includes(note.pitch % 12)));
  second.close();
});

test('a device inside a rack finds its own track', async () => {
  const live = new LiveSet({tracks: [{name: 'One'}, {name: 'Two'}]});
  const path = 'live_set tracks 1 devices 0 chains 2 devices 1';
  const device = await ready(live, {path});
  device.control('Destination').user('Next free slots');
  await sleep(20);
  device.control('Generate').user();
  await device.until(() => live.clip(1, 0));
  assert.equal(live.tracks[0].clips.size, 0);
  device.close();
});

test('Vary starts from the grabbed clip, inside its loop, with pitch 127 and without muted notes', async () => {
  const live = new LiveSet();
  live.addClip(0, 0, 16, [[60, 0, 1], [127, 4.25, 0.333], [64, 5, 8], [50, 6, 1, 90, 1], [40, 12, 1]],
    {name: 'mine', loopStart: 4, loopEnd: 12});
  live.highlighted = [0, 0];
  const device = await ready(live);
  device.control('Grab Clip').user();
  await device.until(() => /Took the clip/.test(device.words));
  live.highlighted = [0, 1];
  device.control('Vary Amount').user(40);
  await sleep(20);
  device.control('Vary').user();
  await device.until(() => live.clip(0, 1));
  const upload = device.sent.find(([address]) => address === '/vae/clip/notes');
  assert.deepEqual(upload.slice(4).map((v) => (typeof v === 'number' ? Math.round(v * 1000) / 1000 : v)),
    ['melody', 127, 0.25, 0.333, 100, 64, 1, 7, 100]);
  assert.match(live.clip(0, 1).name, /vary 40% of mine$/);
  device.close();
});

test('a name has the numbers that were sent, of the moment of the click, and so gives the result back', async () => {
  const live = new LiveSet();
  live.highlighted = [0, 0];
  const device = await ready(live, {network: badNetwork({delay: 60})});
  for (const [name, value] of [['Scale', 'Off'], ['Temperature', 0.7777], ['Density', 33.4], ['Seed', 321.4],
    ['Seed Lock', 1]]) device.control(name).user(value);
  await sleep(20);
  device.control('Generate').user();
  await device.until(() => device.light === 'busy');
  device.control('Temperature').user(0.1);
  device.control('Density').user(80);
  await device.until(() => live.clip(0, 0));
  assert.equal(live.clip(0, 0).name, 'melody_test s321 t0.78 d33');
  const [expected] = await clipsFromDaemon('/vae/generate', MELODY, 1, 0.78, 321, 'density', 0.33);
  assert.deepEqual(notesOf(live.clip(0, 0)), expected);

  const first = live.clip(0, 0).name;
  device.control('Density').user(50);
  device.control('Temperature').user(0.5);
  device.control('Vary Amount').user(24.7);
  for (const scene of [1, 2]) {
    live.highlighted = [0, scene];
    await sleep(20);
    device.control('Vary').user();
    await device.until(() => live.clip(0, scene));
  }
  assert.equal(live.clip(0, 1).name, `melody_test s321 t0.5 vary 25% of ${first}`);
  assert.equal(live.clip(0, 2).name, 'melody_test s321 t0.5 vary 25% of melody_test s321 t0.5', 'one step back, not all');
  assert.deepEqual(device.sent.filter(([address]) => address === '/vae/vary').map((message) => message[5]), [0.25, 0.25]);
  device.close();
});

test('Keep Seed locks the seed of the result that is shown, whatever was clicked since', async () => {
  const live = new LiveSet();
  live.highlighted = [0, 0];
  const device = await ready(live);
  device.control('Keep Seed').user();
  await device.until(() => /No seed to keep/.test(device.words));
  const seeds = [];
  for (const scene of [0, 1]) {
    live.highlighted = [0, scene];
    device.control('Generate').user();
    await device.until(() => live.clip(0, scene));
    seeds.push(Number(/ s(\d+) /.exec(live.clip(0, scene).name)[1]));
  }
  const kept = async () => {
    device.control('Seed Lock').user(0);
    device.control('Keep Seed').user();
    await device.until(() => device.control('Seed Lock').value() === 1);
    return device.control('Seed').value();
  };
  device.control('Previous Result').user();
  await sleep(20);
  assert.equal(await kept(), seeds[0]);
  device.control('Next Result').user();
  await sleep(20);
  assert.equal(await kept(), seeds[1]);

  device.control('Seed Lock').user(0);
  device.script.settings.model = 'no such model';
  device.control('Generate').user();
  await device.until(() => device.light === 'fail');
  assert.equal(await kept(), seeds[1], 'a click that failed made nothing');

  live.highlighted = [0, 0];
  device.control('Grab Clip').user();
  await device.until(() => /Took the clip/.test(device.words));
  device.control('Keep Seed').user();
  await device.until(() => /No seed to keep/.test(device.words));
  device.close();
});

test('a preset with the lock on brings its own seed, in whatever order its values come', async () => {
  for (const order of [['Seed', 'Seed Lock'], ['Seed Lock', 'Seed']]) {
    const live = new LiveSet();
    live.highlighted = [0, 0];
    const device = await ready(live);
    device.control('Generate').user();
    await device.until(() => live.clip(0, 0));
    const preset = {...device.state(), Seed: [777], 'Seed Lock': [1]};
    const values = Object.entries(preset).sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
    device.restore(Object.fromEntries(values));
    await sleep(100);
    assert.equal(device.control('Seed').value(), 777);
    live.highlighted = [0, 1];
    device.control('Generate').user();
    await device.until(() => live.clip(0, 1));
    assert.match(live.clip(0, 1).name, / s777 /);
    device.close();
  }
});

test('a clip that is grabbed before the daemon is heard of becomes what the model takes when it is asked', async () => {
  const live = new LiveSet();
  live.addClip(0, 0, 8, [[36, 0, 0.25], [38, 1, 0.25], [42, 1, 0.25], [36, 4, 0.25]], {name: 'beat'});
  live.highlighted = [0, 0];
  const device = open('MusicVAE Generate', {port: PORT, live, network: badNetwork({delay: 150})});
  await sleep(50);
  device.control('Grab Clip').user();
  await device.until(() => device.view.script.global.shownClip);
  assert.equal(device.script.device.list.length, 0, 'no list yet');
  await device.ready();
  device.of('umenu')[0].user('drums_test');
  live.highlighted = [0, 1];
  await sleep(20);
  device.control('Vary').user();
  await device.until(() => live.clip(0, 1));
  const upload = device.sent.find(([address]) => address === '/vae/clip/notes');
  assert.deepEqual(upload.slice(4).filter((value) => typeof value === 'string' || value > 30), ['drums', 36, 100, 38, 100,
    42, 100, 36, 100]);
  const state = device.state();
  device.close();

  const alone = open('MusicVAE Generate', {port: 9, live, state: {...state, 'Daemon Port': [9]}});
  live.highlighted = [0, 0];
  await sleep(50);
  alone.control('Grab Clip').user();
  await alone.until(() => alone.view.script.global.shownClip);
  assert.ok(alone.view.script.global.shownClip.notes.every(({part}) => part === 'drums'), 'the set knows its model');
  assert.equal(alone.of('umenu')[0].selected(), 'drums_test');
  alone.close();
});

test('where Live makes no more scenes, that is said, and nothing is written', async () => {
  const live = new LiveSet({scenes: 2, mostScenes: 3});
  live.addClip(0, 1, 4, [[60, 0, 1]], {name: 'mine'});
  live.highlighted = [0, 0];
  const device = await ready(live);
  device.control('Variations').user(3);
  await sleep(20);
  device.control('Generate').user();
  await device.until(() => /Live makes no more scenes/.test(device.words));
  assert.equal(device.light, 'fail');
  assert.equal(live.tracks[0].clips.size, 1);
  device.close();
});

test('previous and next walk through the results; the preset and the kept seed bring a result back', async () => {
  const live = new LiveSet();
  live.highlighted = [0, 0];
  const device = await ready(live);
  device.control('Generate').user();
  await device.until(() => live.clip(0, 0));
  const first = live.clip(0, 0).name;
  live.highlighted = [0, 1];
  device.control('Generate').user();
  await device.until(() => live.clip(0, 1));
  assert.notEqual(live.clip(0, 1).name, first, 'an open seed is new for every click');
  const view = device.view.script.global;
  assert.match(view.shownClip.name, /^2\/2 /);
  device.control('Previous Result').user();
  await device.until(() => view.shownClip.name === `1/2  ${first}`);
  device.control('Next Result').user();
  device.control('Keep Seed').user();
  const seed = () => Number(/ s(\d+) /.exec(live.clip(0, 1).name)[1]);
  await device.until(() => device.control('Seed').value() === seed(), 1000);
  const state = device.state();
  device.close();

  live.highlighted = [0, 2];
  const again = open('MusicVAE Generate', {port: PORT, live, state: {...state, 'Daemon Port': [PORT]}});
  await again.ready();
  again.control('Generate').user();
  await again.until(() => live.clip(0, 2));
  assert.equal(live.clip(0, 2).name, live.clip(0, 1).name);
  assert.deepEqual(notesOf(live.clip(0, 2)), notesOf(live.clip(0, 1)));
  again.close();
});

test('a preset load starts nothing twice', async () => {
  const live = new LiveSet();
  live.highlighted = [0, 0];
  const device = await ready(live);
  device.restore({...device.state(), Temperature: [1.5]});
  device.restore(device.state());
  await sleep(200);
  const before = device.sent.filter(([address]) => address === '/vae/hello').length;
  await sleep(1500);
  assert.ok(device.sent.filter(([address]) => address === '/vae/hello').length - before <= 2, 'one session greets');
  device.control('Generate').user();
  await device.until(() => live.clip(0, 0));
  assert.equal(live.tracks[0].clips.size, 1);
  device.close();
});

test('nothing depends on the order in which cords of one outlet fire', async () => {
  const live = new LiveSet();
  live.highlighted = [0, 0];
  const device = await ready(live, {reversed: true});
  device.control('Generate').user();
  await device.until(() => live.clip(0, 0));
  device.close();
});

test('clicks while the device still loads do nothing, and nothing breaks', async () => {
  for (const [name, buttons] of [['MusicVAE Generate', ['Generate', 'Vary', 'Grab Clip', 'Write Again']],
    ['MusicVAE Morph', ['Grab A', 'Fill Corners', 'Write Clip']], ['MusicVAE Trio', ['Generate', 'Refresh Tracks']],
    ['MusicVAE Generator', ['Apply']]]) {
    const device = open(name, {port: PORT});
    device.thisDevice.loaded = () => {};
    buttons.forEach((button) => device.control(button).user());
    await sleep(60);
    assert.deepEqual(device.sent, []);
    device.close();
  }
});

test('notes played on the track pass through', async () => {
  const device = open('MusicVAE Generate', {port: PORT});
  device.midiIn.forEach((play) => { play([0x90, 64, 100]); play([0x80, 64, 0]); });
  assert.deepEqual(device.midiOut.map(({status, pitch}) => [status, pitch]), [[0x90, 64], [0x80, 64]]);
  device.close();
});
