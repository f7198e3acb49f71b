// Notes and clips as every device holds them, and their forms on the wire, in Live and in a stored parameter.
// A note is {part, pitch, start, duration, velocity}: beats (quarter notes) as floats, pitch 0-127, velocity 1-127.
// A clip is {name, beats, notes}. Pure functions: no Max, no Live.

var NOTES_PER_MESSAGE = 60; // the protocol's limit for one /vae/clip/notes
var BEATS_PER_BAR = 4;
var STEPS_PER_BEAT = 4;

// Live 12's scales, in the order and with the names of Live's own menu; semitones above the root.
/** @type {Array<[string, number[]]>} */
var SCALES = [
    ["Major", [0, 2, 4, 5, 7, 9, 11]],
    ["Minor", [0, 2, 3, 5, 7, 8, 10]],
    ["Dorian", [0, 2, 3, 5, 7, 9, 10]],
    ["Mixolydian", [0, 2, 4, 5, 7, 9, 10]],
    ["Lydian", [0, 2, 4, 6, 7, 9, 11]],
    ["Phrygian", [0, 1, 3, 5, 7, 8, 10]],
    ["Locrian", [0, 1, 3, 5, 6, 8, 10]],
    ["Whole Tone", [0, 2, 4, 6, 8, 10]],
    ["Half-whole Dim.", [0, 1, 3, 4, 6, 7, 9, 10]],
    ["Whole-half Dim.", [0, 2, 3, 5, 6, 8, 9, 11]],
    ["Minor Blues", [0, 3, 5, 6, 7, 10]],
    ["Minor Pentatonic", [0, 3, 5, 7, 10]],
    ["Major Pentatonic", [0, 2, 4, 7, 9]],
    ["Harmonic Minor", [0, 2, 3, 5, 7, 8, 11]],
    ["Harmonic Major", [0, 2, 4, 5, 7, 8, 11]],
    ["Dorian #4", [0, 2, 3, 6, 7, 9, 10]],
    ["Phrygian Dominant", [0, 1, 4, 5, 7, 8, 10]],
    ["Melodic Minor", [0, 2, 3, 5, 7, 9, 11]],
    ["Lydian Augmented", [0, 2, 4, 6, 8, 9, 11]],
    ["Lydian Dominant", [0, 2, 4, 6, 7, 9, 10]],
    ["Super Locrian", [0, 1, 3, 4, 6, 8, 10]],
    ["8-Tone Spanish", [0, 1, 3, 4, 5, 6, 8, 10]],
    ["Bhairav", [0, 1, 4, 5, 7, 8, 11]],
    ["Hungarian Minor", [0, 2, 3, 6, 7, 8, 11]],
    ["Hirajoshi", [0, 2, 3, 7, 8]],
    ["In-Sen", [0, 1, 5, 7, 10]],
    ["Iwato", [0, 1, 5, 6, 10]],
    ["Kumoi", [0, 2, 3, 7, 9]],
    ["Pelog Selisir", [0, 1, 3, 7, 8]],
    ["Pelog Tembung", [0, 1, 5, 7, 8]],
    ["Messiaen 3", [0, 2, 3, 4, 6, 7, 8, 10, 11]],
    ["Messiaen 4", [0, 1, 2, 5, 6, 7, 8, 11]],
    ["Messiaen 5", [0, 1, 5, 6, 7, 11]],
    ["Messiaen 6", [0, 2, 4, 5, 6, 8, 10, 11]],
    ["Messiaen 7", [0, 1, 2, 3, 5, 6, 7, 8, 9, 11]]
];

// Name of the scale with these intervals (any order), or "" where Live's menu has none such.
function scaleNamed(intervals) {
    var wanted = intervals.slice().sort(function (a, b) { return a - b; }).join(",");
    for (var i = 0; i < SCALES.length; i++) {
        if (SCALES[i][1].join(",") === wanted) {
            return SCALES[i][0];
        }
    }
    return "";
}

function byStart(a, b) {
    return a.start - b.start || a.pitch - b.pitch;
}

function clamp(value, low, high) {
    return value < low ? low : value > high ? high : value;
}

// Notes as the argument lists of /vae/clip/notes: [[part, pitch, start, duration, velocity, pitch, ...], ...].
function noteChunks(notes) {
    var lists = [];
    var open = {};
    for (var i = 0; i < notes.length; i++) {
        var note = notes[i];
        var list = open[note.part];
        if (!list || list.length >= 1 + 4 * NOTES_PER_MESSAGE) {
            list = open[note.part] = [note.part];
            lists.push(list);
        }
        list.push(note.pitch, note.start, note.duration, note.velocity);
    }
    return lists;
}

// The reverse: one message's part and flat numbers, appended to `notes`.
function readChunk(part, numbers, notes) {
    for (var i = 0; i + 3 < numbers.length; i += 4) {
        notes.push({
            part: part,
            pitch: numbers[i],
            start: numbers[i + 1],
            duration: numbers[i + 2],
            velocity: numbers[i + 3]
        });
    }
    return notes;
}

// Notes as add_new_notes and the MIDI Tools' dictionaries take them, moved by `offset` beats.
function liveNotes(notes, offset) {
    var list = [];
    for (var i = 0; i < notes.length; i++) {
        list.push({
            pitch: notes[i].pitch,
            start_time: notes[i].start + (offset || 0),
            duration: notes[i].duration,
            velocity: notes[i].velocity,
            probability: 1,
            mute: 0
        });
    }
    return list;
}

// Live's notes between `from` and `to` (beats) as a clip of one part that starts at 0. Muted notes are not heard, so
// they are left out. A note that starts before `from` is left out, one that ends after `to` ends there.
function clipFromLive(name, part, notes, from, to) {
    var clip = {name: name, beats: to - from, notes: []};
    for (var i = 0; i < notes.length; i++) {
        var note = notes[i];
        if (note.mute || note.start_time < from || note.start_time >= to) {
            continue;
        }
        clip.notes.push({
            part: part,
            pitch: Math.round(note.pitch),
            start: note.start_time - from,
            duration: Math.min(note.duration, to - note.start_time),
            velocity: clamp(Math.round(note.velocity), 1, 127)
        });
    }
    clip.notes.sort(byStart);
    return clip;
}

// A clip of exactly `beats`: a shorter loop is repeated, as Live would play it, a longer one is cut.
function fitted(clip, beats) {
    var notes = [];
    for (var offset = 0; offset < beats && clip.beats > 0; offset += clip.beats) {
        for (var i = 0; i < clip.notes.length; i++) {
            var note = clip.notes[i];
            var start = note.start + offset;
            if (start < beats) {
                notes.push({
                    part: note.part,
                    pitch: note.pitch,
                    start: start,
                    duration: Math.min(note.duration, beats - start),
                    velocity: note.velocity
                });
            }
        }
    }
    notes.sort(byStart);
    return {name: clip.name, beats: beats, notes: notes};
}

// Only the notes of one part, for a model that makes several.
function partOf(clip, part) {
    return {
        name: clip.name,
        beats: clip.beats,
        notes: clip.notes.filter(function (note) { return note.part === part; })
    };
}

// A clip's name in Live: what has to be typed in to have the same result again. The numbers are those that were sent.
function clipName(model, seed, temperature, index, more) {
    return model + " s" + seed + " t" + temperature + (index > 0 ? " #" + (index + 1) : "") + (more ? " " + more : "");
}

// Text as a symbol that is still one when Max or Live has read it from text again, as they do with menu items and stored
// values: there "Low End" becomes two atoms, "01 Kit" a 1 and a symbol, and a comma or semicolon ends the message.
function toSymbol(text) {
    return "=" + encodeURIComponent(text);
}

function fromSymbol(symbol) {
    return decodeURIComponent(String(symbol).slice(1));
}

// The drum pitches that the models write, in the order of their kinds (kick, snare, closed and open hi-hat, low, mid
// and high tom, crash, ride): kind i is bit i of a stored step.
var DRUM_PITCHES = [36, 38, 42, 46, 45, 48, 50, 49, 51];
var HOLD = 129; // a stored step of a melody: 0 is rest, 1-128 the start of pitch 0-127, HOLD goes on
var STEPS_PER_INT = 3; // of at most 9 bits, in the 31 that an int of Max has to spare

// A clip's steps (sixteenths) as numbers below 512. Clips of the 2-bar models lie on sixteenths, with one melody note at
// a time and drum hits of one sixteenth, so nothing is lost but a velocity of each note's own.
function clipSteps(clip, part) {
    var steps = [];
    for (var step = 0; step < clip.beats * STEPS_PER_BEAT; step++) {
        steps.push(0);
    }
    clip.notes.forEach(function (note) {
        var start = Math.round(note.start * STEPS_PER_BEAT);
        if (part === "drums") {
            steps[start] |= 1 << DRUM_PITCHES.indexOf(note.pitch);
            return;
        }
        var end = Math.min(steps.length, start + Math.round(note.duration * STEPS_PER_BEAT));
        for (var step = start; step < end; step++) {
            steps[step] = step === start ? note.pitch + 1 : HOLD;
        }
    });
    return steps;
}

function stepsClip(steps, part, beats, velocity) {
    var notes = [];
    var add = function (pitch, step) {
        notes.push({
            part: part, pitch: pitch, start: step / STEPS_PER_BEAT, duration: 1 / STEPS_PER_BEAT, velocity: velocity
        });
    };
    steps.forEach(function (value, step) {
        if (part !== "drums") {
            if (value === HOLD && notes.length) {
                notes[notes.length - 1].duration += 1 / STEPS_PER_BEAT;
            } else if (value > 0 && value < HOLD) {
                add(value - 1, step);
            }
            return;
        }
        for (var kind = 0; kind < DRUM_PITCHES.length; kind++) {
            if (value & (1 << kind)) {
                add(DRUM_PITCHES[kind], step);
            }
        }
    });
    notes.sort(byStart);
    return {name: "", beats: beats, notes: notes};
}

// A whole grid {columns, rows, beats, part, model, temperature, seed, grabbed, cells: [clip]} as a flat list, and back;
// `grabbed` has a bit for each corner that the user gave. The list is what a Live Set keeps, so that the grid plays again
// where no daemon runs. Whole numbers and symbols only, which come back from Live as they were.
var GRID_FORMAT = 2;
var GRID_HEAD = 10; // atoms before the cells

function packGrid(grid) {
    var loud = grid.cells.filter(function (clip) { return clip.notes.length; })[0];
    var velocity = loud ? loud.notes[0].velocity : 100;
    var list = [GRID_FORMAT, toSymbol(grid.model), grid.part, grid.columns, grid.rows, grid.beats, velocity,
        Math.round(grid.temperature * 100), grid.seed, grid.grabbed];
    grid.cells.forEach(function (clip) {
        var steps = clipSteps(clip, grid.part);
        for (var i = 0; i < steps.length; i += STEPS_PER_INT) {
            list.push(steps[i] | ((steps[i + 1] || 0) << 9) | ((steps[i + 2] || 0) << 18));
        }
    });
    return list;
}

// Null for a list that is no grid.
function unpackGrid(list) {
    var grid = {
        model: fromSymbol(list[1]), part: String(list[2]), columns: list[3], rows: list[4], beats: list[5],
        temperature: list[7] / 100, seed: list[8], grabbed: list[9], cells: []
    };
    var count = grid.beats * STEPS_PER_BEAT;
    var atoms = Math.ceil(count / STEPS_PER_INT);
    if (list[0] !== GRID_FORMAT || list.length !== GRID_HEAD + grid.columns * grid.rows * atoms) {
        return null;
    }
    for (var at = GRID_HEAD; at < list.length; at += atoms) {
        var steps = [];
        for (var step = 0; step < count; step++) {
            steps.push((list[at + Math.floor(step / STEPS_PER_INT)] >> (9 * (step % STEPS_PER_INT))) & 511);
        }
        grid.cells.push(stepsClip(steps, grid.part, grid.beats, list[6]));
    }
    return grid;
}
