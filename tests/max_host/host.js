// A headless Max: opens a BUILT .amxd, makes its objects, follows its patch cords and runs its scripts.
//
//   const device = open('MusicVAE Generate', {port, live});
//   device.control('Temperature').user(0.8); device.control('Generate').user();
//   await device.until(() => live.clip(0, 0));
//   device.close();                           throws when anything happened that Max or Live would complain about
//
// Options: port of the daemon, live (a LiveSet), path of the device in the set, network {out, in} that may lose or
// delay messages, reversed (cords of one outlet in the other order, to show that nothing depends on it), state (as of
// state(), for a set that is opened again), change(patcher, files) to spoil a device on purpose.
'use strict';
const path = require('path');
const {readDevice} = require('./amxd');
const {objects} = require('./objects');
const {CONTROLS, parameter, umenu} = require('./controls');
const {LiveSet, liveApiFor} = require('./live_set');
const {Scheduler} = require('./scheduler');
const {Dictionaries, loadScript} = require('./script');
const {recorder} = require('./graphics');
const {MidiTool} = require('./midi_tool');

const DEVICES = path.join(__dirname, '..', '..', 'max_patches');
const DIRECT = {out: (message, send) => send(), in: (message, deliver) => deliver()};

class Host {
  constructor(name, options) {
    Object.assign(this, {
      faults: [], posts: [], sent: [], midiIn: [], midiOut: [], undoFromPatch: [], opened: [], atClose: [],
      closed: false, loading: false, queue: [], watchers: new Set(), thread: 'low', network: options.network || DIRECT,
    });
    this.live = options.live || new LiveSet();
    this.reversed = options.reversed || false;
    this.scheduler = new Scheduler((action) => this.inScheduler(action));
    this.dictionaries = new Dictionaries();
    this.tool = new MidiTool(this);
    const {patcher, files, type} = readDevice(path.join(options.folder || DEVICES, `${name}.amxd`));
    if (options.change) options.change(patcher, files);
    Object.assign(this, {type, name, width: patcher.devicewidth});
    const devicePath = options.path || 'live_set tracks 0 devices 0';
    this.LiveAPI = liveApiFor(this.live, devicePath, () => this.liveProblem());
    this.boxes = new Map(patcher.boxes.map(({box}) => [box.id, new Box(this, box)]));
    this.connect(patcher.lines.map(({patchline}) => patchline));
    for (const box of this.boxes.values()) box.create(files);
    if (options.port) this.control('Daemon Port').stored.set([options.port]);
    if (options.state) this.restore(options.state); else this.later(() => this.thisDevice.loaded());
  }

  /** Why LiveAPI may not be used right now, or "". */
  liveProblem() {
    if (this.loading) return 'LiveAPI in global code';
    if (this.thread === 'high') return 'LiveAPI in the high-priority thread';
    return this.isLoaded ? '' : 'LiveAPI before live.thisdevice banged';
  }

  // Cords of one outlet fire from the target furthest right to the one furthest left, the lower first.
  connect(lines) {
    const place = (id) => this.boxes.get(id).json.patching_rect;
    for (const {source: [from, outlet], destination: [to, inlet]} of lines) {
      this.boxes.get(from).cords[outlet].push({box: this.boxes.get(to), inlet});
    }
    for (const box of this.boxes.values()) {
      for (const cords of box.cords) {
        cords.sort((a, b) => place(b.box.json.id)[0] - place(a.box.json.id)[0] ||
          place(b.box.json.id)[1] - place(a.box.json.id)[1]);
        if (this.reversed) cords.reverse();
      }
    }
  }

  /** The box of a parameter by its long name, or of any other box by varname or text. */
  control(name) {
    for (const box of this.boxes.values()) {
      const about = box.json.saved_attribute_attributes;
      if (about && about.valueof.parameter_longname === name) return box;
    }
    throw new Error(`no parameter ${name}`);
  }

  of(maxclass) {
    return [...this.boxes.values()].filter((box) => box.json.maxclass === maxclass || box.name === maxclass);
  }

  get view() { return this.of('jsui')[0]; }

  get script() { return this.of('js')[0].script.global; }

  /** Words on the view, as the user reads them. */
  get words() { return this.view.script.global.statusWords; }

  get light() { return this.view.script.global.light; }

  later(action) {
    this.queue.push(action);
    setImmediate(() => this.drain());
  }

  drain() {
    while (this.queue.length && !this.closed) this.in('low', this.queue.shift());
  }

  in(thread, action) {
    const before = this.thread;
    this.thread = thread;
    try {
      return action();
    } finally {
      this.thread = before;
      for (const check of this.watchers) check();
    }
  }

  inScheduler(action) {
    return this.in('high', action);
  }

  inScript(action) {
    if (this.closed) return undefined;
    try {
      return action();
    } catch (error) {
      this.faults.push(`js: ${error.stack}`);
      return undefined;
    }
  }

  timeout(action, ms) {
    const timer = setTimeout(() => { if (!this.closed) this.in('low', action); }, ms);
    timer.unref();
    return timer;
  }

  /** Let virtual time pass for the scheduler's objects. */
  async advance(ms) {
    await this.scheduler.advance(ms, async () => this.drain());
  }

  /** Wait until something holds; fails with the words on the view, so that a test's log says why. */
  async until(condition, ms = 10000) {
    const end = Date.now() + ms;
    let check, clock;
    await new Promise((resolve, reject) => {
      check = () => {
        if (condition()) resolve();
        else if (Date.now() > end) {
          reject(new Error(`not within ${ms} ms: ${condition}. View: "${this.words}" ${this.faults}`));
        }
      };
      this.watchers.add(check); // whatever the device does, so that nothing that lasts a moment is missed
      clock = setInterval(check, 5); // and what others do
      check();
    }).finally(() => {
      this.watchers.delete(check);
      clearInterval(clock);
    });
  }

  async ready(ms) {
    await this.until(() => this.words === 'Ready', ms);
  }

  /** What Live stores with a set or preset, by long name; restore() is a preset load, in the order of the names given. */
  state() {
    const kept = {};
    for (const box of this.boxes.values()) {
      if (box.stored && box.about().parameter_invisible !== 2) kept[box.about().parameter_longname] = box.stored.get();
    }
    return kept;
  }

  restore(state) {
    for (const [name, value] of Object.entries(state)) {
      this.in('low', () => this.control(name).stored.set(value));
    }
    this.later(() => this.thisDevice.loaded());
  }

  problems() {
    return [...this.faults, ...this.live.faults];
  }

  close() {
    this.closed = true;
    this.atClose.forEach((action) => action());
    this.opened.forEach((socket) => socket.close());
    if (this.problems().length) throw new Error(`faults:\n${this.problems().join('\n')}`);
  }
}

class Box {
  constructor(host, json) {
    this.host = host;
    this.json = json;
    this.inlets = [];
    this.cords = Array.from({length: json.numoutlets}, () => []);
    const words = (json.text || '').split(' @');
    const atoms = words[0].split(' ').map((word) => (/^-?\d+\.?\d*$/.test(word) ? Number(word) : word));
    this.name = json.maxclass === 'newobj' ? atoms[0] : json.maxclass;
    this.args = atoms.slice(1);
    this.attributes = Object.fromEntries(words.slice(1).map((word) => {
      const [key, value] = word.split(' ');
      return [key, /^-?\d+\.?\d*$/.test(value) ? Number(value) : value];
    }));
  }

  about() {
    return this.json.saved_attribute_attributes.valueof;
  }

  initial() {
    return this.about().parameter_initial;
  }

  inlet(index, handler) {
    this.inlets[index] = handler;
  }

  fault(text) {
    this.host.faults.push(`${this.json.text || this.json.maxclass}: ${text}`);
  }

  create(files) {
    const {host} = this;
    if (this.name === 'live.comment') return;
    if (this.name === 'umenu') return void umenu(this);
    if (CONTROLS.has(this.name)) return void parameter(this);
    if (this.name === 'js' || this.name === 'jsui') return void this.createScript(files);
    const make = objects[this.name];
    if (!make) throw new Error(`the host has no object ${this.name}`);
    make(this, this.args, this.attributes);
    if (this.name === 'live.thisdevice') {
      const {loaded} = host.thisDevice;
      host.thisDevice.loaded = () => { host.isLoaded = true; loaded(); };
    }
  }

  createScript(files) {
    const {host} = this;
    const name = this.name === 'js' ? this.args[0] : this.json.filename;
    if (!files.has(name)) throw new Error(`${name} is not inside the device`);
    const graphics = this.name === 'jsui' ? recorder(this.json.presentation_rect) : undefined;
    this.graphics = graphics;
    this.script = loadScript(this, files.get(name), name, {LiveAPI: host.LiveAPI, graphics});
    for (let i = 0; i < this.json.numinlets; i++) {
      this.inlet(i, (message) => {
        if (host.thread === 'high') {
          this.fault(`${message.slice(0, 3).join(' ')} came in the scheduler's thread, without deferlow`);
        }
        this.script.call(i, message);
      });
    }
  }

  out(outlet, ...message) {
    if (outlet >= this.cords.length) return this.fault(`no outlet ${outlet}`);
    for (const {box, inlet} of this.cords[outlet]) box.receive(inlet, message);
    return undefined;
  }

  receive(inlet, message) {
    const handler = this.inlets[inlet];
    if (!handler) return this.fault(`nothing happens at inlet ${inlet} (${message.slice(0, 4).join(' ')})`);
    return handler(message);
  }
}

const open = (name, options = {}) => new Host(name, options);

module.exports = {open, LiveSet, DEVICES};
