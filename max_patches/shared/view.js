// The view of a device: connection light with words, and the piano roll of the result that is shown.

inlets = 1;
outlets = 1;
autowatch = 0;

mgraphics.init();
mgraphics.relative_coords = 0;
mgraphics.autofill = 0;

var light = "off";
var statusWords = "Starting";
var shownClip = null;
var incoming = null;
var fraction = 0;
var painter = paintRoll; // what fills the view below the status; a device may put its own here

function status(lamp, text) {
    light = lamp;
    statusWords = String(text);
    mgraphics.redraw();
}

function progress(value) {
    fraction = value;
    mgraphics.redraw();
}

// A clip comes as `clip beats title`, any number of `notes part pitch start duration velocity ...`, and `shown`.
function clip(beats, title) {
    incoming = {beats: beats, name: String(title), notes: []};
}

function notes() {
    var list = arrayfromargs(arguments);
    readChunk(list[0], list.slice(1), incoming.notes);
}

function shown() {
    shownClip = incoming;
    mgraphics.redraw();
}

function paintRoll(top, width, height) {
    if (!shownClip) {
        block(4, top, width - 8, height - top - 4, "grid", 0.5);
        return;
    }
    drawRoll(4, top, width - 8, height - top - 18, shownClip, 1, true);
    var left = drawParts(width - 6, height - 6);
    words(6, height - 6, lines(shownClip.name, 9, left - 12, 1)[0], 9, "dim");
}

// Which colour is which, from `right` to the left, where a clip has several parts. Returns how far left it came.
function drawParts(right, y) {
    var parts = ["lead", "bass", "drums"].filter(function (part) {
        return shownClip.notes.some(function (note) { return note.part === part; });
    });
    for (var i = parts.length - 1; i >= 0 && parts.length > 1; i--) {
        right -= textWidth(parts[i], 9);
        words(right, y, parts[i], 9, parts[i]);
        right -= 8;
    }
    return right;
}

function paint() {
    var width = mgraphics.size[0];
    var height = mgraphics.size[1];
    mgraphics.select_font_face("Arial");
    block(0, 0, width, height, "back");
    var top = drawStatus(width, light, statusWords);
    if (fraction > 0) {
        block(0, top - 2, width * fraction, 2, "busy");
    }
    painter(top + 2, width, height);
}
