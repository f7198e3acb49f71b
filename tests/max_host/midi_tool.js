// Live's side of a MIDI Tool: an apply cycle gives notes and context, and the answer counts only if it comes within the
// dispatch. A cycle goes on, with the notes it started from, until the user selects something else.
'use strict';

class MidiTool {
  constructor(host) {
    this.host = host;
    this.clip = null;
    this.dispatches = 0;
    this.open = false;
  }

  /** The user selects a clip's time: notes as [pitch, start, duration], scale as in Live's context. */
  select({notes = [], from = 0, to = 8, scale = {scale_mode: 0, root_note: 0, scale_intervals: [0]}}) {
    this.clip = {
      notes: notes.map(([pitch, start, duration]) => ({
        note_id: pitch * 1000 + start, pitch, start_time: start, duration, velocity: 100, mute: 0, probability: 1,
      })),
      context: {clip: span(notes, from, to), scale, grid: {interval: 0.25, enabled: 1}},
    };
    this.result = null;
  }

  dispatch(box) {
    if (!this.clip) return; // no clip is selected: Live does nothing
    const {Dict} = this.host.dictionaries;
    const context = new Dict();
    context.parse(JSON.stringify(this.clip.context));
    const notes = new Dict();
    // A dictionary's array of one element becomes that element.
    const list = this.clip.notes.length === 1 ? this.clip.notes[0] : this.clip.notes;
    notes.parse(JSON.stringify(list.length === 0 ? {} : {notes: list}));
    this.dispatches++;
    this.open = true;
    this.answers = 0;
    box.out(1, 'dictionary', context.name);
    box.out(0, 'dictionary', notes.name);
    this.open = false;
    if (this.answers !== 1) this.host.faults.push('Did not receive a Note dictionary in time');
  }

  answered([word, name]) {
    if (!this.open) this.host.faults.push('live.miditool.out: an answer outside of a dispatch');
    if (word !== 'dictionary') this.host.faults.push(`live.miditool.out: no dictionary but ${word}`);
    this.answers++;
    this.result = this.host.dictionaries.store.get(name).notes;
  }
}

/** What the context says of the clip: the time selection, and how far its notes reach. */
function span(notes, from, to) {
  const pitches = notes.map(([pitch]) => pitch);
  return {
    time_selection_start: from, time_selection_end: to, insert_marker_time: from,
    first_note_start: Math.min(0, ...notes.map(([, start]) => start)),
    last_note_end: Math.max(0, ...notes.map(([, start, duration]) => start + duration)),
    lowest_pitch: Math.min(127, ...pitches), highest_pitch: Math.max(0, ...pitches),
  };
}

module.exports = {MidiTool};
