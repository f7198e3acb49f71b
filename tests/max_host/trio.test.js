'use strict';
const test = require('node:test');
const assert = require('node:assert/strict');
const {open, LiveSet} = require('./host');
const {PORT, notesOf, sleep} = require('./helpers');

const TRACKS = [{name: 'Keys'}, {name: 'Voice', audio: true}, {name: 'Low End'}, {name: 'Kit'}];

async function ready(live, model) {
  const device = open('MusicVAE Trio', {port: PORT, live});
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
  assert.deepEqual(menus.lead.items(), ['Keys', 'Low End', 'Kit'], 'audio tracks are not offered');
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
