// The shared functions without Max: notes and their forms, and the session against a clock and a network of its own.
'use strict';
const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('fs');
const path = require('path');
const vm = require('vm');
const {atomsOf} = require('./atoms');

const SHARED = path.join(__dirname, '..', '..', 'max_patches', 'shared');

function load(...names) {
  const context = vm.createContext({});
  for (const name of names) vm.runInContext(fs.readFileSync(path.join(SHARED, name), 'utf8'), context);
  return context;
}

const plain = (value) => JSON.parse(JSON.stringify(value));
const note = (part, pitch, start, duration = 1, velocity = 100) => ({part, pitch, start, duration, velocity});

/** A session with a clock that is moved by hand. sent: all messages; online() answers the greeting. */
function session(random = () => 0.5) {
  const {Session} = load('notes.js', 'session.js');
  const clock = {now: 1000};
  const world = {clock, sent: [], ports: [], states: [], notices: []};
  const made = new Session({
    client: 'test', send: (list) => world.sent.push(plain(list)), listen: (port) => world.ports.push(port),
    now: () => clock.now, random, state: (online, words) => world.states.push([online, words]),
    notice: (...words) => world.notices.push(words),
  });
  world.session = made;
  world.tick = (ms) => { clock.now += ms; made.tick(); };
  world.last = (address) => world.sent.filter((message) => message[0] === address).pop();
  world.answer = (address, ...more) => made.receive(address, [world.last('/vae/hello')[1], '/vae/hello', ...more]);
  world.greet = () => world.answer('/vae/done', 0, 1, '0.1', 2);
  world.online = () => { made.tick(); world.greet(); return world; };
  return world;
}

function outcome() {
  const heard = {};
  return {heard, handlers: {
    done: (result) => { heard.done = plain(result); },
    fail: (code, message) => { heard.fail = [code, message]; },
  }};
}

test('notes go out in chunks of one part and at most 60, and come back', () => {
  const {noteChunks, readChunk} = load('notes.js');
  const notes = Array.from({length: 130}, (_, i) => note(i % 3 ? 'drums' : 'bass', i % 128, i / 4));
  const chunks = plain(noteChunks(notes));
  assert.ok(chunks.every((chunk) => (chunk.length - 1) % 4 === 0 && chunk.length <= 241));
  const back = [];
  chunks.forEach((chunk) => readChunk(chunk[0], chunk.slice(1), back));
  const order = (list) => plain(list).sort((a, b) => a.start - b.start);
  assert.deepEqual(order(back), order(notes));
  assert.deepEqual(plain(noteChunks([])), []);
});

test('a Live clip is read inside its loop; a short one is repeated, a long one is cut', () => {
  const {clipFromLive, fitted} = load('notes.js');
  const live = [
    {pitch: 60, start_time: 3.9, duration: 1, velocity: 64.4}, {pitch: 127, start_time: 4, duration: 9, velocity: 0.2},
    {pitch: 61, start_time: 5, duration: 1, velocity: 99, mute: 1},
    {pitch: 62, start_time: 8, duration: 1, velocity: 99},
  ];
  const clip = clipFromLive('x', 'melody', live, 4, 8);
  assert.deepEqual(plain(clip), {name: 'x', beats: 4, notes: [note('melody', 127, 0, 4, 1)]});
  assert.deepEqual(plain(fitted(clip, 10).notes).map((n) => [n.start, n.duration]), [[0, 4], [4, 4], [8, 2]]);
  assert.deepEqual(plain(fitted(clip, 2).notes).map((n) => [n.start, n.duration]), [[0, 2]]);
  assert.deepEqual(plain(fitted({name: '', beats: 0, notes: []}, 8).notes), []);
});

test('every clip that a 2-bar model can make survives a stored grid; a damaged one is refused', () => {
  const {packGrid, unpackGrid, DRUM_PITCHES} = load('notes.js');
  const below = (n) => Math.floor(Math.random() * n);
  const drums = () => Array.from({length: 32}, (_, step) => Array.from(DRUM_PITCHES).filter(() => below(4) === 0)
    .sort((a, b) => a - b).map((pitch) => note('drums', pitch, step / 4, 0.25, 90))).flat();
  const melody = () => {
    const notes = [];
    for (let step = below(4); step < 32;) {
      const length = Math.min(1 + below(6), 32 - step);
      notes.push(note('melody', below(128), step / 4, length / 4, 90));
      step += length + below(3);
    }
    return notes;
  };
  for (let round = 0; round < 60; round++) {
    const part = round % 2 ? 'drums' : 'melody';
    const make = round % 2 ? drums : melody;
    const cells = Array.from({length: 6}, (_, i) => ({name: '', beats: 8, notes: i === 3 ? [] : make()}));
    const grid = {
      columns: 3, rows: 2, beats: 8, part, model: 'a b', temperature: below(200) / 100, seed: below(100000), grabbed: 5, cells,
    };
    const list = Array.from(packGrid(grid));
    assert.ok(list.every((atom) => typeof atom === 'string' || atom === (atom | 0)), 'strings and int32');
    assert.equal(list.length, 10 + 6 * 11);
    assert.deepEqual(atomsOf(list.join(' ')), list, 'and no others after Live kept them as text');
    assert.deepEqual(plain(unpackGrid(list)), grid);
    assert.equal(unpackGrid(list.slice(0, -1)), null);
  }
  assert.equal(unpackGrid(['none']), null);
  assert.equal(unpackGrid([1, '=a', 'drums', 1, 1, 0, 100, 30, 1, 0]), null);
});

test('names tell how to have a clip again, and scales are named by their intervals', () => {
  const {clipName, scaleNamed} = load('notes.js');
  assert.equal(clipName('m', 12, 0.5, 0, ''), 'm s12 t0.5');
  assert.equal(clipName('m', 12, 0.33, 3, 'C Minor'), 'm s12 t0.33 #4 C Minor');
  assert.equal(scaleNamed([0, 2, 3, 5, 7, 8, 10]), 'Minor');
  assert.equal(scaleNamed([10, 0, 3, 5, 7]), 'Minor Pentatonic');
  assert.equal(scaleNamed([0, 1, 2]), '');
});

test('any text is one symbol, and comes back from where Max or Live read it as text', () => {
  const {toSymbol, fromSymbol} = load('notes.js');
  for (const text of ['Keys', 'Low End', '01 Kit', '1.50', 'a, b; c', 'none', '"x" \\ $1 {é}', '50 %']) {
    const atoms = atomsOf(toSymbol(text));
    assert.equal(atoms.length, 1);
    assert.equal(fromSymbol(atoms[0]), text);
  }
});

test('the greeting names the reply port, is repeated, and silence moves to another port', () => {
  let draw = 0;
  const world = session(() => (draw++ % 10) / 10);
  world.session.tick();
  const [address, , port, client, protocol] = world.last('/vae/hello');
  assert.deepEqual([address, client, protocol], ['/vae/hello', 'test', 1]);
  assert.deepEqual(world.ports, [port]);
  for (let i = 0; i < 20; i++) world.tick(100);
  assert.ok(world.ports.length === 2 && world.ports[1] !== port);
  assert.match(world.states[0][1], /No daemon answers/);
  world.greet();
  assert.equal(world.session.online, true);
  const hellos = () => world.sent.filter((message) => message[0] === '/vae/hello').length;
  const before = hellos();
  for (let i = 0; i < 20; i++) { world.tick(100); world.greet(); }
  assert.equal(hellos() - before, 2, 'once a second while there is an answer');
  assert.equal(world.ports.length, 2, 'a port that works is kept');
});

test('a daemon that refuses the greeting is quoted', () => {
  const world = session();
  world.session.tick();
  world.answer('/vae/fail', 'unauthorized', 'a token is asked for');
  for (let i = 0; i < 16; i++) {
    world.tick(100);
    world.answer('/vae/fail', 'unauthorized', 'a token is asked for');
  }
  assert.match(world.states.pop()[1], /unauthorized: a token/);
});

test('an unanswered request is sent again unchanged, and fails in words after its time', () => {
  const world = session().online();
  const {heard, handlers} = outcome();
  const rid = world.session.request('/vae/generate', ['m', 1, 0.5, 3], handlers, 5000);
  assert.equal(world.session.remaining(rid), 5000);
  for (let i = 0; i < 49; i++) { world.tick(100); world.greet(); }
  const sent = world.sent.filter((message) => message[0] === '/vae/generate');
  assert.ok(sent.length >= 5);
  assert.deepEqual(new Set(sent.map(String)).size, 1, 'the same rid and the same arguments');
  assert.equal(heard.fail, undefined);
  for (let i = 0; i < 3; i++) { world.tick(100); world.greet(); }
  assert.equal(heard.fail[0], 'silence');
  assert.match(heard.fail[1], /5 s/);
});

test('clips are put together in any order of their messages, and lost ones are asked for again', () => {
  const world = session().online();
  const {heard, handlers} = outcome();
  const rid = world.session.requestClips('/vae/generate', ['m', 2, 0.5, 3], handlers);
  const receive = (address, ...args) => world.session.receive(address, args);
  receive('/vae/accepted', rid, 0);
  receive('/vae/clip/notes', rid, 1, 1, 'melody', 62, 4, 1, 100);
  receive('/vae/clip/end', rid, 0, 1);
  receive('/vae/clip/begin', rid, 1, 8, 2, 2, 'second');
  receive('/vae/clip/notes', rid, 1, 1, 'melody', 62, 4, 1, 100);
  receive('/vae/done', rid, '/vae/generate', 2);
  assert.equal(heard.done, undefined);
  world.tick(100);
  const asked = world.sent.filter((message) => message[0] === '/vae/resend');
  assert.deepEqual(asked.map((message) => message.slice(2)), [[rid, 0, -1], [rid, 1, 0]]);
  receive('/vae/clip/begin', asked[0][1], 0, 8, 1, 1, 'first');
  receive('/vae/done', asked[0][1], '/vae/resend', 1);
  receive('/vae/clip/notes', asked[1][1], 1, 0, 'melody', 60, 0, 1, 100);
  world.tick(100);
  const third = world.last('/vae/resend');
  assert.deepEqual(third.slice(2), [rid, 0, 0]);
  receive('/vae/clip/notes', third[1], 0, 0, 'melody', 70, 1, 1, 100);
  assert.deepEqual(heard.done.clips.map((clip) => [clip.name, clip.notes.map((n) => n.pitch)]),
    [['first', [70]], ['second', [60, 62]]]);
  receive('/vae/done', rid, '/vae/generate', 2);
  assert.deepEqual(Object.values(world.session.requests).filter((r) => r.messages[0][0] !== '/vae/hello'), []);
});

test('an answer of which nothing but its end arrived is asked for again, not taken for one without clips', () => {
  const world = session().online();
  const {heard, handlers} = outcome();
  const rid = world.session.requestClips('/vae/generate', ['m', 1, 0.5, 3], handlers);
  const receive = (address, ...args) => world.session.receive(address, args);
  receive('/vae/done', rid, '/vae/generate', 1);
  assert.equal(heard.done, undefined);
  world.tick(100);
  const begin = world.last('/vae/resend');
  assert.deepEqual(begin.slice(2), [rid, 0, -1]);
  receive('/vae/clip/begin', begin[1], 0, 8, 1, 1, 'only');
  world.tick(100);
  receive('/vae/clip/notes', world.last('/vae/resend')[1], 0, 0, 'melody', 60, 0, 1, 100);
  assert.deepEqual(heard.done.clips.map((clip) => clip.notes.length), [1]);

  const models = outcome();
  receive('/vae/done', world.session.request('/vae/models', [], models.handlers), '/vae/models', 3);
  assert.equal(models.heard.done.count, 3, 'an answer without clips has a count too');
});

test('cancelling ends uploads, loading and requests at once; what still comes of them is dropped', () => {
  const world = session().online();
  const [upload, loading, asked, list] = [outcome(), outcome(), outcome(), outcome()];
  const clip = {beats: 8, notes: [note('melody', 60, 0)]};
  const vary = ['m', 'mine', 1, 0.2, 0.5, 3];
  world.session.requestWithClips({mine: clip}, '/vae/vary', vary, upload.handlers, 9000, () => {});
  world.session.load('m', loading.handlers);
  const rid = world.session.requestClips('/vae/generate', ['m', 1, 0.5, 3], asked.handlers);
  world.session.request('/vae/models', [], list.handlers);
  world.session.cancelAll();
  for (const {heard} of [upload, loading, asked]) assert.equal(heard.fail[0], 'cancelled');
  assert.equal(list.heard.fail, undefined);
  assert.deepEqual(world.sent.filter(([address]) => address === '/vae/cancel').map((message) => message.slice(2)), [[rid]]);
  world.session.receive('/vae/done', [world.last('/vae/clip/end')[1], '/vae/clip/end', 0]);
  world.session.receive('/vae/clip/begin', [rid, 0, 8, 0, 0, 'x']);
  world.session.receive('/vae/done', [rid, '/vae/generate', 1]);
  assert.equal(asked.heard.done, undefined);
  assert.equal(world.last('/vae/vary'), undefined, 'the upload leads to nothing');
  const uploads = world.sent.filter(([address]) => address === '/vae/clip/end').length;
  for (let i = 0; i < 20; i++) { world.tick(100); world.greet(); }
  assert.equal(world.sent.filter(([address]) => address === '/vae/clip/end').length, uploads, 'nor is it sent again');
});

test('an upload that arrived incomplete is sent anew under another rid; a forgotten clip is uploaded again', () => {
  const world = session().online();
  const {heard, handlers} = outcome();
  const clip = {beats: 8, notes: [note('melody', 60, 0)]};
  world.session.requestWithClips({mine: clip}, '/vae/vary', ['m', 'mine', 1, 0.2, 0.5, 3], handlers, 9000, () => {});
  const first = world.last('/vae/clip/end')[1];
  assert.deepEqual(world.last('/vae/clip/begin'), ['/vae/clip/begin', first, 'mine', 8, 1, 1]);
  assert.deepEqual(world.last('/vae/clip/notes'), ['/vae/clip/notes', first, 'mine', 0, 'melody', 60, 0, 1, 100]);
  world.session.receive('/vae/fail', [first, '/vae/clip/end', 'incomplete', 'seq 0']);
  const second = world.last('/vae/clip/end')[1];
  assert.notEqual(second, first);
  world.session.receive('/vae/done', [second, '/vae/clip/end', 0]);
  world.session.receive('/vae/fail', [world.last('/vae/vary')[1], '/vae/vary', 'unknown_clip', 'no clip mine']);
  world.session.receive('/vae/done', [world.last('/vae/clip/end')[1], '/vae/clip/end', 0]);
  const rid = world.last('/vae/vary')[1];
  world.session.receive('/vae/clip/begin', [rid, 0, 8, 0, 0, 'x']);
  world.session.receive('/vae/done', [rid, '/vae/vary', 1]);
  assert.equal(heard.done.clips.length, 1);
  assert.equal(heard.fail, undefined);
});

test('offline, a request fails at once; a stop of the daemon is noticed and asked about again', () => {
  const world = session();
  const {heard, handlers} = outcome();
  assert.equal(world.session.request('/vae/models', [], handlers), 0);
  assert.equal(heard.fail[0], 'offline');
  world.online();
  for (let i = 0; i < 30; i++) world.tick(100);
  assert.match(world.states.pop()[1], /stopped answering/);
  assert.equal(world.session.online, false);
});

test('messages of other requests, of other clients and of none are dropped', () => {
  const world = session().online();
  for (const args of [[], [0], [999999, 0], ['x']]) {
    for (const address of ['/vae/done', '/vae/clip/notes', '/vae/fail', '/nonsense']) {
      world.session.receive(address, args);
    }
  }
  world.session.receive('/vae/notice', [0, 'model loaded', 'm']);
  assert.deepEqual(world.notices, [['model loaded', 'm']]);
});
