// The user interface boxes: Live's parameters and umenu. A test moves them with box.user(...), a patch cord with a
// message; Live stores and automates what has parameter_enable.
'use strict';
const {atomsOf} = require('./atoms');

const CONTROLS = new Set(['live.dial', 'live.numbox', 'live.menu', 'live.text']);

function parameter(box) {
  const kind = box.json.maxclass;
  const about = box.json.saved_attribute_attributes.valueof;
  const choices = about.parameter_enum;
  const low = choices ? 0 : about.parameter_mmin ?? 0;
  const high = choices ? choices.length - 1 : about.parameter_mmax ?? 127;
  const isButton = kind === 'live.text' && box.json.mode === 0;
  const whole = about.parameter_type !== 0;
  // Cycling '74's Parameter Properties: Live holds an int parameter as 256 values, wider ranges take type float.
  if (about.parameter_type === 1 && high - low > 255) {
    box.fault(`${about.parameter_longname}: type int holds 256 values, not ${low} to ${high}`);
  }
  let value = about.parameter_initial_enable ? about.parameter_initial[0] : low;

  const fit = (atom) => Math.min(high, Math.max(low, whole ? Math.round(atom) : Math.fround(atom)));
  const send = () => {
    if (kind === 'live.menu') {
      box.out(2, high > low ? (value - low) / (high - low) : 0);
      box.out(1, choices[value]);
    } else if (kind === 'live.dial' || kind === 'live.numbox') {
      box.out(1, (value - low) / (high - low));
    } else if (kind === 'live.text') {
      box.out(1, value ? box.json.texton : box.json.text);
    }
    box.out(0, value);
  };

  box.parameter = about;
  box.stored = {get: () => [value], set: ([atom]) => { value = fit(atom); if (!isButton) send(); }};
  box.value = () => value;
  box.user = (atom) => {
    if (isButton) {
      box.out(1, box.json.text);
      return box.out(0, 'bang');
    }
    value = fit(typeof atom === 'string' ? choices.indexOf(atom) : atom);
    return send();
  };
  box.inlet(0, (message) => {
    if (message[0] === 'outputvalue') return send();
    if (message[0] === 'bang') {
      if (kind === 'live.text') value = isButton ? value : 1 - value;
      return send();
    }
    if (message[0] === 'set') {
      value = fit(message[1]);
      return undefined;
    }
    if (typeof message[0] !== 'number') return box.fault(`${kind}: no message ${message[0]}`);
    value = fit(message[0]);
    if (about.parameter_invisible !== 2) box.host.undoFromPatch.push(about.parameter_longname);
    return send();
  });
}

function umenu(box) {
  let items = [];
  let index = 0;
  box.items = () => items;
  box.selected = () => items[index];
  box.user = (text) => {
    index = items.indexOf(text);
    if (index < 0) throw new Error(`the menu has ${items.join(', ')}, not ${text}`);
    box.out(1, ...atomsOf(items[index])); // the item's text as a message
    box.out(0, index);
  };
  box.inlet(0, (message) => {
    if (message[0] === 'clear') {
      items = [];
      index = 0; // the first item that is appended is shown
    } else if (message[0] === 'append') items.push(message.slice(1).join(' '));
    else if (message[0] === 'set' && Number.isInteger(message[1]) && items[message[1]] !== undefined) index = message[1];
    else box.fault(`umenu: no message ${message.join(' ')}`);
  });
}

module.exports = {CONTROLS, parameter, umenu};
