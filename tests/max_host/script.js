// Runs a device's js or jsui file with Max's globals, in a context of its own.
'use strict';
const vm = require('vm');

const SELECTORS = {number: (atom) => (Number.isInteger(atom) ? 'msg_int' : 'msg_float')};

/** Load a script for a box. graphics: an mgraphics for a jsui. Returns {call(inlet, message), global}. */
function loadScript(box, source, name, {LiveAPI, graphics}) {
  const {host} = box;
  const global = {
    inlets: 1, outlets: 1, autowatch: 0, inlet: 0, messagename: '', jsarguments: [name],
    Math, JSON, Date, String, Number,
    post: (...words) => host.posts.push(words.join(' ')),
    error: (...words) => box.fault(words.join(' ')),
    arrayfromargs: (list) => Array.prototype.slice.call(list),
    outlet: (index, ...atoms) => {
      if (index >= global.outlets) box.fault(`${name}: outlet ${index} of ${global.outlets}`);
      const flat = atoms.flat();
      for (const atom of flat) {
        if (typeof atom === 'string' ? atom.length > 32000 : typeof atom !== 'number' || Number.isNaN(atom)) {
          box.fault(`${name}: ${String(atom)} (${typeof atom}) is no Max atom, in ${flat.slice(0, 3).join(' ')}`);
        }
      }
      if (flat.length > 32767) box.fault(`${name}: a message of ${flat.length} atoms`);
      box.out(index, ...flat);
    },
    Task: class Task {
      constructor(action, object) {
        this.action = action;
        this.object = object;
        this.interval = 500;
      }

      repeat() {
        this.cancel();
        const timer = setInterval(() => host.inScript(() => this.action.call(this.object || global)), this.interval);
        timer.unref();
        host.atClose.push(() => clearInterval(timer));
        this.timer = timer;
      }

      cancel() {
        clearInterval(this.timer);
      }
    },
    Dict: host.dictionaries.Dict,
    LiveAPI,
    mgraphics: graphics,
  };
  vm.createContext(global);
  host.loading = true;
  try {
    new vm.Script(source, {filename: name}).runInContext(global);
  } finally {
    host.loading = false;
  }
  const declared = [global.inlets, global.outlets];
  if (declared[0] !== box.json.numinlets || declared[1] !== box.json.numoutlets) {
    box.fault(`${name} declares ${declared} inlets and outlets, the box has ` +
      `${[box.json.numinlets, box.json.numoutlets]}`);
  }

  // A message calls the function of its name; numbers and lists have names of their own; the rest is `anything`.
  function call(inlet, message) {
    global.inlet = inlet;
    let selector = message[0];
    let args = message.slice(1);
    if (typeof selector === 'number') {
      selector = message.length > 1 ? 'list' : SELECTORS.number(selector);
      args = message;
    }
    global.messagename = selector;
    const target = typeof global[selector] === 'function' ? global[selector] : global.anything;
    if (typeof target !== 'function') return box.fault(`${name}: no function ${selector}`);
    return host.inScript(() => target.apply(global, args));
  }
  return {call, global};
}

/** Max's dictionaries, which live by name outside of any script. */
class Dictionaries {
  constructor() {
    const store = new Map();
    let count = 0;
    this.store = store;
    this.Dict = class Dict {
      constructor(name) {
        this.name = name || `u${1000 + count++}`;
        if (!store.has(this.name)) store.set(this.name, {});
      }

      parse(text) {
        store.set(this.name, JSON.parse(text));
      }

      stringify() {
        return JSON.stringify(store.get(this.name));
      }
    };
  }
}

module.exports = {loadScript, Dictionaries};
