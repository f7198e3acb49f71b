// What the tests of MusicVAE Morph share: a device with two grabbed corners, and what it played.
'use strict';
const {open, LiveSet} = require('./host');
const {PORT, sleep} = require('./helpers');

const SIXTEENTH = 125; // ms at 120 beats a minute
const BAR = 16 * SIXTEENTH;
const DRUMS = [[36, 0, 0.25], [38, 1, 0.25], [36, 2, 0.25], [38, 3, 0.25]];
const OTHER = [[42, 0, 0.25], [42, 0.5, 0.25], [46, 1, 0.25], [36, 2.5, 0.25]];

async function grabbed(options = {}, live = new LiveSet()) {
  live.addClip(0, 0, 4, DRUMS, {name: 'first'});
  live.addClip(0, 1, 4, OTHER, {name: 'second'});
  const device = open('MusicVAE Morph', {port: PORT, live, ...options});
  await device.ready();
  device.of('umenu')[0].user(options.model || 'melody_test');
  device.control('Corners').user('2');
  device.control('Steps').user('5');
  await sleep(20);
  for (const [scene, button] of [[0, 'Grab A'], [1, 'Grab B']]) {
    live.highlighted = [0, scene];
    device.control(button).user();
    await sleep(20);
  }
  await device.until(() => device.script.grid, 20000);
  await device.until(() => device.light === 'on');
  return {device, live};
}

const onsets = (device, from, to) => device.midiOut.filter((e) => e.velocity > 0 && e.time >= from && e.time < to);

function hanging(device) {
  const held = new Set();
  for (const {pitch, velocity} of device.midiOut) if (velocity) held.add(pitch); else held.delete(pitch);
  return [...held];
}

module.exports = {BAR, SIXTEENTH, grabbed, hanging, onsets};
