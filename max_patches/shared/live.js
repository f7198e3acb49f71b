// The Live set as the devices use it. Only to be called from the low-priority thread, after live.thisdevice's bang.
// Functions that can be refused by the state of the set return {error: words for the user}. Objects whose functions
// answer, or take several arguments, are typed as anything: Max's types know neither.

function exists(object) {
    return Number(object.id) !== 0;
}

function numberOf(object, property) {
    return Number(object.get(property)[0]);
}

function textOf(object, property) {
    return String(object.get(property).join(" "));
}

// The device's own track: its parents are walked, since in a rack the device is no direct child of the track.
function ownTrack() {
    var object = new LiveAPI("this_device");
    for (var depth = 0; depth < 64 && exists(object); depth++) {
        if (object.type === "Track") {
            return object;
        }
        object = new LiveAPI("id " + object.get("canonical_parent")[1]);
    }
    return null;
}

function trackIndex(track) {
    var found = /live_set tracks (\d+)/.exec(track.unquotedpath);
    return found ? Number(found[1]) : -1;
}

function trackAt(index) {
    return new LiveAPI("live_set tracks " + index);
}

// A track that was found before, wherever it is now. Of one that was deleted, Live says id 0: it does not exist.
function trackOfId(id) {
    return new LiveAPI("id " + id);
}

function slotAt(track, scene) {
    return new LiveAPI(track.unquotedpath + " clip_slots " + scene);
}

// MIDI tracks of the set: [{id, index, name}], in order. The id stays with a track that is moved or renamed.
function midiTracks() {
    var count = new LiveAPI("live_set").getcount("tracks");
    var tracks = [];
    for (var index = 0; index < count; index++) {
        var track = trackAt(index);
        if (numberOf(track, "has_midi_input")) {
            tracks.push({id: Number(track.id), index: index, name: textOf(track, "name")});
        }
    }
    return tracks;
}

// The highlighted slot as {track, scene, slot}, or {error}.
function highlightedSlot() {
    var slot = new LiveAPI("live_set view highlighted_clip_slot");
    var found = exists(slot) && /live_set tracks (\d+) clip_slots (\d+)/.exec(slot.unquotedpath);
    if (!found) {
        return {error: "No slot is highlighted: click one in the Session View first"};
    }
    var track = trackAt(Number(found[1]));
    if (!numberOf(track, "has_midi_input")) {
        return {error: "The highlighted slot is on an audio track: choose one on a MIDI track"};
    }
    return {track: track, scene: Number(found[2]), slot: slotAt(track, Number(found[2]))};
}

function isFree(slot) {
    return exists(slot) && !numberOf(slot, "has_clip");
}

// Scenes, from `scene` down, whose slots are free on all `tracks`: {list}, as many as wanted, with new scenes at the end
// where the set has too few. Clips are never deleted, so a taken slot is passed over. A slot that is not there at all, for
// want of its track, is no taken one: further down there are no others. {error} then, and where Live makes no more scenes.
function freeScenes(tracks, scene, wanted) {
    var song = new LiveAPI("live_set");
    var scenes = [];
    for (; scenes.length < wanted; scene++) {
        if (scene >= song.getcount("scenes")) {
            song.call("create_scene", -1);
            if (scene >= song.getcount("scenes")) {
                return {error: "The set has no free slot there, and Live makes no more scenes"};
            }
        }
        var free = true;
        for (var i = 0; i < tracks.length; i++) {
            var slot = slotAt(tracks[i], scene);
            if (!exists(slot)) {
                return {error: "A track that was chosen is no longer in the set: choose again"};
            }
            free = free && isFree(slot);
        }
        if (free) {
            scenes.push(scene);
        }
    }
    return {list: scenes};
}

// One clip is one undo step: a slot filled, its notes and its name.
function asOneUndoStep(work) {
    var song = new LiveAPI("live_set");
    song.call("begin_undo_step");
    try {
        return work();
    } finally {
        song.call("end_undo_step");
    }
}

function fillClip(target, clip, name) {
    if (!exists(target)) {
        return {error: "Live did not make the clip"};
    }
    target.call("add_new_notes", {notes: liveNotes(clip.notes)});
    target.set("name", name);
    return {clip: target};
}

// A new clip in an empty slot of a MIDI track.
function writeToSlot(slot, clip, name) {
    if (!isFree(slot)) {
        return {error: "The slot already holds a clip, and clips are never overwritten"};
    }
    return asOneUndoStep(function () {
        slot.call("create_clip", clip.beats);
        return fillClip(new LiveAPI(slot.unquotedpath + " clip"), clip, name);
    });
}

// A new clip in the arrangement, at the song position or after what already lies there.
function writeToArrangement(track, clip, name) {
    if (liveVersion() < 12.01) {
        return {error: "Writing to the arrangement needs Live 12.1: choose a slot instead"};
    }
    var position = numberOf(new LiveAPI("live_set"), "current_song_time");
    var count = track.getcount("arrangement_clips");
    for (var i = 0; i < count; i++) {
        var other = new LiveAPI(track.unquotedpath + " arrangement_clips " + i);
        if (numberOf(other, "start_time") < position + clip.beats && numberOf(other, "end_time") > position) {
            position = numberOf(other, "end_time");
            i = -1; // a later position may meet clips that were passed before
        }
    }
    return asOneUndoStep(function () {
        var made = track.call("create_midi_clip", position, clip.beats);
        return fillClip(new LiveAPI("id " + made[1]), clip, name);
    });
}

// Where clips go: the order of the Destination menus.
var SLOT_HIGHLIGHTED = 0;
var SLOT_NEXT_FREE = 1;
var ARRANGEMENT = 2;

// Write results [{clip, name}] to a destination; several go down the track as scenes, over free slots only.
// Returns {where: words} or {error}.
function writeClips(made, destination) {
    var place = destination === ARRANGEMENT ? {track: ownTrack()} : startingSlot(destination);
    if (place.error || !place.track) {
        return {error: place.error || "This device is on no track"};
    }
    if (!numberOf(place.track, "has_midi_input")) {
        return {error: "The device's track takes no MIDI clips: put it on a MIDI track, or highlight a slot on one"};
    }
    var scenes = destination === ARRANGEMENT ? {list: []} : freeScenes([place.track], place.scene, made.length);
    if (scenes.error) {
        return scenes;
    }
    for (var i = 0; i < made.length; i++) {
        var written = destination === ARRANGEMENT ? writeToArrangement(place.track, made[i].clip, made[i].name) :
            writeToSlot(slotAt(place.track, scenes.list[i]), made[i].clip, made[i].name);
        if (written.error) {
            return written;
        }
    }
    return {where: textOf(place.track, "name") +
        (scenes.list.length ? ", scene " + (scenes.list[0] + 1) : ", arrangement")};
}

function startingSlot(destination) {
    var place = highlightedSlot();
    if (destination === SLOT_NEXT_FREE) {
        return {track: ownTrack(), scene: place.error ? 0 : place.scene};
    }
    if (!place.error && !isFree(place.slot)) {
        return {error: "The highlighted slot holds a clip: highlight an empty one, or choose Next free slots"};
    }
    return place;
}

// Live's version as a number, 12.01 for 12.1, for what only some versions have.
function liveVersion() {
    /** @type {*} */
    var application = new LiveAPI("live_app");
    return application.call("get_major_version") + application.call("get_minor_version") / 100;
}

// The notes that the highlighted slot plays: inside the loop where it loops, else from start to end marker. They have no
// part: what they are, `forModel` decides when a model is asked about them. {error, empty} where there is no clip.
function grabClip() {
    var place = highlightedSlot();
    if (place.error) {
        return place;
    }
    if (isFree(place.slot)) {
        return {error: "The highlighted slot is empty: highlight one with a MIDI clip", empty: true};
    }
    /** @type {*} */
    var clip = new LiveAPI(place.slot.unquotedpath + " clip");
    if (!numberOf(clip, "is_midi_clip")) {
        return {error: "The highlighted clip is audio: choose a MIDI clip"};
    }
    var looping = numberOf(clip, "looping");
    var from = numberOf(clip, looping ? "loop_start" : "start_marker");
    var to = numberOf(clip, looping ? "loop_end" : "end_marker");
    var answer = JSON.parse(clip.call("get_notes_extended", 0, 128, from, to - from));
    var grabbed = clipFromLive(textOf(clip, "name"), "", answer.notes, from, to);
    if (!grabbed.notes.length) {
        return {error: "The highlighted clip has no notes in its loop"};
    }
    return grabbed;
}

// Live 12's own scale as {root, scale}; {off: true} where the user has it switched off; {error} before Live 12.
function liveScale() {
    if (liveVersion() < 12) {
        return {error: "This Live has no scale of its own (Live 12 has): choose one in the menu"};
    }
    var song = new LiveAPI("live_set");
    if (!numberOf(song, "scale_mode")) {
        return {off: true};
    }
    return {root: numberOf(song, "root_note"), scale: textOf(song, "scale_name")};
}
