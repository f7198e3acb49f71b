// MusicVAE Trio: lead, bass and drum clips of one piece on three tracks, in one scene, or a 32-bar melody on the first.

device.name = "MusicVAE Trio";
device.models = /^(trio_16bar|melody_32bar)$/;

var TRIO_PARTS = ["lead", "bass", "drums"];
var NO_TRACK = "Choose a track";
/** @type {*} */
var tracks = []; // MIDI tracks of the set in the menus' order: {id, index, name, label}
var chosen = {}; // part to the id of its track, which stays with a track that is moved or renamed
var kept = {}; // part to the label that the set stores, by which a track is found when the set is opened

actions.ready = (function (start) {
    return function () {
        start();
        listTracks();
    };
}(actions.ready));

// The menus show the tracks as they are now.
actions.tracks = function () {
    listTracks();
    say("on", tracks.length === 1 ? "The set has 1 MIDI track" : "The set has " + tracks.length + " MIDI tracks");
};

TRIO_PARTS.forEach(function (part) {
    // From the menu comes the item's number: 0 is no track, and an item's text may be another track's too.
    actions[part] = function (item) {
        if (item > 0 && item <= tracks.length) {
            choose(part, tracks[item - 1]);
        } else {
            delete chosen[part];
            keepTrack(part, "");
        }
    };
    actions["kept" + part] = function (symbol) {
        var label = symbol === "none" ? "" : fromSymbol(symbol);
        if (label !== (kept[part] || "")) { // not our own echo
            delete chosen[part];
            kept[part] = label;
            listTracks();
        }
    };
});

function choose(part, track) {
    chosen[part] = track.id;
    keepTrack(part, track.label);
}

function keepTrack(part, label) {
    if (label !== (kept[part] || "")) {
        kept[part] = label;
        outlet(TO_PANEL, "keep" + part, label ? toSymbol(label) : "none");
    }
}

// A track's label is its name; tracks that share one have their number before it, as Live's own buttons do.
function listTracks() {
    tracks = midiTracks();
    tracks.forEach(function (track) {
        var same = tracks.filter(function (other) { return other.name === track.name; });
        track.label = same.length > 1 ? (track.index + 1) + ": " + track.name : track.name;
    });
    TRIO_PARTS.forEach(function (part) {
        outlet(TO_PANEL, part, "clear");
        outlet(TO_PANEL, part, "append", NO_TRACK);
        tracks.forEach(function (track) {
            outlet(TO_PANEL, part, "append", track.label);
        });
        var track = trackFor(part);
        if (track) {
            choose(part, track);
        }
        outlet(TO_PANEL, part, "set", tracks.indexOf(track) + 1);
    });
}

function trackFor(part) {
    return tracks.filter(function (track) {
        return chosen[part] ? track.id === chosen[part] : track.label === kept[part];
    })[0];
}

// The tracks of the parts that the model makes, and the scene to begin at: {list: [{part, id}], scene}, or {error}.
function places(parts) {
    listTracks();
    var found = [];
    var used = {};
    for (var i = 0; i < parts.length; i++) {
        var track = trackFor(parts[i]);
        if (!track) {
            return {error: "Choose a MIDI track for the " + parts[i] + " first"};
        }
        if (used[track.id]) {
            return {error: "Two parts are on the track " + track.label + ": choose one track for each part"};
        }
        used[track.id] = true;
        found.push({part: parts[i], id: track.id});
    }
    var highlighted = highlightedSlot();
    return {list: found, scene: highlighted.error ? 0 : highlighted.scene};
}

actions.generate = function () {
    var trio = /^trio/.test(device.tasks[settings.model] || "");
    var parts = trio ? TRIO_PARTS : ["lead"];
    var where = places(parts);
    if (where.error) {
        say("fail", where.error);
        return;
    }
    var seed = nextSeed();
    var key = scaleOptions();
    var title = clipName(settings.model, seed, settings.temperature, 0, key.words);
    ask("Making " + (trio ? "16 bars for three tracks" : "32 bars of melody"), {}, "/vae/generate",
        [settings.model, 1, settings.temperature, seed].concat(key.options), {
            done: function (result) {
                device.seed = seed;
                showClip(result.clips[0], title);
                var written = write(where, result.clips[0], title, trio);
                say(written.error ? "fail" : "on", written.error || (trio ? "Wrote three clips" : "Wrote the melody") +
                    " to scene " + (written.scene + 1) + (key.note ? ". " + key.note : ""));
            }
        });
};

// One scene where every part's slot is free; the clips are all named alike. The tracks are looked up anew: the user may
// have moved or deleted some while the piece was made. Returns {scene} or {error}.
function write(where, clip, title, trio) {
    var there = where.list.map(function (place) { return objectOfId(place.id); });
    var free = freeScenes(there, where.scene, 1);
    if (free.error) {
        return free;
    }
    for (var i = 0; i < there.length; i++) {
        var part = trio ? partOf(clip, where.list[i].part) : clip;
        var written = writeToSlot(slotAt(there[i], free.list[0]), part, title);
        if (written.error) {
            return written;
        }
    }
    return {scene: free.list[0]};
}
