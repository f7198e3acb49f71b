// What users do in the middle of things: while an answer travels, while Live plays, with sets that are empty or full.
'use strict';
const test = require('node:test');
const assert = require('node:assert/strict');
const {open, LiveSet} = require('./host');
const {PORT, badNetwork, notesOf, sleep} = require('./helpers');

const SLOW = () => badNetwork({delay: 60}); // time to do something between a click and its answer
const settle = () => sleep(20);

async function ready(live, options = {}) {
  const device = open('MusicVAE Generate', {port: PORT, live, ...options});
  await device.ready();
  device.of('umenu')[0].user('melody_test');
  await settle();
  return device;
}

/** Click Generate, do something once the device is at work, and wait for its outcome. */
async function meanwhile(device, action) {
  device.control('Generate').user();
  await device.until(() => device.light === 'busy');
  action();
  await device.until(() => device.light !== 'busy', 20000);
}

test('a clip goes to the slot that was highlighted at the click, wherever the user looks meanwhile', async () => {
  const live = new LiveSet({tracks: [{name: 'A'}, {name: 'B'}]});
  live.addClip(1, 3, 4, [[60, 0, 1]], {name: 'mine'});
  live.highlighted = [0, 2];
  const device = await ready(live, {network: SLOW()});
  await meanwhile(device, () => { live.highlighted = [1, 3]; });
  assert.match(device.words, /^Wrote a clip to A, scene 3/);
  assert.deepEqual([[...live.tracks[0].clips.keys()], [...live.tracks[1].clips.keys()]], [[2], [3]]);

  await meanwhile(device, () => { live.highlighted = [0, 6]; });
  assert.match(device.words, /The highlighted slot holds a clip/);
  assert.equal(live.clip(0, 6), undefined);

  device.control('Destination').user('Next free slots');
  live.highlighted = [0, 4];
  await settle();
  await meanwhile(device, () => { live.highlighted = [0, 0]; live.addTrack(0, {name: 'New'}); });
  assert.match(device.words, /^Wrote a clip to A, scene 5/);
  assert.ok(live.clip(1, 4), 'the device\'s track is the second now');
  device.close();
});

test('a slot that the user fills meanwhile is left alone, and the result is not lost', async () => {
  const live = new LiveSet();
  live.highlighted = [0, 2];
  const device = await ready(live, {network: SLOW()});
  await meanwhile(device, () => live.addClip(0, 2, 4, [[60, 0, 1]], {name: 'mine'}));
  assert.match(device.words, /The highlighted slot holds a clip/);
  assert.deepEqual([live.clip(0, 2).name, live.clip(0, 2).notes.length], ['mine', 1]);
  live.highlighted = [0, 3];
  device.control('Write Again').user();
  await device.until(() => live.clip(0, 3));
  device.close();
});

test('a track or a scene that is deleted meanwhile is said; a scene above it only moves the slot', async () => {
  const live = new LiveSet({tracks: [{name: 'Own'}, {name: 'Other'}]});
  live.highlighted = [0, 5];
  const device = await ready(live, {network: SLOW(), path: 'live_set tracks 1 devices 0'});
  await meanwhile(device, () => live.deleteScene(0));
  assert.match(device.words, /^Wrote a clip to Own, scene 5/);
  assert.ok(live.clip(0, 4));
  await settle();
  live.highlighted = [0, 5];
  await meanwhile(device, () => live.deleteScene(5));
  assert.equal(device.light, 'fail');
  assert.match(device.words, /The scene that was highlighted is no longer in the set/);
  await meanwhile(device, () => live.deleteTrack(0));
  assert.match(device.words, /no longer in the set/);
  assert.equal(live.tracks[0].clips.size, 0, 'and not the track that took its place');
  device.close();
});

test('a frozen track is refused in words, and can be grabbed from', async () => {
  const live = new LiveSet({tracks: [{name: 'A', frozen: true}]});
  live.addClip(0, 0, 8, [[60, 0, 1]], {name: 'mine'});
  live.highlighted = [0, 1];
  const device = await ready(live);
  for (const destination of ['Highlighted slot', 'Next free slots', 'Arrangement']) {
    device.control('Destination').user(destination);
    await settle();
    await meanwhile(device, () => {});
    assert.equal(device.words, 'The track A is frozen: unfreeze it first', destination);
  }
  live.highlighted = [0, 0];
  device.control('Grab Clip').user();
  await device.until(() => /Took the clip/.test(device.words));
  device.close();
});

test('undone right after Generate, a result is written again as it was', async () => {
  const live = new LiveSet();
  live.highlighted = [0, 0];
  const device = await ready(live);
  await meanwhile(device, () => {});
  const {name} = live.clip(0, 0);
  const notes = notesOf(live.clip(0, 0));
  live.tracks[0].clips.delete(0); // one step of undo
  device.control('Write Again').user();
  await device.until(() => live.clip(0, 0));
  assert.deepEqual([live.clip(0, 0).name, notesOf(live.clip(0, 0))], [name, notes]);
  device.close();
});

test('16 variations where the set has too few scenes: one undo step for the scenes, and one a clip', async () => {
  const live = new LiveSet({scenes: 4});
  live.highlighted = [0, 2];
  const device = await ready(live);
  device.control('Variations').user(16);
  await settle();
  await meanwhile(device, () => {});
  assert.match(device.words, /^Wrote 16 clips/);
  assert.equal(live.scenes, 18);
  assert.deepEqual(live.undo, [Array(14).fill('scene'), ...Array(16).fill(['create', 'notes', 'name'])]);
  device.close();
});

test('a scale that is changed meanwhile counts for the next click', async () => {
  const live = new LiveSet({scale: {mode: 1, root: 0, name: 'Minor'}});
  live.highlighted = [0, 0];
  const device = await ready(live, {network: SLOW()});
  await meanwhile(device, () => { live.scale = {mode: 1, root: 2, name: 'Major'}; });
  assert.match(live.clip(0, 0).name, /C Minor$/);
  assert.ok(live.clip(0, 0).notes.every(({pitch}) => [0, 2, 3, 5, 7, 8, 10].includes(pitch % 12)));
  live.highlighted = [0, 1];
  await meanwhile(device, () => { live.scale.mode = 0; });
  assert.match(live.clip(0, 1).name, /D Major$/);
  device.close();
});

test('a device that is duplicated, and one that is moved to another track, go on with their settings', async () => {
  const live = new LiveSet({tracks: [{name: 'A'}, {name: 'B'}]});
  const device = await ready(live);
  device.control('Destination').user('Next free slots');
  await settle();
  const state = device.state();
  const copy = open('MusicVAE Generate', {port: PORT, live, state, path: 'live_set tracks 1 devices 0'});
  await copy.ready();
  assert.equal(copy.of('umenu')[0].selected(), 'melody_test');
  assert.notEqual(copy.script.session.port, device.script.session.port);
  for (const one of [device, copy]) one.control('Generate').user();
  await device.until(() => live.clip(0, 0));
  await copy.until(() => live.clip(1, 0));
  assert.notEqual(live.clip(0, 0).name, live.clip(1, 0).name, 'each has drawn its own seed');
  device.close();
  await settle();
  copy.control('Generate').user();
  await copy.until(() => live.clip(1, 1));
  copy.close();
});

test('a deleted device sends nothing more', async () => {
  const device = await ready(new LiveSet());
  device.script.notifydeleted();
  const sent = device.sent.length;
  await sleep(1300);
  assert.equal(device.sent.length, sent);
  device.close();
});

test('a group, and an empty set, are said in words', async () => {
  const live = new LiveSet({tracks: [{name: 'A'}, {name: 'Group', audio: true}]});
  live.highlighted = [1, 0];
  const device = await ready(live);
  for (const button of ['Grab Clip', 'Generate']) {
    device.script.say('on', '');
    device.control(button).user();
    await device.until(() => /on an audio track or a group/.test(device.words), 20000);
  }
  live.highlighted = [0, 0];
  device.control('Grab Clip').user();
  await device.until(() => /The highlighted slot is empty/.test(device.words));
  live.highlighted = null; // a return or the master: they have no clip slots
  device.control('Grab Clip').user();
  await device.until(() => /No slot is highlighted: click one on a MIDI track/.test(device.words));
  device.close();
});

test('in the Arrangement View the selected clip is grabbed', async () => {
  const live = new LiveSet();
  const note = {pitch: 72, start_time: 1, duration: 1, velocity: 90, mute: 0};
  live.tracks[0].arrangement.push({name: 'mine', start: 16, beats: 8, looping: 0, notes: [note]});
  live.addClip(0, 0, 4, [[60, 0, 1]], {name: 'other'});
  live.highlighted = [0, 0];
  live.view = 'Arranger';
  const device = await ready(live);
  device.control('Grab Clip').user();
  await device.until(() => /No clip is selected: click one in the Arrangement/.test(device.words));
  live.detail = 'live_set tracks 0 arrangement_clips 0';
  device.control('Grab Clip').user();
  await device.until(() => /Took the clip/.test(device.words));
  const shown = device.view.script.global.shownClip;
  assert.match(shown.name, /mine$/);
  assert.deepEqual([...shown.notes].map(({pitch, start}) => [pitch, start]), [[72, 1]]);
  device.close();
});

test('in the arrangement a clip begins on a sixteenth that was chosen, or on the next bar', async () => {
  const cases = [[6.25, [4, 4], 6.25], [6.37, [4, 4], 8], [6.37, [3, 4], 9], [6.37, [7, 8], 7]];
  for (const [time, signature, expected] of cases) {
    const live = new LiveSet();
    Object.assign(live, {time, signature});
    const device = await ready(live);
    device.control('Destination').user('Arrangement');
    await settle();
    await meanwhile(device, () => {});
    assert.equal(live.tracks[0].arrangement[0].start, expected, `${time} in ${signature.join('/')}`);
    device.close();
  }
});

test('what the daemon tells unasked leaves the outcome of the last click to be read', async () => {
  const live = new LiveSet();
  live.highlighted = [0, 0];
  const device = await ready(live);
  await meanwhile(device, () => {});
  const {words} = device;
  const tell = async (event) => {
    device.script.session.receive('/vae/notice', [0, event, 'another']);
    await sleep(150);
  };
  await tell('model loaded');
  assert.equal(device.words, words);
  await tell('model failed');
  assert.equal(device.words, 'model failed: another');
  assert.equal(device.light, 'fail');
  device.close();
});

test('what can be done without a daemon does not light the green light', async () => {
  const live = new LiveSet();
  live.addClip(0, 0, 8, [[60, 0, 1]], {name: 'mine'});
  live.highlighted = [0, 0];
  const device = open('MusicVAE Generate', {port: 9, live});
  await sleep(60);
  device.control('Grab Clip').user();
  await device.until(() => /Took the clip/.test(device.words));
  assert.equal(device.light, 'off');
  device.close();
});

test('the menu offers models for one track', async () => {
  const device = await ready(new LiveSet());
  const items = device.of('umenu')[0].items();
  assert.ok(items.includes('drums_test') && items.includes('long_test'));
  assert.ok(!items.some((item) => /^trio/.test(item)), 'a trio is the Trio device\'s');
  device.close();
});
