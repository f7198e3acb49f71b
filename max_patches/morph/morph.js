// MusicVAE Morph: a plane of clips between two or four corners. The script asks the daemon for the whole plane once and
// puts every cell into the patch's coll; from then on the patch alone plays it in time, also where no daemon runs.

device.name = "MusicVAE Morph";
device.models = /_2bar$/;

var STEPS_PER_CELL = 512; // keys of one cell in the coll; the patch's expr has the same number
var SIZES = [5, 7, 9, 13]; // the Steps menu
var NAMES = ["a", "b", "c", "d"];

var corners = {}; // by name: {clip, name}
var grid = null; // {columns, rows, beats, part, model, cells}
var keptGrid = ""; // what the set has stored, to know our own echo
var cell = 0; // the one that X and Y point at
var playing = 0;
var instance = "m" + freshSeed();
var building = 0;

NAMES.forEach(function (name) {
    actions["grab_" + name] = function () {
        var clip = grabClip(modelPart());
        if (clip.error) {
            say("fail", clip.error);
            return;
        }
        setCorner(name, fitted(clip, modelBeats()), clip.name, true);
        buildWhenReady();
    };
});

// New clips for every corner that was not grabbed.
actions.fill = function () {
    var seed = nextSeed();
    var open = wantedCorners().filter(function (name) { return !corners[name] || !corners[name].grabbed; });
    if (!open.length) {
        open = wantedCorners();
    }
    ask("Making corners", {}, "/vae/generate", [settings.model, open.length, settings.temperature, seed], {
        done: function (result) {
            open.forEach(function (name, i) {
                setCorner(name, result.clips[i], clipName("new", seed, settings.temperature, i, ""), false);
            });
            buildWhenReady();
        }
    });
};

actions.corners = function (value) {
    settings.corners = value;
    outlet(TO_VIEW, "wanted", value === 0 ? 2 : 4);
};

actions.x = function (value) {
    settings.x = value;
    pointAt();
};

actions.y = function (value) {
    settings.y = value;
    pointAt();
};

// From the patch: the cell that sounds from now on.
actions.playing = function (index) {
    playing = index;
    outlet(TO_VIEW, "playing", index);
};

actions.write = function () {
    if (!grid) {
        say("fail", "Nothing to write yet: take two or four corner clips first");
        return;
    }
    var index = settings.play ? playing : cell;
    var column = index % grid.columns;
    var name = grid.model + " morph " + (column + 1) + "," + ((index - column) / grid.columns + 1) + " of " +
        grid.columns + "x" + grid.rows;
    var written = writeClips([{clip: grid.cells[index], name: name}], SLOT_NEXT_FREE);
    say(written.error ? "fail" : "on", written.error || "Wrote " + name + " to " + written.where);
};

// The grid that Live stored with the set or preset.
actions.keptgrid = function () {
    var list = arrayfromargs(arguments);
    if (list.join(" ") === keptGrid) {
        return;
    }
    var stored = unpackGrid(list);
    if (stored) {
        keptGrid = list.join(" ");
        useGrid(stored);
    }
};

function wantedCorners() {
    return settings.corners === 0 ? ["a", "b"] : NAMES;
}

function setCorner(name, clip, title, grabbed) {
    corners[name] = {clip: clip, name: title, grabbed: grabbed};
    outlet(TO_VIEW, "corner", name, title);
}

function buildWhenReady() {
    var missing = wantedCorners().filter(function (name) { return !corners[name]; });
    if (missing.length) {
        say("on", "Corner " + missing.join(", ").toUpperCase() + " still to grab, or press Fill corners");
        return;
    }
    build();
}

function build() {
    var columns = SIZES[settings.steps];
    var rows = settings.corners === 0 ? 1 : columns;
    var clips = {};
    var names = wantedCorners().map(function (name) {
        clips[instance + name] = corners[name].clip;
        return instance + name;
    });
    var made = {
        columns: columns, rows: rows, beats: modelBeats(), part: modelPart(), model: settings.model, cells: []
    };
    var turn = ++building;
    ask("Making " + columns * rows + " clips between the corners", clips, "/vae/grid",
        [settings.model, instance, columns, rows].concat(names, [settings.temperature, nextSeed()]), {
            done: function (result) {
                if (turn !== building) {
                    return; // a newer plane is on its way
                }
                made.cells = result.clips;
                made.beats = result.clips[0].beats;
                useGrid(made);
                keep(made);
            }
        });
}

// Have Live store the plane with the set: 11 atoms a cell, so that the largest has fewer than 2,000.
function keep(made) {
    var list = packGrid(made);
    keptGrid = list.join(" ");
    outlet(TO_PANEL, ["keepgrid"].concat(list));
    say("on", made.cells.length + " clips ready: move X and Y, start Live's transport");
}

// Fill the patch's player. Notes go to keys cell x 512 + step, as pitch velocity length triples.
function useGrid(made) {
    grid = made;
    outlet(TO_PANEL, "cells", "clear");
    made.cells.forEach(function (clip, index) {
        var steps = {};
        clip.notes.forEach(function (note) {
            var step = Math.round(note.start * STEPS_PER_BEAT);
            var length = Math.max(1, Math.round(note.duration * STEPS_PER_BEAT));
            steps[step] = (steps[step] || []).concat(note.pitch, note.velocity, length);
        });
        for (var step in steps) {
            outlet(TO_PANEL, ["cells", "store", index * STEPS_PER_CELL + Number(step)].concat(steps[step]));
        }
    });
    outlet(TO_PANEL, "loop", made.beats * STEPS_PER_BEAT);
    outlet(TO_PANEL, "rows", made.rows);
    outlet(TO_PANEL, "columns", made.columns);
    outlet(TO_VIEW, "grid", made.columns, made.rows);
    cell = -1;
    pointAt();
}

function pointAt() {
    var x = settings.x || 0;
    var y = settings.y || 0;
    outlet(TO_VIEW, "xy", x, y);
    if (!grid) {
        return;
    }
    var index = Math.floor(x * (grid.columns - 1) + 0.5) + grid.columns * Math.floor(y * (grid.rows - 1) + 0.5);
    if (index !== cell) {
        cell = index;
        showClip(grid.cells[cell], "");
    }
}
