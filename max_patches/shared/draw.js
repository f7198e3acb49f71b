// Drawing on a jsui with mgraphics: colours, words, piano rolls. Sizes in pixels, colours [red, green, blue, alpha].

var COLORS = {
    back: [0.11, 0.12, 0.13, 1],
    grid: [0.2, 0.21, 0.23, 1],
    bar: [0.32, 0.34, 0.37, 1],
    dim: [0.55, 0.57, 0.6, 1],
    text: [0.85, 0.87, 0.9, 1],
    melody: [0.98, 0.62, 0.25, 1],
    lead: [0.98, 0.62, 0.25, 1],
    bass: [0.36, 0.68, 0.98, 1],
    drums: [0.55, 0.85, 0.42, 1],
    on: [0.42, 0.82, 0.45, 1],
    busy: [0.98, 0.8, 0.3, 1],
    fail: [0.96, 0.4, 0.35, 1],
    off: [0.6, 0.3, 0.28, 1]
};

// The drum lanes' names, from the lowest lane up, in the order of DRUM_PITCHES.
var DRUM_LANES = ["kick", "snare", "hat", "open", "tom l", "tom m", "tom h", "crash", "ride"];
var NAMES_WIDTH = 30; // of the lanes' names, beside the roll
var KEYS_WIDTH = 18; // of the Cs' names there
var KEY_HEIGHT = 4; // below this, keys have neither names nor rows that could be told apart

function color(name, alpha) {
    var c = COLORS[name];
    mgraphics.set_source_rgba(c[0], c[1], c[2], alpha === undefined ? c[3] : alpha);
}

function block(x, y, width, height, name, alpha) {
    color(name, alpha);
    mgraphics.rectangle(x, y, width, height);
    mgraphics.fill();
}

function words(x, y, text, size, name) {
    color(name);
    mgraphics.set_font_size(size);
    mgraphics.move_to(x, y);
    mgraphics.show_text(text);
}

function textWidth(text, size) {
    mgraphics.set_font_size(size);
    return mgraphics.text_measure(text)[0];
}

// Text cut at a word's end into lines of at most `width` pixels; what does not fit in `most` lines ends in "...".
function lines(text, size, width, most) {
    var result = [];
    var parts = text.split(" ");
    var line = "";
    for (var i = 0; i < parts.length; i++) {
        var longer = line ? line + " " + parts[i] : parts[i];
        if (!line || textWidth(longer, size) <= width) {
            line = longer;
        } else if (result.length + 1 < most) {
            result.push(line);
            line = parts[i];
        } else {
            line += "...";
            break;
        }
    }
    while (line.length > 4 && textWidth(line, size) > width) {
        line = line.replace(/\.*$/, "").slice(0, -1) + "...";
    }
    return result.concat([line]);
}

// The connection light and its words, over the whole width. Returns the height used.
function drawStatus(width, light, text) {
    var size = 10;
    var shown = lines(text, size, width - 24, 2);
    color(light);
    mgraphics.ellipse(6, 5, 8, 8);
    mgraphics.fill();
    for (var i = 0; i < shown.length; i++) {
        words(19, 13 + 12 * i, shown[i], size, light === "on" ? "dim" : "text");
    }
    return 6 + 12 * shown.length;
}

// A clip's notes in a rectangle: drums in nine lanes, everything else by pitch, with bars and beats. Lanes and keys have
// names where nothing else shares the rectangle, `named` is set, and there is room.
function drawRoll(x, y, width, height, clip, alpha, named) {
    var drums = clip.notes.filter(function (note) { return note.part === "drums"; });
    var pitched = clip.notes.filter(function (note) { return note.part !== "drums"; });
    var drumHeight = !drums.length ? 0 : pitched.length ? Math.round(height * 0.38) : height;
    var rows = pitchRows(pitched, height - drumHeight);
    block(x, y, width, height, "back");
    if (named && drumHeight === height && height > 9 * DRUM_LANES.length) {
        drawLaneNames(x, y, height);
        x += NAMES_WIDTH;
        width -= NAMES_WIDTH;
    } else if (named && pitched.length && !drums.length && rows.height >= KEY_HEIGHT) {
        drawKeys(x, y, width, height, rows);
        x += KEYS_WIDTH;
        width -= KEYS_WIDTH;
    }
    var perBeat = width / clip.beats;
    for (var beat = 0; beat <= clip.beats; beat++) {
        var isBar = beat % BEATS_PER_BAR === 0;
        if (isBar || perBeat > 6) {
            block(x + beat * perBeat, y, 1, height, isBar ? "bar" : "grid");
        }
    }
    if (drums.length) {
        drawDrums(x, y + height - drumHeight, perBeat, drumHeight, drums, alpha);
    }
    pitched.forEach(function (note) {
        block(x + note.start * perBeat + 1, y + rows.top(note.pitch), Math.max(2, note.duration * perBeat - 1),
            Math.max(2, rows.height - 1), note.part, alpha);
    });
}

// Where each pitch lies in a roll of this height, from its top: all notes in the middle, and at least 14 semitones.
function pitchRows(notes, height) {
    var low = 127;
    var high = 0;
    for (var i = 0; i < notes.length; i++) {
        low = Math.min(low, notes[i].pitch);
        high = Math.max(high, notes[i].pitch);
    }
    var row = height / Math.max(14, high - low + 3);
    return {
        height: row, low: Math.floor((low + high) / 2 - height / row / 2),
        top: function (pitch) { return height / 2 - (pitch - (low + high) / 2 + 0.5) * row; }
    };
}

// The rows of the black keys, and the Cs with their octaves as Live counts them: pitch 60 is C3.
function drawKeys(x, y, width, height, rows) {
    for (var pitch = rows.low; rows.top(pitch) > -rows.height; pitch++) {
        var top = clamp(rows.top(pitch), 0, height);
        var bottom = clamp(rows.top(pitch) + rows.height, 0, height);
        if (/^(1|3|6|8|10)$/.test(String(pitch % 12))) {
            block(x + KEYS_WIDTH, y + top, width - KEYS_WIDTH, bottom - top, "grid", 0.6);
        } else if (pitch % 12 === 0 && bottom - top > KEY_HEIGHT / 2) {
            words(x + 1, y + bottom - rows.height / 2 + 3, "C" + (pitch / 12 - 2), 8, "dim");
        }
    }
}

function drawLaneNames(x, y, height) {
    var lane = height / DRUM_LANES.length;
    DRUM_LANES.forEach(function (name, row) {
        words(x + 1, y + height - row * lane - lane / 2 + 3, name, 8, "dim");
    });
}

function drawDrums(x, y, perBeat, height, notes, alpha) {
    var lane = height / DRUM_LANES.length;
    notes.forEach(function (note) {
        var row = DRUM_PITCHES.indexOf(note.pitch);
        if (row >= 0) { // a grabbed clip may have pads of no kind
            block(x + note.start * perBeat + 1, y + height - (row + 1) * lane + 1,
                Math.max(2, perBeat / STEPS_PER_BEAT - 2), Math.max(2, lane - 2), "drums", alpha);
        }
    });
}
