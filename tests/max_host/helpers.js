// What the tests share: the daemon that the tests were started with, a client of it, and a network that loses packets.
'use strict';
const dgram = require('dgram');
const osc = require('./osc');

const PORT = Number(process.env.MUSICVAE_TEST_PORT);
if (!PORT) throw new Error('these tests need a daemon: pytest tests/ableton starts one and runs them');

/** Ask the daemon directly, as any OSC client would. Resolves to each clip's [[pitch, start, duration, velocity]]. */
function clipsFromDaemon(address, ...args) {
  const socket = dgram.createSocket('udp4');
  const clips = [];
  return new Promise((resolve, reject) => {
    socket.on('message', (data) => {
      const {address: reply, atoms} = osc.decode(data);
      if (reply === '/vae/clip/begin') clips[atoms[1]] = clips[atoms[1]] || [];
      if (reply === '/vae/clip/notes') {
        for (let i = 4; i < atoms.length; i += 4) clips[atoms[1]].push(atoms.slice(i, i + 4));
      }
      if (reply === '/vae/fail') reject(new Error(atoms.join(' ')));
      if (reply === '/vae/done') resolve(clips.map((notes) => notes.sort(byTime)));
      if (reply === '/vae/done' || reply === '/vae/fail') socket.close();
    });
    socket.send(osc.encode(address, [7, ...args]), PORT, '127.0.0.1');
  });
}

const byTime = (a, b) => a[1] - b[1] || a[0] - b[0];

/** A Live clip's notes in the same form. */
const notesOf = (clip) => clip.notes.map((n) => [n.pitch, n.start_time, n.duration, n.velocity]).sort(byTime);

/** Loses the given share of packets in both directions, by a fixed sequence, and delays the others. */
function badNetwork({loss = 0, delay = 0, seed = 1}) {
  let state = seed;
  const random = () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state / 2147483648;
  };
  const counts = {lost: 0, passed: 0};
  const pass = (message, deliver) => {
    if (random() < loss) {
      counts.lost++;
      return;
    }
    counts.passed++;
    if (delay) setTimeout(deliver, delay); else deliver();
  };
  return {out: pass, in: pass, counts};
}

const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

module.exports = {PORT, clipsFromDaemon, notesOf, badNetwork, sleep};
