// A Live set behind LiveAPI, with Live's rules: paths and ids, refusals, undo steps, threads. What Live would refuse or
// print to its log is a fault of the device and kept in `faults`.
//
// An id belongs to an object, not to a place: the object keeps it when tracks before it come or go, and when it is deleted
// the id is 0 from then on (reference of live.path and of the LiveAPI object).
'use strict';

class LiveSet {
  /**
   * tracks: [{name, audio?, frozen?}], a group of tracks being as an audio track here; version: [major, minor];
   * scale: {mode, root, name} of Live 12; mostScenes: of this edition.
   */
  constructor({tracks = [{name: 'MIDI 1'}], scenes = 8, mostScenes = 1000, version = [12, 1], scale = null} = {}) {
    this.version = version;
    this.scenes = scenes;
    this.mostScenes = mostScenes;
    this.scale = scale || {mode: 0, root: 0, name: 'Major'};
    this.time = 0; // of the song, in beats
    this.signature = [4, 4];
    this.faults = [];
    this.undo = []; // one entry a step
    this.step = null;
    this.highlighted = null; // [track, scene]
    this.view = 'Session'; // or Arranger
    this.detail = ''; // path of the clip in the Clip View
    this.tracks = tracks.map(makeTrack);
    this.objects = [null]; // by id: what says where it is now
  }

  fault(text) {
    this.faults.push(text);
  }

  addTrack(index, track) {
    this.tracks.splice(index, 0, makeTrack(track));
  }

  deleteTrack(index) {
    this.tracks.splice(index, 1);
  }

  deleteScene(index) {
    this.scenes--;
    for (const track of this.tracks) {
      track.clips.delete(index);
      track.clips = new Map([...track.clips].map(([scene, clip]) => [scene > index ? scene - 1 : scene, clip]));
    }
    this.objects.forEach((one, id) => {
      const found = one && /^ clip_slots (\d+)(.*)$/.exec(one.rest);
      if (!found || Number(found[1]) < index) return;
      this.objects[id] = Number(found[1]) === index ? null : {...one, rest: ` clip_slots ${found[1] - 1}${found[2]}`};
    });
  }

  /** Id of the object that is at a path now; 0 for none. */
  id(path) {
    if (!this.resolve(path)) return 0;
    const [, index, rest] = /^live_set tracks (\d+)(.*)$/.exec(path) || [];
    const track = index === undefined ? null : this.tracks[index];
    const clip = rest && this.clipAt(path);
    const found = this.objects.findIndex((one) => one && (clip ? one.clip === clip :
      one.track === track && one.rest === (track ? rest : path)));
    if (found > 0) return found;
    this.objects.push({track, rest: track ? rest : path, clip});
    return this.objects.length - 1;
  }

  /** Where the object with this id is now; "" where it is no more. */
  path(id) {
    const one = this.objects[id];
    if (!one) return '';
    if (one.track && !this.tracks.includes(one.track)) return '';
    const path = one.track ? `live_set tracks ${this.tracks.indexOf(one.track)}${one.rest}` : one.rest;
    return this.resolve(path) && (!one.clip || this.clipAt(path) === one.clip) ? path : '';
  }

  clipAt(path) {
    const [, track, kind, index] = /^live_set tracks (\d+) (clip_slots|arrangement_clips) (\d+)( clip)?$/.exec(path) || [];
    if (!track || (kind === 'clip_slots' && !path.endsWith(' clip'))) return null;
    return kind === 'clip_slots' ? this.clip(track, Number(index)) : this.tracks[track].arrangement[index];
  }

  changed(what) {
    if (this.step) this.step.push(what); else this.undo.push([what]);
  }

  clip(track, scene) {
    return this.tracks[track].clips.get(scene);
  }

  addClip(track, scene, beats, notes, more = {}) {
    this.tracks[track].clips.set(scene, makeClip(beats, notes, more));
  }

  /** What a path stands for: {type, get, set, call, count}, or null. */
  resolve(path) {
    const match = (pattern) => new RegExp(`^${pattern}$`).exec(path);
    if (path === 'live_app') return this.application();
    if (path === 'live_app view') return {type: 'Application.View', get: {focused_document_view: this.view}};
    if (path === 'live_set') return this.song();
    let found = match('live_set tracks (\\d+)(?: .*)?');
    if (!found || !this.tracks[found[1]]) return null;
    found = match('live_set tracks (\\d+)');
    if (found) return this.track(Number(found[1]));
    found = match('live_set tracks (\\d+) clip_slots (\\d+)');
    if (found) return this.slot(Number(found[1]), Number(found[2]));
    found = match('live_set tracks (\\d+) clip_slots (\\d+) clip');
    if (found) return this.clipObject(this.clip(Number(found[1]), Number(found[2])));
    found = match('live_set tracks (\\d+) arrangement_clips (\\d+)');
    if (found) return this.clipObject(this.tracks[found[1]].arrangement[found[2]]);
    found = match('(live_set tracks \\d+.*?) (devices|chains) \\d+');
    if (found) return {type: path.includes('chains') && !/devices \d+$/.test(path) ? 'Chain' : 'MaxDevice', get: {}};
    return null;
  }

  application() {
    const [major, minor] = this.version;
    return {type: 'Application', get: {}, call: {get_major_version: () => major, get_minor_version: () => minor}};
  }

  song() {
    const [numerator, denominator] = this.signature;
    const get = {
      current_song_time: this.time, tempo: 120, signature_numerator: numerator, signature_denominator: denominator,
    };
    if (this.version[0] >= 12) {
      Object.assign(get, {scale_mode: this.scale.mode, root_note: this.scale.root, scale_name: this.scale.name});
    }
    return {
      type: 'Song', get, count: {tracks: this.tracks.length, scenes: this.scenes},
      call: {
        create_scene: () => { // refused, Live prints an error and the set stays as it is
          if (this.scenes >= this.mostScenes) return;
          this.scenes++;
          this.changed('scene');
        },
        begin_undo_step: () => { this.step = []; },
        end_undo_step: () => {
          if (this.step && this.step.length) this.undo.push(this.step);
          this.step = null;
        },
      },
    };
  }

  track(index) {
    const track = this.tracks[index];
    const call = {};
    if (this.version[0] > 12 || (this.version[0] === 12 && this.version[1] >= 1)) {
      call.create_midi_clip = (position, beats) => {
        if (track.audio || track.frozen) return this.fault('create_midi_clip on an audio track, or a frozen one');
        if (track.arrangement.some((clip) => clip.start < position + beats && clip.start + clip.beats > position)) {
          this.fault('create_midi_clip over an arrangement clip: Live would cut it');
        }
        track.arrangement.push(makeClip(beats, [], {start: position}));
        this.changed('create');
        return ['id', this.id(`live_set tracks ${index} arrangement_clips ${track.arrangement.length - 1}`)];
      };
    }
    return {
      type: 'Track', get: {name: track.name, has_midi_input: track.audio ? 0 : 1, is_frozen: track.frozen ? 1 : 0}, call,
      count: {clip_slots: this.scenes, arrangement_clips: track.arrangement.length},
    };
  }

  slot(trackIndex, scene) {
    const track = this.tracks[trackIndex];
    if (scene >= this.scenes) return null;
    return {
      type: 'ClipSlot', get: {has_clip: track.clips.has(scene) ? 1 : 0},
      call: {
        create_clip: (beats) => {
          if (track.audio || track.frozen) return this.fault('create_clip on an audio track, or a frozen one');
          if (track.clips.has(scene)) return this.fault('create_clip in a slot that holds a clip');
          if (!(beats > 0)) return this.fault(`create_clip with ${beats} beats`);
          track.clips.set(scene, makeClip(beats, []));
          return this.changed('create');
        },
      },
    };
  }

  clipObject(clip) {
    if (!clip) return null;
    return {
      type: 'Clip',
      get: {
        name: clip.name, is_midi_clip: clip.audio ? 0 : 1, looping: clip.looping, loop_start: clip.loopStart,
        loop_end: clip.loopEnd, start_marker: 0, end_marker: clip.beats, start_time: clip.start,
        end_time: clip.start + clip.beats,
      },
      set: {name: (value) => { clip.name = value; this.changed('name'); }},
      call: {
        add_new_notes: (argument) => {
          for (const note of argument.notes) this.checkNote(note);
          clip.notes.push(...argument.notes);
          this.changed('notes');
        },
        get_notes_extended: (pitch, pitches, from, span) => JSON.stringify({
          notes: clip.notes.filter((note) => note.pitch >= pitch && note.pitch < pitch + pitches &&
            note.start_time >= from && note.start_time < from + span),
        }),
      },
    };
  }

  checkNote(note) {
    const fine = Number.isInteger(note.pitch) && note.pitch >= 0 && note.pitch <= 127 && note.start_time >= 0 &&
      note.duration > 0 && note.velocity >= 1 && note.velocity <= 127;
    if (!fine) this.fault(`add_new_notes with ${JSON.stringify(note)}`);
  }
}

function makeTrack({name, audio, frozen}) {
  return {name, audio: !!audio, frozen: !!frozen, clips: new Map(), arrangement: []};
}

function makeClip(beats, notes, more = {}) {
  return {
    name: '', beats, looping: 1, loopStart: 0, loopEnd: beats, start: 0,
    notes: notes.map(([pitch, start, duration, velocity = 100, mute = 0]) =>
      ({pitch, start_time: start, duration, velocity, mute, probability: 1})),
    ...more,
  };
}

/** The LiveAPI class of one device, which sits at `devicePath`. thread() says where the script runs right now. */
function liveApiFor(set, devicePath, allowed) {
  const own = set.id(devicePath);
  return class LiveAPI {
    constructor(...args) {
      const problem = allowed();
      if (problem) {
        set.fault(problem);
        throw new Error(problem);
      }
      this.own = this.follow(String(args[args.length - 1])); // follows the object, which is LiveAPI's default mode
    }

    follow(path) {
      if (path.startsWith('id ')) return Number(path.slice(3));
      if (path === 'this_device') return own;
      if (path === 'live_set view highlighted_clip_slot') {
        return set.highlighted ? set.id(`live_set tracks ${set.highlighted[0]} clip_slots ${set.highlighted[1]}`) : 0;
      }
      return set.id(path === 'live_set view detail_clip' ? set.detail : path);
    }

    get unquotedpath() { return set.path(this.own); }

    get path() { return `"${this.unquotedpath}"`; }

    get id() { return this.unquotedpath ? String(this.own) : '0'; }

    get type() { return this.unquotedpath ? set.resolve(this.unquotedpath).type : 'none'; }

    current() {
      if (this.unquotedpath) return set.resolve(this.unquotedpath);
      set.fault(`LiveAPI: no object with the id ${this.own}`);
      return {get: {}, set: {}, call: {}, count: {}};
    }

    get(property) {
      if (property === 'canonical_parent') {
        return ['id', set.id(this.unquotedpath.replace(/ \w+ \d+$/, ''))];
      }
      const {get} = this.current();
      if (!(property in get)) {
        set.fault(`${this.type} has no property ${property}`);
        return [];
      }
      return [get[property]]; // always an array
    }

    getcount(child) {
      const {count} = this.current();
      if (!count || !(child in count)) set.fault(`${this.type} has no children ${child}`);
      return count ? count[child] || 0 : 0;
    }

    set(property, value) {
      const target = this.current();
      if (!target.set || !target.set[property]) return set.fault(`${this.type}: cannot set ${property}`);
      return target.set[property](value);
    }

    call(name, ...args) {
      const target = this.current();
      if (!target.call || !target.call[name]) return set.fault(`${this.type} has no function ${name}`);
      return target.call[name](...args);
    }
  };
}

module.exports = {LiveSet, liveApiFor};
