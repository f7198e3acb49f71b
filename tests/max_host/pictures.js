// Makes the documentation's pictures of the devices, each showing what a running daemon gave it:
//
//   node pictures.js PORT FOLDER
'use strict';
const fs = require('fs');
const path = require('path');
const {open, LiveSet} = require('./host');
const {drawPanel} = require('./panel');

const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

async function opened(name, port, options = {}) {
  const device = open(name, {port, ...options});
  await device.ready(20000);
  return device;
}

/** Choose the first model of the menu whose name fits; throws where the daemon has none. */
async function choose(device, pattern) {
  const model = device.of('umenu')[0].items().find((item) => pattern.test(item));
  if (!model) throw new Error(`the daemon has no model like ${pattern}`);
  device.of('umenu')[0].user(model);
  await sleep(50);
}

async function seeded(device, seed) {
  device.control('Seed').user(seed);
  device.control('Seed Lock').user(1);
  await sleep(50);
}

const SHOTS = {
  async generate(port) {
    const live = new LiveSet({scale: {mode: 1, root: 9, name: 'Minor'}});
    live.highlighted = [0, 0];
    const device = await opened('MusicVAE Generate', port, {live});
    await choose(device, /^melody.*2|melody/);
    await seeded(device, 15);
    device.control('Generate').user();
    await device.until(() => live.clip(0, 0), 30000);
    return device;
  },
  async drums(port) {
    const live = new LiveSet();
    live.highlighted = [0, 0];
    const device = await opened('MusicVAE Generate', port, {live});
    await choose(device, /^drums/);
    await seeded(device, 17);
    device.control('Generate').user();
    await device.until(() => live.clip(0, 0), 30000);
    return device;
  },
  async morph(port) {
    const device = await opened('MusicVAE Morph', port);
    await choose(device, /^drums/);
    await seeded(device, 12);
    device.control('Fill Corners').user();
    await device.until(() => device.script.grid, 60000);
    device.control('X').user(0.62);
    device.control('Y').user(0.3);
    device.scheduler.play();
    await device.advance(4000);
    await sleep(100);
    return device;
  },
  async trio(port) {
    const live = new LiveSet({tracks: [{name: 'Lead'}, {name: 'Bass'}, {name: 'Drums'}]});
    const device = await opened('MusicVAE Trio', port, {live});
    await choose(device, /^trio/);
    ['Lead', 'Bass', 'Drums'].forEach((track, i) => device.of('umenu')[i + 1].user(track));
    await seeded(device, 5);
    device.control('Generate').user();
    await device.until(() => live.clip(2, 0), 60000);
    return device;
  },
  async generator(port) {
    const device = await opened('MusicVAE Generator', port);
    await choose(device, /^drums/);
    device.tool.select({from: 0, to: 16});
    device.control('Apply').user();
    await device.until(() => /notes$/.test(device.words), 30000);
    return device;
  },
  async vary(port) {
    const device = await opened('MusicVAE Vary', port);
    await choose(device, /^melody/);
    const notes = [[60, 0, 1], [64, 1, 1], [67, 2, 1], [72, 3, 1], [67, 4, 2], [64, 6, 2]];
    device.tool.select({notes, from: 0, to: 8});
    device.control('Apply').user();
    await device.until(() => /notes$/.test(device.words), 30000);
    return device;
  },
  async offline() {
    const nobody = {out() {}, in() {}};
    const device = open('MusicVAE Generate', {network: nobody});
    await device.until(() => /No daemon answers/.test(device.words), 5000);
    return device;
  },
};

async function main(port, folder) {
  fs.mkdirSync(folder, {recursive: true});
  for (const [name, shoot] of Object.entries(SHOTS)) {
    const device = await shoot(Number(port));
    await sleep(100);
    device.control('Daemon Port').receive(0, ['set', 9110]); // the daemon's own port, whichever drew the picture
    fs.writeFileSync(path.join(folder, `device_${name}.png`), drawPanel(device));
    device.close();
    process.stdout.write(`device_${name}.png\n`);
  }
  process.exit(0);
}

if (require.main === module) main(...process.argv.slice(2));

module.exports = {SHOTS};
