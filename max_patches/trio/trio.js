// MusicVAE Trio: lead, bass and drum clips of one piece on three tracks, in one scene, or a 32-bar melody on the first.

device.name = "MusicVAE Trio";
device.models = /^(trio_16bar|melody_32bar)$/;

var TRIO_PARTS = ["lead", "bass", "drums"];
var tracks = []; // MIDI tracks of the set: {index, name}
var chosen = {}; // part to track name, as the set has it stored

actions.ready = (function (start) {
    return function () {
        start();
        listTracks();
    };
}(actions.ready));

// The menus show the tracks as they are now.
actions.tracks = listTracks;

TRIO_PARTS.forEach(function (part) {
    actions[part] = function (name) {
        chosen[part] = String(name);
        outlet(TO_PANEL, "keep" + part, chosen[part]);
    };
    actions["kept" + part] = function (name) {
        if (name && name !== "none") {
            chosen[part] = String(name);
            listTracks();
        }
    };
});

function listTracks() {
    tracks = midiTracks();
    TRIO_PARTS.forEach(function (part) {
        outlet(TO_PANEL, part, "clear");
        tracks.forEach(function (track) {
            outlet(TO_PANEL, part, "append", track.name);
        });
        if (chosen[part]) {
            outlet(TO_PANEL, part, "setsymbol", chosen[part]);
        }
    });
}

// The tracks of the parts that the model makes: [{part, track}], or {error}.
function places(parts) {
    tracks = midiTracks();
    var found = [];
    var used = {};
    for (var i = 0; i < parts.length; i++) {
        var track = null;
        for (var j = 0; j < tracks.length; j++) {
            if (tracks[j].name === chosen[parts[i]]) {
                track = tracks[j];
            }
        }
        if (!track) {
            return {error: "Choose a MIDI track for the " + parts[i] + " first"};
        }
        if (used[track.index]) {
            return {error: "Two parts are on the track " + track.name + ": choose one track for each part"};
        }
        used[track.index] = true;
        found.push({part: parts[i], track: trackAt(track.index)});
    }
    return {list: found};
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
                showClip(result.clips[0], title);
                write(where.list, result.clips[0], title, trio);
            }
        });
};

// One scene where every part's slot is free; the clips are all named alike.
function write(list, clip, title, trio) {
    var highlighted = highlightedSlot();
    var scene = freeScenes(list.map(function (place) { return place.track; }),
        highlighted.error ? 0 : highlighted.scene, 1)[0];
    for (var i = 0; i < list.length; i++) {
        var written = writeToSlot(slotAt(list[i].track, scene), trio ? partOf(clip, list[i].part) : clip, title);
        if (written.error) {
            say("fail", written.error);
            return;
        }
    }
    say("on", (trio ? "Wrote three clips" : "Wrote the melody") + " to scene " + (scene + 1));
}
