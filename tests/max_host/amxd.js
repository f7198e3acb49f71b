// Reads a built .amxd: an implementation of its own, so that the Python writer is not checked by itself.
'use strict';
const fs = require('fs');

/** {type, patcher, files: Map(name -> text)} of a frozen device. */
function readDevice(path) {
  const data = fs.readFileSync(path);
  const chunks = new Map();
  for (let at = 0; at < data.length;) {
    const length = data.readUInt32LE(at + 4);
    chunks.set(data.toString('latin1', at, at + 4), data.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  const archive = chunks.get('ptch');
  if (archive.toString('latin1', 0, 4) !== 'mx@c') throw new Error(`${path} is not frozen`);
  const directory = archive.readUInt32BE(12);
  const files = new Map();
  const end = directory + archive.readUInt32BE(directory + 4);
  for (let at = directory + 8; at < end;) {
    const entryEnd = at + archive.readUInt32BE(at + 4);
    const fields = {};
    for (let field = at + 8; field < entryEnd;) {
      const size = archive.readUInt32BE(field + 4);
      fields[archive.toString('latin1', field, field + 4)] = archive.subarray(field + 8, field + size);
      field += size;
    }
    const name = fields.fnam.toString('utf8').replace(/\0+$/, '');
    const offset = fields.of32.readUInt32BE(0);
    files.set(name, archive.toString('utf8', offset, offset + fields.sz32.readUInt32BE(0)));
    at = entryEnd;
  }
  const [own] = files.keys();
  const patcher = JSON.parse(files.get(own).replace(/\0$/, '')).patcher;
  files.delete(own);
  return {type: chunks.get('ampf').toString('latin1'), patcher, files};
}

module.exports = {readDevice};
