// MusicVAE Morph: a plane of clips between two or four corners. The script asks the daemon for the whole plane once and
// puts every cell into the patch's coll; from then on the patch alone plays it in time, also where no daemon runs.

device.name = "MusicVAE Morph";
device.models = /_2bar$/;

var STEPS_PER_CELL = 512; // keys of one cell in the coll; the patch's expr has the same number
var SIZES = [5, 7, 9, 13]; // the Steps menu
var NAMES = ["a", "b", "c", "d"];

var corners = {}; // by name: {clip, name, grabbed}
var grid = null; // what plays: {columns, rows, beats, part, model, temperature, seed, grabbed, cells}
var keptGrid = ""; // what the set has stored, to know our own echo
var cell = 0; // the one that X and Y point at
var playing = 0; // the one that the patch's player is on
var instance = "m" + freshSeed();

NAMES.forEach(function (name) {
    actions["grab_" + name] = function () {
        var clip = grabClip();
        if (clip.empty && corners[name]) {
            delete corners[name];
            outlet(TO_VIEW, "corner", name, "");
            say("on", "Corner " + name.toUpperCase() + " is free: grab a clip, or press Fill corners");
            return;
        }
        if (clip.error) {
            say("fail", clip.error);
            return;
        }
        setCorner(name, clip, clip.name, true);
        buildWhenReady(nextSeed());
    };
});

// New clips for every corner that was not grabbed, then the plane, both of one seed.
actions.fill = function () {
    var open = wantedCorners().filter(function (name) { return !corners[name] || !corners[name].grabbed; });
    if (!open.length) {
        say("fail", "All corners were grabbed: press Make plane, or free one by grabbing an empty slot");
        return;
    }
    var seed = nextSeed();
    var temperature = settings.temperature;
    session.cancelAll();
    ask("Making corners", {}, "/vae/generate", [settings.model, open.length, temperature, seed], {
        done: function (result) {
            open.forEach(function (name, i) {
                setCorner(name, result.clips[i], clipName("new", seed, temperature, i, ""), false);
            });
            buildWhenReady(seed);
        }
    });
};

// The plane anew, between the corners as they are.
actions.make = function () {
    buildWhenReady(nextSeed());
};

actions.corners = function (value) {
    var before = settings.corners;
    settings.corners = value;
    outlet(TO_VIEW, "wanted", value === 0 ? 2 : 4);
    if (before !== undefined && before !== value) {
        device.changed();
    }
};

actions.x = function (value) {
    settings.x = value;
    pointAt();
};

actions.y = function (value) {
    settings.y = value;
    pointAt();
};

// What the plane was not made with, and whether Live's transport runs, changes nothing about the plane's words.
["play", "transport"].forEach(function (name) {
    actions[name] = function (value) {
        settings[name] = value;
    };
});

// From the patch: the cell that its player is on from now on.
actions.playing = function (index) {
    playing = index;
    outlet(TO_VIEW, "playing", index);
};

actions.write = function () {
    if (!grid) {
        say("fail", "Nothing to write yet: take two or four corner clips first");
        return;
    }
    var index = settings.transport && settings.play ? playing : cell;
    var column = index % grid.columns;
    var name = clipName(grid.model, grid.seed, grid.temperature, 0, "morph " + (column + 1) + "," +
        ((index - column) / grid.columns + 1) + " of " + grid.columns + "x" + grid.rows);
    var written = writeClips([{clip: grid.cells[index], name: name}], placeFor(SLOT_NEXT_FREE));
    say(written.error ? "fail" : "on", written.error || "Wrote " + name + " to " + written.where);
};

// The grid that Live stored with the set or preset. Its corner cells are the corners from now on, so that it can be made
// anew with other settings.
actions.keptgrid = function () {
    var list = arrayfromargs(arguments);
    if (list.join(" ") === keptGrid) {
        return;
    }
    var stored = unpackGrid(list);
    var recalled = grid !== null; // a preset into a device that works already; else the controls are not heard of yet
    if (stored) {
        keptGrid = list.join(" ");
        useGrid(stored);
        corners = {};
        NAMES.slice(0, stored.rows === 1 ? 2 : 4).forEach(function (name, i) {
            var index = (i % 2) * (stored.columns - 1) + (i > 1 ? stored.columns * (stored.rows - 1) : 0);
            setCorner(name, stored.cells[index], "kept", (stored.grabbed & (1 << i)) !== 0);
        });
        if (recalled) {
            device.changed();
        }
    }
};

// A control that the plane was made with was moved. What plays goes on: the plane is not made anew in the middle of a show.
device.changed = function () {
    if (grid && !device.busy) {
        sayPlane();
    }
};

function sayPlane() {
    var columns = SIZES[settings.steps];
    var moved = [
        settings.model !== grid.model && "Model",
        columns !== grid.columns && "Steps",
        (settings.corners === 0) !== (grid.rows === 1) && "Corners",
        settings.temperature !== grid.temperature && "Temperature",
        settings.lock && settings.seed !== grid.seed && "Seed"
    ].filter(Boolean);
    say("on", moved.length ? moved.join(", ") + " changed: press Make plane to hear it" :
        grid.cells.length + " clips ready: move X and Y, start Live's transport");
}

function wantedCorners() {
    return settings.corners === 0 ? ["a", "b"] : NAMES;
}

function setCorner(name, clip, title, grabbed) {
    corners[name] = {clip: clip, name: title, grabbed: grabbed};
    outlet(TO_VIEW, "corner", name, title);
}

function buildWhenReady(seed) {
    var missing = wantedCorners().filter(function (name) { return !corners[name]; });
    if (missing.length) {
        say("on", "Corner " + missing.join(", ").toUpperCase() + " still to grab, or press Fill corners");
        return;
    }
    build(seed);
}

function build(seed) {
    var columns = SIZES[settings.steps];
    var rows = settings.corners === 0 ? 1 : columns;
    var clips = {};
    var grabbed = 0;
    wantedCorners().forEach(function (name, i) {
        clips[instance + name] = forModel(corners[name].clip);
        grabbed |= corners[name].grabbed ? 1 << i : 0;
    });
    var made = {
        columns: columns, rows: rows, beats: 0, part: modelPart(), model: settings.model,
        temperature: settings.temperature, seed: seed, grabbed: grabbed, cells: []
    };
    session.cancelAll(); // a plane that is still being made is not wanted any more, nor are its corners
    ask("Making " + columns * rows + " clips between the corners", clips, "/vae/grid",
        [made.model, instance, columns, rows].concat(Object.keys(clips), made.temperature, seed), {
            done: function (result) {
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
    sayPlane();
}

// Fill the patch's player. Notes go to keys cell x 512 + step, as pitch velocity length triples. The player goes to the
// cell that X and Y point at: the number of the one it was on means nothing in the new plane.
function useGrid(made) {
    grid = made;
    device.seed = made.seed;
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
    outlet(TO_PANEL, "swap");
    actions.playing(cell);
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
