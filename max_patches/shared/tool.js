// What the two MIDI Tools share. Live wants the answer within the very dispatch that asks for it, so what comes from
// the daemon later is stored, then Live is asked to ask again (a bang to live.miditool.in) and is answered from it.
//
// A tool's own script sets tool.keyOf(notes, selection), which names what is wanted, and tool.ask(key, notes,
// selection), which asks the daemon and ends in tool.store(key, notes).

outlets = 6;

var TO_TOOL = 4; // live.miditool.out
var TO_APPLY = 5; // live.miditool.in, in the patch behind qlim and deferlow
var ANSWERS = 64; // stored results: a user goes back and forth between a few

/** @type {*} */
var tool = {
    answers: {}, order: [], selection: null, context: "", shown: "", moved: false, own: false, dictionary: null,
    keyOf: null, ask: null
};

// live.miditool.in's context comes first, from the outlet further right.
actions.context = function (word, name) {
    tool.context = new Dict(name).stringify();
    var context = JSON.parse(tool.context);
    tool.selection = {
        from: context.clip.time_selection_start,
        to: context.clip.time_selection_end,
        scale: context.scale
    };
};

// Then the notes. The answer goes out before this returns: the stored one, or the notes as they are.
actions.notes = function (word, name) {
    var text = new Dict(name).stringify();
    var heard = JSON.parse(text).notes;
    var list = heard === undefined ? [] : [].concat(heard);
    var key = tool.keyOf(list, tool.selection);
    // A cycle goes on with the notes and the context it began with, until the user selects something else (reference of
    // live.miditool.in). So our own bang only delivers where it shows what the user's last one did: another clip, which
    // nobody asked to change, gets its notes back as they are.
    var strange = tool.own && tool.shown !== tool.context + text;
    if (!tool.own) {
        tool.shown = tool.context + text;
    }
    var known = strange ? undefined : tool.answers[key];
    tool.dictionary = tool.dictionary || new Dict();
    tool.dictionary.parse(JSON.stringify({notes: known || list}));
    outlet(TO_TOOL, "dictionary", tool.dictionary.name);
    if (strange) {
        say("on", "Another clip is selected: nothing was changed");
    } else if (!known && !tool.own && session) {
        session.cancelAll();
        tool.ask(key, list, tool.selection);
    }
    tool.own = false;
    tool.moved = false;
};

tool.store = function (key, list) {
    tool.order.push(key);
    if (tool.order.length > ANSWERS) {
        delete tool.answers[tool.order.shift()];
    }
    tool.answers[key] = list;
    tool.own = !tool.moved; // qlim may have made one bang of the user's and ours
    outlet(TO_APPLY, "bang");
};

// A control was moved by the user: the tool is applied anew under the new settings.
device.changed = function () {
    tool.moved = true;
    tool.own = false;
    outlet(TO_APPLY, "bang");
};

actions.apply = device.changed;

function selectionBeats(selection) {
    return selection.to - selection.from;
}

// The clip's scale as options for the daemon, where Live has it switched on and the tool's Scale button too.
tool.scaleOptions = function (selection) {
    var scale = selection.scale;
    var name = settings.scale && scale && scale.scale_mode ? scaleNamed([].concat(scale.scale_intervals)) : "";
    return name && modelPart() !== "drums" ? ["root", scale.root_note, "scale", name] : [];
};

// Clips one after another as Live's notes from `from` on, cut at `to`.
function placed(clips, from, to) {
    var list = [];
    var at = from;
    clips.forEach(function (clip) {
        liveNotes(clip.notes, at).forEach(function (note) {
            if (note.start_time < to) {
                note.duration = Math.min(note.duration, to - note.start_time);
                list.push(note);
            }
        });
        at += clip.beats;
    });
    return list;
}
