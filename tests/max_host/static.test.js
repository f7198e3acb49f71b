// What can be known of the scripts without running them: they are ES5, and they fit Max's types.
'use strict';
const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('fs');
const path = require('path');
const {readDevice} = require('./amxd');
const {DEVICES} = require('./host');

const names = fs.readdirSync(DEVICES).filter((name) => name.endsWith('.amxd'));
const devices = names.map((name) => path.join(DEVICES, name));

test('there are five devices, and every script inside parses as ECMAScript 5', () => {
  const acorn = require('acorn');
  assert.equal(devices.length, 5);
  for (const device of devices) {
    for (const [name, source] of readDevice(device).files) {
      assert.doesNotThrow(() => acorn.parse(source, {ecmaVersion: 5, sourceType: 'script'}), `${name} in ${device}`);
    }
  }
});

test('every script is type-checked against Max\'s types', () => {
  const ts = require('typescript');
  const options = {
    allowJs: true, checkJs: true, noEmit: true, target: ts.ScriptTarget.ES5, lib: ['lib.es5.d.ts'], types: ['maxmsp'],
    ignoreDeprecations: '5.0', typeRoots: [path.join(__dirname, 'node_modules', '@types')],
  };
  const host = ts.createCompilerHost(options);
  const parsed = new Map(); // Max's types and the library are the same for every script
  const {getSourceFile, readFile} = host;
  for (const device of devices) {
    for (const [name, source] of readDevice(device).files) {
      const file = path.join(__dirname, name);
      host.readFile = (wanted) => (wanted === file ? source : readFile(wanted));
      host.fileExists = (wanted) => wanted === file || ts.sys.fileExists(wanted);
      host.getSourceFile = (wanted, ...how) => {
        if (wanted === file) return ts.createSourceFile(wanted, source, options.target, true, ts.ScriptKind.JS);
        if (!parsed.has(wanted)) parsed.set(wanted, getSourceFile(wanted, ...how));
        return parsed.get(wanted);
      };
      const program = ts.createProgram([file], options, host);
      const found = ts.getPreEmitDiagnostics(program).map((one) => {
        const line = one.file ? one.file.getLineAndCharacterOfPosition(one.start).line + 1 : 0;
        return `${name}:${line}: ${ts.flattenDiagnosticMessageText(one.messageText, ' ')}`;
      });
      assert.deepEqual(found, []);
    }
  }
});

test('the type check finds a misspelt global and a wrong argument', () => {
  const ts = require('typescript');
  const options = {allowJs: true, checkJs: true, noEmit: true, types: ['maxmsp'], lib: ['lib.es5.d.ts'],
    typeRoots: [path.join(__dirname, 'node_modules', '@types')]};
  const host = ts.createCompilerHost(options);
  const {getSourceFile} = host;
  host.getSourceFile = (name, ...how) => (name === 'bad.js' ?
    ts.createSourceFile(name, 'outlett(0, 1); outlet("x");', ts.ScriptTarget.ES5, true, ts.ScriptKind.JS) :
    getSourceFile(name, ...how));
  const found = ts.getPreEmitDiagnostics(ts.createProgram(['bad.js'], options, host)).map((one) => one.messageText);
  assert.equal(found.length, 2, String(found));
});
