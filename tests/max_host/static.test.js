// What can be known of the scripts without running them: they are ES5, and they fit Max's types.
'use strict';
const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('fs');
const os = require('os');
const path = require('path');
const {execFileSync} = require('child_process');
const {readDevice} = require('./amxd');
const {DEVICES} = require('./host');

const devices = fs.readdirSync(DEVICES).filter((name) => name.endsWith('.amxd')).map((name) => path.join(DEVICES, name));

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
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'types-'));
  const tsc = require.resolve('typescript/bin/tsc');
  const failures = [];
  for (const device of devices) {
    for (const [name, source] of readDevice(device).files) {
      const file = path.join(folder, name);
      fs.writeFileSync(file, source);
      try {
        execFileSync(process.execPath, [tsc, '--noEmit', '--checkJs', '--allowJs', '--target', 'es5', '--lib', 'es5',
          '--ignoreDeprecations', '5.0', '--noImplicitThis', 'false', '--types', 'maxmsp',
          '--typeRoots', path.join(__dirname, 'node_modules', '@types'), file]);
      } catch (error) {
        failures.push(`${path.basename(device)}: ${error.stdout}`);
      }
    }
  }
  assert.deepEqual(failures, []);
});
