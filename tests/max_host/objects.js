// The Max objects of the devices, as their reference pages describe them. Each is {inlets: [function(message, box)]},
// a message being an array of atoms whose first may be a selector. box.out(n, ...atoms) sends from outlet n.
'use strict';
const dgram = require('dgram');
const osc = require('./osc');
const {atomsOf} = require('./atoms');

const number = (atom) => typeof atom === 'number';
const bang = (message) => message[0] === 'bang';

/** Max's typing: what leaves as int, float, list or symbol message is all an array here. */
const objects = {
  t(box, args) {
    const send = {
      b: () => ['bang'], i: (m) => [Math.trunc(number(m[0]) ? m[0] : 0)], f: (m) => [number(m[0]) ? m[0] : 0],
      l: (m) => m, s: (m) => m,
    };
    box.inlet(0, (message) => {
      for (let i = args.length - 1; i >= 0; i--) box.out(i, ...(send[args[i]] ? send[args[i]](message) : [args[i]]));
    });
  },

  prepend(box, args) {
    box.inlet(0, (message) => box.out(0, ...args, ...message));
  },

  route(box, args) {
    box.inlet(0, (message) => {
      const index = args.indexOf(message[0]);
      if (index < 0) return box.out(args.length, ...message);
      return box.out(index, ...(message.length > 1 ? message.slice(1) : ['bang']));
    });
  },

  sel(box, args) {
    box.inlet(0, (message) => {
      const index = args.indexOf(message[0]);
      if (index < 0) box.out(args.length, ...message); else box.out(index, 'bang');
    });
  },

  change(box) {
    let last = 0;
    box.inlet(0, ([value]) => {
      if (value !== last) {
        last = value;
        box.out(0, value);
      }
    });
  },

  int(box) {
    let value = 0;
    box.inlet(1, ([atom]) => { value = Math.trunc(atom); });
    box.inlet(0, (message) => {
      if (!bang(message)) value = Math.trunc(message[0]);
      box.out(0, value);
    });
  },

  '%'(box, args) {
    arithmetic(box, args, (a, b) => (b === 0 ? 0 : Math.trunc(a) % Math.trunc(b)));
  },

  '*'(box, args) {
    arithmetic(box, args, (a, b) => a * b);
  },

  expr(box, args) {
    const source = args.join(' ');
    const names = [...source.matchAll(/\$([if])(\d)/g)];
    const count = Math.max(...names.map((m) => Number(m[2])));
    const whole = names.reduce((kinds, m) => ({...kinds, [m[2]]: m[1] === 'i'}), {});
    const body = source.replace(/\$[if](\d)/g, 'v[$1]').replace(/\bint\(/g, 'Math.trunc(')
      .replace(/\(([^()]*==[^()]*)\)/g, '(($1)?1:0)');
    const evaluate = new Function('v', `return ${body};`);
    const values = Array(count + 1).fill(0);
    for (let i = 0; i < count; i++) {
      box.inlet(i, (message) => {
        if (!bang(message)) values[i + 1] = whole[i + 1] ? Math.trunc(message[0]) : message[0];
        if (i === 0) box.out(0, evaluate(values));
      });
    }
  },

  pack(box, args) {
    const values = [...args];
    args.forEach((_, i) => box.inlet(i, (message) => {
      if (!bang(message)) values[i] = message[0];
      if (i === 0) box.out(0, ...values);
    }));
  },

  unpack(box, args) {
    box.inlet(0, (message) => {
      for (let i = Math.min(args.length, message.length) - 1; i >= 0; i--) box.out(i, message[i]);
    });
  },

  'zl.iter'(box, [size]) {
    box.inlet(0, (message) => {
      for (let i = 0; i < message.length; i += size) box.out(0, ...message.slice(i, i + size));
    });
  },

  gate(box, [, initial]) { // of one outlet; the second argument is its state at first
    let open = initial || 0;
    box.inlet(0, ([value]) => { open = value; });
    box.inlet(1, (message) => { if (open) box.out(0, ...message); });
  },

  coll(box) {
    const data = new Map();
    box.contents = data;
    box.inlet(0, (message) => {
      if (message[0] === 'clear') data.clear();
      else if (message[0] === 'store') data.set(message[1], message.slice(2));
      else if (number(message[0]) && message.length === 1) {
        if (data.has(message[0])) box.out(0, ...data.get(message[0]));
      } else box.fault(`coll: no message ${message[0]}`);
    });
  },

  deferlow(box) {
    box.inlet(0, (message) => box.host.later(() => box.out(0, ...message)));
  },

  // The first message passes, those within the interval wait, and only the last of them is sent at its end.
  qlim(box, [interval]) {
    let timer = null;
    let waiting = null;
    const pass = (message) => {
      box.out(0, ...message);
      timer = box.host.timeout(() => {
        timer = null;
        if (waiting) {
          const next = waiting;
          waiting = null;
          pass(next);
        }
      }, interval);
    };
    box.inlet(0, (message) => { if (timer) waiting = message; else pass(message); });
  },

  metro(box, args, attributes) {
    const period = args[0];
    const inNotes = typeof period === 'string';
    if (inNotes && period !== '16n') box.fault(`metro: the host knows 16n, not ${period}`);
    const start = () => box.host.scheduler.metro(box, inNotes ? null : period, () => box.out(0, 'bang'));
    box.inlet(0, (message) => {
      if (message[0]) start(); else box.host.scheduler.stopMetro(box);
    });
    if (attributes.active) start();
  },

  transport(box) {
    box.inlet(0, () => {
      const {ticks, playing, tempo} = box.host.scheduler;
      const {bar, beat, units, numerator, denominator} = box.host.scheduler.place();
      box.out(7, ticks);
      box.out(6, playing ? 1 : 0);
      box.out(5, numerator, denominator);
      box.out(4, tempo);
      box.out(3, 480);
      box.out(2, units);
      box.out(1, beat);
      box.out(0, bar);
    });
  },

  // With @repeatmode 1 a repeated pitch is ended before it starts anew, and its first note-off is forgotten.
  makenote(box, [velocity, duration], attributes) {
    if (attributes.repeatmode !== 1) box.fault('makenote: the host knows @repeatmode 1');
    const held = new Map();
    const values = [0, velocity, duration];
    const send = (pitch, level) => { box.out(1, level); box.out(0, pitch); };
    const off = (pitch) => { held.get(pitch)(); held.delete(pitch); send(pitch, 0); };
    box.inlet(1, ([value]) => { values[1] = value; });
    box.inlet(2, ([value]) => { values[2] = value; });
    box.inlet(0, (message) => {
      if (message[0] === 'stop') return [...held.keys()].forEach(off);
      if (!number(message[0])) return box.fault(`makenote: no message ${message[0]}`);
      const pitch = message[0];
      if (held.has(pitch)) off(pitch);
      send(pitch, values[1]);
      return held.set(pitch, box.host.scheduler.after(values[2], () => { held.delete(pitch); send(pitch, 0); }));
    });
  },

  midiformat(box, [channel]) {
    box.inlet(0, ([pitch, velocity]) => {
      for (const byte of [0x90 + (channel || 1) - 1, pitch, velocity]) box.out(0, byte);
    });
  },

  midiin(box) {
    box.host.midiIn.push((bytes) => bytes.forEach((byte) => box.out(0, byte)));
  },

  midiout(box) {
    let bytes = [];
    box.inlet(0, ([byte]) => {
      bytes.push(byte);
      if (bytes.length === 3) {
        box.host.midiOut.push({time: box.host.scheduler.now, status: bytes[0], pitch: bytes[1], velocity: bytes[2]});
        bytes = [];
      }
    });
  },

  midiflush(box) {
    const held = new Set();
    let bytes = [];
    box.inlet(0, (message) => {
      if (bang(message)) {
        for (const key of [...held]) [0x90 + (key >> 8), key & 127, 0].forEach((byte) => box.out(0, byte));
        return held.clear();
      }
      bytes.push(message[0]);
      if (bytes.length === 3) {
        const key = ((bytes[0] & 15) << 8) | bytes[1];
        if ((bytes[0] & 0xf0) === 0x90 && bytes[2] > 0) held.add(key); else held.delete(key);
        bytes = [];
      }
      return box.out(0, message[0]);
    });
  },

  // Remembers any list; a bang gives it again. Live stores the value with the set. A symbol with spaces, or one that looks
  // like a number, is not promised to come back as the symbol it was, so here it never does.
  pattr(box) {
    let value = box.initial();
    const read = (message) => atomsOf(message.join(' '));
    box.stored = {get: () => value, set: (list) => { value = read(list); box.out(0, ...value); }};
    box.inlet(0, (message) => {
      if (!bang(message)) value = read(message);
      box.out(0, ...value);
    });
  },

  udpsend(box, [host, port]) {
    const socket = dgram.createSocket('udp4');
    box.host.opened.push(socket);
    socket.bind(0, '127.0.0.1');
    socket.unref();
    let target = [host, port];
    box.inlet(0, (message) => {
      if (message[0] === 'port') target = [target[0], message[1]];
      else if (message[0] === 'host') target = [message[1], target[1]];
      else if (typeof message[0] === 'string' && message[0].startsWith('/')) {
        const data = osc.encode(message[0], message.slice(1));
        if (data.length > 5096) box.fault(`udpsend: ${data.length} bytes are more than maxpacketsize`);
        box.host.sent.push(message);
        box.host.network.out(message, () => {
          if (!box.host.closed) socket.send(data, target[1], target[0]);
        });
      } else box.fault(`udpsend: ${message[0]} is no OSC address`);
    });
  },

  udpreceive(box, args, attributes) {
    let socket = null;
    box.host.atClose.push(() => socket && socket.close());
    box.inlet(0, (message) => {
      if (message[0] !== 'port') return box.fault(`udpreceive: no message ${message[0]}`);
      if (socket) socket.close();
      socket = dgram.createSocket('udp4');
      socket.unref();
      const own = socket;
      own.on('error', () => { socket = socket === own ? null : socket; }); // a taken port: Max receives nothing
      own.on('message', (data) => {
        const {address, atoms} = osc.decode(data);
        if (address.length + atoms.length === 0) return;
        box.host.network.in([address, ...atoms], () => {
          if (own !== socket) return;
          if (attributes.defer) box.host.later(() => box.out(0, address, ...atoms));
          else box.host.inScheduler(() => box.out(0, address, ...atoms));
        });
      });
      return own.bind(message[1], '127.0.0.1');
    });
  },

  'live.thisdevice'(box) {
    box.host.thisDevice = {
      loaded: () => box.out(0, 'bang'),
      enabled: (on) => { box.out(2, 0); box.out(1, on ? 1 : 0); },
    };
    box.inlet(0, () => {});
  },

  'live.miditool.in'(box) {
    box.inlet(0, (message) => { if (bang(message)) box.host.tool.dispatch(box); });
  },

  'live.miditool.out'(box) {
    box.inlet(0, (message) => box.host.tool.answered(message));
  },
};

function arithmetic(box, args, operate) {
  let operand = args[0] || 0;
  let last = 0;
  box.inlet(1, ([value]) => { operand = value; });
  box.inlet(0, (message) => {
    if (!bang(message)) last = message[0];
    box.out(0, operate(last, operand));
  });
}

module.exports = {objects};
