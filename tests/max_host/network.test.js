'use strict';
const test = require('node:test');
const assert = require('node:assert/strict');
const {spawn} = require('child_process');
const dgram = require('dgram');
const fs = require('fs');
const os = require('os');
const path = require('path');
const osc = require('./osc');
const {open, LiveSet} = require('./host');
const {PORT, badNetwork, clipsFromDaemon, notesOf, sleep} = require('./helpers');
const {BAR, grabbed, onsets} = require('./morph');

async function locked(live, seed, options = {}) {
  const device = open('MusicVAE Generate', {port: PORT, live, ...options});
  await device.ready(20000);
  device.of('umenu')[0].user(options.model || 'melody_test');
  device.control('Seed').user(seed);
  device.control('Seed Lock').user(1);
  device.control('Scale').user('Off');
  await sleep(20);
  return device;
}

test('a quarter of all packets lost both ways: every note arrives, and nothing is written twice', async () => {
  for (const seed of [1, 2]) {
    const network = badNetwork({loss: 0.25, seed});
    const live = new LiveSet();
    live.highlighted = [0, 0];
    const device = await locked(live, 40 + seed, {network});
    device.control('Variations').user(6);
    await sleep(20);
    device.control('Generate').user();
    await device.until(() => live.tracks[0].clips.size === 6, 20000);
    await sleep(300);
    assert.equal(live.tracks[0].clips.size, 6);
    const expected = await clipsFromDaemon('/vae/generate', 'melody_test', 6, 0.5, 40 + seed);
    assert.deepEqual([0, 1, 2, 3, 4, 5].map((scene) => notesOf(live.clip(0, scene))), expected);
    assert.ok(network.counts.lost > 5, `${network.counts.lost} packets were lost`);
    device.close();
  }
});

test('an answer of one clip that is lost but for its end is fetched again', async () => {
  let left = 3; // begin, notes and end of the clip
  const network = {out: (message, send) => send(), in: ([address], deliver) => {
    if (address.startsWith('/vae/clip/') && left-- > 0) return;
    deliver();
  }};
  const live = new LiveSet();
  live.highlighted = [0, 0];
  const device = await locked(live, 77, {network});
  device.control('Generate').user();
  await device.until(() => /^Wrote /.test(device.words), 40000);
  assert.match(device.words, /^Wrote a clip/);
  assert.deepEqual([notesOf(live.clip(0, 0))], await clipsFromDaemon('/vae/generate', 'melody_test', 1, 0.5, 77));
  device.close();
});

test('the first greeting goes to the port that the set stores', async () => {
  const daemon = dgram.createSocket('udp4');
  const first = new Promise((resolve) => { daemon.on('message', (data) => resolve(osc.decode(data))); });
  await new Promise((resolve) => { daemon.bind(0, '127.0.0.1', resolve); });
  const device = open('MusicVAE Generate', {port: daemon.address().port});
  const {address, atoms} = await first;
  assert.deepEqual([address, ...atoms], device.sent[0]);
  daemon.close();
  device.close();
});

test('a clip for the daemon arrives also when its beginning is lost, and then some of its notes time and again', async () => {
  const lost = {'/vae/clip/begin': 1, '/vae/clip/notes': 6};
  const network = {out: ([address], send) => {
    if (lost[address]-- > 0) return;
    send();
  }, in: (message, deliver) => deliver()};
  const {device} = await grabbed({network});
  assert.equal(device.script.grid.cells.length, 5);
  device.close();
});

test('a big grid through a lossy network arrives whole', async () => {
  const live = new LiveSet();
  const device = open('MusicVAE Morph', {port: PORT, live, network: badNetwork({loss: 0.15, seed: 9})});
  await device.ready(20000);
  device.of('umenu')[0].user('drums_test');
  await sleep(20);
  device.control('Fill Corners').user();
  await device.until(() => device.script.grid, 40000);
  assert.equal(device.script.grid.cells.length, 81);
  device.close();
});

test('answers 400 ms late are answers', async () => {
  const live = new LiveSet();
  live.highlighted = [0, 0];
  const device = await locked(live, 5, {network: badNetwork({delay: 200})});
  device.control('Generate').user();
  await device.until(() => live.clip(0, 0), 20000);
  assert.deepEqual([notesOf(live.clip(0, 0))], await clipsFromDaemon('/vae/generate', 'melody_test', 1, 0.5, 5));
  device.close();
});

test('five instances in one set, at once: each has its own notes on its own track', async () => {
  const tracks = [0, 1, 2, 3, 4].map((i) => ({name: `Track ${i}`}));
  const live = new LiveSet({tracks});
  const devices = await Promise.all(tracks.map((_, i) =>
    locked(live, 1000 + i, {path: `live_set tracks ${i} devices 0`})));
  devices.forEach((device) => device.control('Destination').user('Next free slots'));
  await sleep(30);
  devices.forEach((device) => device.control('Generate').user());
  for (let i = 0; i < 5; i++) {
    await devices[i].until(() => live.clip(i, 0), 20000);
    const expected = await clipsFromDaemon('/vae/generate', 'melody_test', 1, 0.5, 1000 + i);
    assert.deepEqual([notesOf(live.clip(i, 0))], expected);
  }
  devices.forEach((device) => device.close());
});

test('a reply port that another program holds is given up for another one', async () => {
  const holder = dgram.createSocket('udp4');
  const live = new LiveSet();
  const random = Math.random;
  await new Promise((resolve) => { holder.bind(20000 + Math.floor(0.25 * 29000), '127.0.0.1', resolve); });
  let first = true;
  const device = open('MusicVAE Generate', {port: PORT, live});
  device.of('js')[0].script.global.Math.random = () => { // the first port that is drawn is the taken one
    const value = first ? 0.25 : random();
    return value;
  };
  await sleep(100);
  assert.equal(device.script.session.port, 20000 + Math.floor(0.25 * 29000));
  first = false;
  await device.ready(10000);
  assert.notEqual(device.script.session.port, 20000 + Math.floor(0.25 * 29000));
  device.of('js')[0].script.global.Math.random = random;
  holder.close();
  device.close();
});

function freePort() {
  const probe = dgram.createSocket('udp4');
  return new Promise((resolve) => {
    probe.bind(0, '127.0.0.1', () => {
      const {port} = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

function serve(port, folder, model) {
  const root = path.join(__dirname, '..', '..');
  return spawn(process.env.MUSICVAE_TEST_PYTHON, [path.join(root, 'cli.py'), 'serve', '--port', String(port),
    '--folders', folder, '--models', model], {cwd: root, stdio: 'ignore'});
}

test('the daemon is killed and comes back with other models: the devices say so and need no click; a plane plays on',
  async (t) => {
    const port = await freePort();
    const folder = process.env.MUSICVAE_TEST_MODELS;
    let daemon = serve(port, folder, 'melody_test');
    const other = fs.mkdtempSync(path.join(os.tmpdir(), 'models-'));
    t.after(() => { // also where the test fails: a running child would keep node from ending
      daemon.kill('SIGKILL');
      fs.rmSync(other, {recursive: true});
    });
    for (const name of ['drums_test', 'long_test']) fs.cpSync(path.join(folder, name), path.join(other, name), {recursive: true});
    const live = new LiveSet();
    live.highlighted = [0, 0];
    const device = await locked(live, 8, {port});
    const {device: plane} = await grabbed(); // made by the tests' daemon, which is not killed
    plane.control('Daemon Port').user(port);
    plane.control('X').user(0);
    plane.scheduler.play();
    daemon.kill('SIGKILL');
    await device.until(() => /stopped answering/.test(device.words), 5000);
    assert.equal(device.light, 'off');
    device.control('Generate').user();
    await device.until(() => /No daemon answers/.test(device.words), 1000);
    assert.equal(live.tracks[0].clips.size, 0);
    await plane.advance(4 * BAR);
    assert.ok(onsets(plane, 2 * BAR, 4 * BAR).length > 0, 'the show goes on');

    daemon = serve(port, other, 'long_test');
    await device.ready(60000);
    device.control('Generate').user();
    await device.until(() => /unknown_model|no model 'melody_test'/.test(device.words), 20000);
    device.of('umenu')[0].user('drums_test'); // installed, but not among the models that this daemon was started with
    await sleep(20);
    device.control('Generate').user();
    await device.until(() => /^Loading drums_test/.test(device.words), 2000);
    await device.until(() => live.clip(0, 0), 110000);
    device.close();

    await plane.until(() => plane.light === 'on', 20000); // it may not have seen a daemon that was back so soon go away
    plane.control('Make Plane').user();
    await plane.until(() => /no model 'melody_test'/.test(plane.words), 20000);
    await plane.advance(2 * BAR);
    assert.ok(onsets(plane, 4 * BAR, 6 * BAR).length > 0, 'also after a plane that could not be made');
    plane.of('umenu')[0].user('drums_test');
    await sleep(20);
    plane.control('Make Plane').user();
    await plane.until(() => plane.script.grid.model === 'drums_test', 20000);
    plane.close();
  });
