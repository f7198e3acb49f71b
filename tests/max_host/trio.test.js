'use strict';
const test = require('node:test');
const assert = require('node:assert/strict');
const {open, LiveSet} = require('./host');
const {PORT, badNetwork, notesOf, sleep} = require('./helpers');

const TRACKS = [{name: 'Keys'}, {name: 'Voice', audio: true}, {name: 'Low End'}, {name: 'Kit'}];

async function ready(live, model, options = {}) {
  const device = open('MusicVAE Trio', {port: PORT, live, ...options});
  await device.ready();
  const [, lead, bass, drums] = device.of('umenu');
  device.of('umenu')[0].user(model);
  await sleep(20);
  return {device, menus: {lead, bass, drums}};
}

test('three clips of one piece go to three tracks in one free scene, one undo step each, all named alike', async () => {
  const live = new LiveSet({tracks: TRACKS});
  live.addClip(2, 0, 4, [[40, 0, 1]], {name: 'mine'});
  live.highlighted = [0, 0];
  const {device, menus} = await ready(live, 'trio_test');
  assert.deepEqual(menus.lead.items(), ['Choose a track', 'Keys', 'Low End', 'Kit'], 'audio tracks are not offered');
  assert.equal(menus.lead.selected(), 'Choose a track', 'none is chosen yet');
  menus.lead.user('Keys');
  menus.bass.user('Low End');
  menus.drums.user('Kit');
  await sleep(20);
  device.control('Generate').user();
  await device.until(() => /Wrote three clips/.test(device.words), 20000);
  const made = [0, 2, 3].map((track) => live.clip(track, 1));
  assert.equal(new Set(made.map((clip) => clip.name)).size, 1);
  assert.ok(made.every((clip) => clip.beats === 64 && clip.notes.length > 0));
  assert.deepEqual(live.undo, Array(3).fill(['create', 'notes', 'name']));
  const shown = Array.from(device.view.script.global.shownClip.notes, (note) => note);
  for (const [part, clip] of [['lead', made[0]], ['bass', made[1]], ['drums', made[2]]]) {
    const wanted = shown.filter((n) => n.part === part).map((n) => [n.pitch, n.start, n.duration, n.velocity]);
    assert.deepEqual(notesOf(clip), wanted.sort((a, b) => a[1] - b[1] || a[0] - b[0]));
  }
  assert.equal(live.clip(2, 0).name, 'mine');

  const state = device.state();
  device.close();
  const again = open('MusicVAE Trio', {port: PORT, live, state: {...state, 'Daemon Port': [PORT]}});
  await again.ready();
  again.control('Generate').user();
  await again.until(() => live.clip(3, 2), 20000);
  again.close();
});

async function chosen(live, names, options) {
  const {device, menus} = await ready(live, 'trio_test', options);
  Object.values(menus).forEach((menu, i) => menu.user(names[i]));
  await sleep(20);
  return {device, menus};
}

test('a chosen track that is deleted while the piece is made: that is said, and nothing is written', async () => {
  const live = new LiveSet({tracks: TRACKS});
  const {device} = await chosen(live, ['Keys', 'Low End', 'Kit'], {network: badNetwork({delay: 60})});
  device.control('Generate').user();
  await device.until(() => device.light === 'busy');
  live.deleteTrack(3);
  await device.until(() => device.light === 'fail', 20000);
  assert.match(device.words, /no longer in the set/);
  assert.equal(live.scenes, 8);
  assert.deepEqual(live.tracks.map((track) => track.clips.size), [0, 0, 0]);
  device.close();
});

test('a frozen track is said before anything is written, and the scene is that of the click', async () => {
  const live = new LiveSet({tracks: TRACKS});
  live.highlighted = [0, 3];
  const {device} = await chosen(live, ['Keys', 'Low End', 'Kit'], {network: badNetwork({delay: 60})});
  device.control('Generate').user();
  await device.until(() => device.light === 'busy');
  live.highlighted = [0, 6];
  await device.until(() => /^Wrote three clips to scene 4/.test(device.words), 20000);
  live.tracks[3].frozen = true;
  device.control('Generate').user();
  await device.until(() => device.words === 'The track Kit is frozen: unfreeze it first', 20000);
  assert.deepEqual(live.tracks.map((track) => track.clips.size), [1, 0, 1, 1]);
  device.control('Refresh Tracks').user();
  await device.until(() => device.words === 'The set has 3 MIDI tracks');
  device.close();
});

test('tracks that are moved while the piece is made get their own parts', async () => {
  const live = new LiveSet({tracks: TRACKS});
  const {device} = await chosen(live, ['Keys', 'Low End', 'Kit'], {network: badNetwork({delay: 60})});
  device.control('Generate').user();
  await device.until(() => device.light === 'busy');
  live.addTrack(0, {name: 'New'});
  live.tracks[1].name = 'Piano';
  await device.until(() => /Wrote three clips/.test(device.words), 20000);
  assert.deepEqual(live.tracks.map((track) => track.clips.size), [0, 1, 0, 1, 1]);
  device.control('Refresh Tracks').user();
  await device.until(() => device.of('umenu')[1].selected() === 'Piano', 1000);
  device.close();
});

test('tracks are told apart by number where their names are the same, and names are taken whole', async () => {
  const names = ['01 Bass', 'Bass', 'Bass', 'Kit, old; $1', 'none'];
  const live = new LiveSet({tracks: names.map((name) => ({name}))});
  const labels = ['01 Bass', '2: Bass', '3: Bass', 'Kit, old; $1', 'none'];
  const {device, menus} = await chosen(live, ['01 Bass', '3: Bass', 'Kit, old; $1']);
  assert.deepEqual(menus.bass.items(), ['Choose a track', ...labels]);
  device.control('Generate').user();
  await device.until(() => /Wrote three clips/.test(device.words), 20000);
  assert.deepEqual(live.tracks.map((track) => track.clips.size), [1, 0, 1, 1, 0]);
  menus.lead.user('none');
  await sleep(20);
  const state = JSON.parse(JSON.stringify(device.state()));
  device.close();

  const again = open('MusicVAE Trio', {port: PORT, live, state: {...state, 'Daemon Port': [PORT]}});
  await again.ready();
  assert.deepEqual(again.of('umenu').slice(1).map((menu) => menu.selected()), ['none', '3: Bass', 'Kit, old; $1']);
  live.deleteTrack(1); // the other Bass: the third track is the second now, and its name its own
  again.control('Generate').user();
  await again.until(() => /Wrote three clips/.test(again.words), 20000);
  assert.deepEqual(live.tracks.map((track) => track.clips.size), [1, 2, 2, 1]);
  assert.equal(again.of('umenu')[2].selected(), 'Bass');
  again.of('umenu')[2].user('Choose a track');
  await sleep(20);
  again.control('Generate').user();
  await again.until(() => /Choose a MIDI track for the bass/.test(again.words));
  again.close();
});

test('Live 11 has no scale of its own: the piece is made in none, and that is said', async () => {
  const live = new LiveSet({tracks: TRACKS, version: [11, 3]});
  const {device} = await chosen(live, ['Keys', 'Low End', 'Kit']);
  device.control('Generate').user();
  await device.until(() => live.clip(3, 0), 20000);
  assert.match(device.words, /^Wrote three clips to scene 1\. This Live has no scale of its own/);
  device.close();
});

test('a 32-bar melody goes to the lead track', async () => {
  const live = new LiveSet({tracks: TRACKS});
  const {device, menus} = await ready(live, 'long_test');
  menus.lead.user('Keys');
  await sleep(20);
  device.control('Generate').user();
  await device.until(() => live.clip(0, 0), 20000);
  assert.equal(live.clip(0, 0).beats, 128);
  assert.ok(live.clip(0, 0).notes.some((note) => note.start_time > 100));
  device.close();
});

test('a missing track and a track named twice are said in words', async () => {
  const live = new LiveSet({tracks: TRACKS});
  const {device, menus} = await ready(live, 'trio_test');
  device.control('Generate').user();
  await device.until(() => /Choose a MIDI track for the lead/.test(device.words));
  menus.lead.user('Keys');
  menus.bass.user('Keys');
  menus.drums.user('Kit');
  await sleep(20);
  device.control('Generate').user();
  await device.until(() => /Two parts are on the track Keys/.test(device.words));
  live.tracks[0].name = 'Piano';
  device.control('Refresh Tracks').user();
  await device.until(() => menus.lead.items().includes('Piano'));
  device.close();
});
