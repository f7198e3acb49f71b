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

// A track or a slot that was found before, wherever it is now. Of one that was deleted, Live says id 0: it does not exist.
function objectOfId(id) {
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

// The highlighted slot as {track, scene, slot}, or {error}. Returns and the master have no slots for clips.
function highlightedSlot() {
    var slot = new LiveAPI("live_set view highlighted_clip_slot");
    var found = exists(slot) && /live_set tracks (\d+) clip_slots (\d+)/.exec(slot.unquotedpath);
    if (!found) {
        return {error: "No slot is highlighted: click one on a MIDI track in the Session View first"};
    }
    var track = trackAt(Number(found[1]));
    if (!numberOf(track, "has_midi_input")) {
        return {error: "The highlighted slot is on an audio track or a group: choose one on a MIDI track"};
    }
    return {track: track, scene: Number(found[2]), slot: slotAt(track, Number(found[2]))};
}

// Why a track takes no new clips, or "".
function refusalOf(track) {
    if (!exists(track)) {
        return "A track that was chosen is no longer in the set: choose again";
    }
    if (!numberOf(track, "has_midi_input")) {
        return "The track " + textOf(track, "name") + " takes no MIDI clips: choose a MIDI track";
    }
    return numberOf(track, "is_frozen") ? "The track " + textOf(track, "name") + " is frozen: unfreeze it first" : "";
}

function sceneOf(slot) {
    return Number(/(\d+)$/.exec(slot.unquotedpath)[1]);
}

function isFree(slot) {
    return exists(slot) && !numberOf(slot, "has_clip");
}

// Scenes, from `scene` down, whose slots are free on all `tracks`: {list}, as many as wanted, with new scenes at the end
// where the set has too few, in one undo step. Clips are never deleted, so a taken slot is passed over. {error} where a
// track takes no clips, and where Live makes no more scenes.
function freeScenes(tracks, scene, wanted) {
    for (var i = 0; i < tracks.length; i++) {
        var refusal = refusalOf(tracks[i]);
        if (refusal) {
            return {error: refusal};
        }
    }
    var song = new LiveAPI("live_set");
    var there = song.getcount("scenes");
    var scenes = [];
    for (; scene < there && scenes.length < wanted; scene++) {
        if (tracks.every(function (track) { return isFree(slotAt(track, scene)); })) {
            scenes.push(scene);
        }
    }
    var more = wanted - scenes.length;
    if (more > 0) {
        asOneUndoStep(function () {
            for (var made = 0; made < more && song.getcount("scenes") === there + made; made++) {
                song.call("create_scene", -1);
                scenes.push(there + made);
            }
        });
    }
    if (more > 0 && song.getcount("scenes") < there + more) {
        return {error: "The set has no free slot there, and Live makes no more scenes"};
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

// A new clip in the arrangement, at the song position or after what already lies there. A position that is on no
// sixteenth is where the song happened to play or to be stopped: then from the next bar on.
function writeToArrangement(track, clip, name) {
    if (liveVersion() < 12.01) {
        return {error: "Writing to the arrangement needs Live 12.1: choose a slot instead"};
    }
    var song = new LiveAPI("live_set");
    var position = numberOf(song, "current_song_time");
    if (position * STEPS_PER_BEAT % 1 !== 0) {
        var bar = numberOf(song, "signature_numerator") * 4 / numberOf(song, "signature_denominator");
        position = Math.ceil(position / bar) * bar;
    }
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
        return fillClip(objectOfId(made ? made[1] : 0), clip, name); // nothing comes back where Live refuses
    });
}

// Where clips go: the order of the Destination menus.
var SLOT_HIGHLIGHTED = 0;
var SLOT_NEXT_FREE = 1;
var ARRANGEMENT = 2;

// Where a click's clips are to go: {track, slot} as ids, {track} for the arrangement, or {error}. It is asked at the click,
// since the user may highlight another slot, or move tracks and scenes, before the answer comes.
function placeFor(destination) {
    var highlighted = highlightedSlot();
    if (destination === SLOT_HIGHLIGHTED) {
        return highlighted.error ? highlighted : {
            track: Number(highlighted.track.id), slot: Number(highlighted.slot.id), only: true
        };
    }
    var track = ownTrack();
    if (!track) {
        return {error: "This device is on no track"};
    }
    var slot = destination === ARRANGEMENT ? null : slotAt(track, highlighted.error ? 0 : highlighted.scene);
    return {track: Number(track.id), slot: slot && Number(slot.id)};
}

// Write results [{clip, name}] to a place; several go down the track as scenes, over free slots only. Returns
// {where: words} or {error}.
function writeClips(made, place) {
    if (place.error) {
        return place;
    }
    var track = objectOfId(place.track);
    var scenes = place.slot === null ? null : scenesFrom(place, track, made.length);
    var error = scenes ? scenes.error : refusalOf(track);
    for (var i = 0; i < made.length && !error; i++) {
        error = (scenes ? writeToSlot(slotAt(track, scenes.list[i]), made[i].clip, made[i].name) :
            writeToArrangement(track, made[i].clip, made[i].name)).error;
    }
    return error ? {error: error} :
        {where: textOf(track, "name") + (scenes ? ", scene " + (scenes.list[0] + 1) : ", arrangement")};
}

function scenesFrom(place, track, wanted) {
    var slot = objectOfId(place.slot);
    if (exists(track) && !exists(slot)) {
        return {error: "The scene that was highlighted is no longer in the set: highlight another slot"};
    }
    if (place.only && exists(slot) && !isFree(slot)) {
        return {error: "The highlighted slot holds a clip: highlight an empty one, or choose Next free slots"};
    }
    return freeScenes([track], exists(slot) ? sceneOf(slot) : 0, wanted);
}

// Live's version as a number, 12.01 for 12.1, for what only some versions have.
function liveVersion() {
    /** @type {*} */
    var application = new LiveAPI("live_app");
    return application.call("get_major_version") + application.call("get_minor_version") / 100;
}

// The clip that the user means as {clip}: the selected one where the Arrangement is looked at, else the one in the
// highlighted slot. {error} where there is none, with `empty` for a slot.
function clipAtHand() {
    if (textOf(new LiveAPI("live_app view"), "focused_document_view") === "Arranger") {
        var selected = new LiveAPI("live_set view detail_clip");
        return exists(selected) ? {clip: selected} : {error: "No clip is selected: click one in the Arrangement first"};
    }
    var place = highlightedSlot();
    if (place.error) {
        return place;
    }
    if (isFree(place.slot)) {
        return {error: "The highlighted slot is empty: highlight one with a MIDI clip", empty: true};
    }
    return {clip: new LiveAPI(place.slot.unquotedpath + " clip")};
}

// The notes that the user's clip plays: inside the loop where it loops, else from start to end marker. They have no part:
// what they are, `forModel` decides when a model is asked about them. {error, empty} as of clipAtHand.
function grabClip() {
    /** @type {*} */
    var found = clipAtHand();
    if (found.error) {
        return found;
    }
    var clip = found.clip;
    if (!numberOf(clip, "is_midi_clip")) {
        return {error: "The clip is audio: choose a MIDI clip"};
    }
    var looping = numberOf(clip, "looping");
    var from = numberOf(clip, looping ? "loop_start" : "start_marker");
    var to = numberOf(clip, looping ? "loop_end" : "end_marker");
    var answer = JSON.parse(clip.call("get_notes_extended", 0, 128, from, to - from));
    var grabbed = clipFromLive(textOf(clip, "name"), "", answer.notes, from, to);
    if (!grabbed.notes.length) {
        return {error: "The clip has no notes in its loop"};
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
