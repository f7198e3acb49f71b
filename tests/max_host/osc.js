// OSC 1.0 messages with the types i, f and s, as Max's udpsend and udpreceive make and read them.
'use strict';

function padded(text) {
  const raw = Buffer.from(text + '\0', 'utf8');
  return Buffer.concat([raw, Buffer.alloc((4 - (raw.length % 4)) % 4)]);
}

/** Atoms: a JS number that is whole leaves js as an int, as in Max. */
function encode(address, atoms) {
  const parts = [padded(address), padded(',' + atoms.map(tag).join(''))];
  for (const atom of atoms) {
    if (typeof atom === 'string') {
      parts.push(padded(atom));
    } else {
      const number = Buffer.alloc(4);
      if (Number.isInteger(atom)) number.writeInt32BE(atom); else number.writeFloatBE(atom);
      parts.push(number);
    }
  }
  return Buffer.concat(parts);
}

function tag(atom) {
  return typeof atom === 'string' ? 's' : Number.isInteger(atom) ? 'i' : 'f';
}

function decode(data) {
  let at = 0;
  const text = () => {
    const end = data.indexOf(0, at);
    const value = data.toString('utf8', at, end);
    at = end + 4 - (end % 4);
    return value;
  };
  const address = text();
  const atoms = [];
  for (const type of text().slice(1)) {
    if (type === 's') {
      atoms.push(text());
    } else {
      atoms.push(type === 'i' ? data.readInt32BE(at) : data.readFloatBE(at));
      at += 4;
    }
  }
  return {address, atoms};
}

module.exports = {encode, decode};
