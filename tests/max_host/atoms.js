// How Max reads text as a message: words are atoms, what looks like a number is one, and a comma or a semicolon ends it.
'use strict';

const atomsOf = (text) => text.split(/[,;]/)[0].split(' ').filter(Boolean)
  .map((word) => (/^-?\d+(\.\d*)?$/.test(word) ? Number(word) : word));

module.exports = {atomsOf};
