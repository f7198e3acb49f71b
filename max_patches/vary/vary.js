// MusicVAE Vary (MIDI Tool): makes music that resembles the selected notes.

device.name = "MusicVAE Vary";
device.models = /^(drums|melody)_/;

var instance = "v" + freshSeed();
var asked = 0;

tool.keyOf = function (list, selection) {
    return JSON.stringify([settings.model, settings.temperature, settings.amount, settings.seed, selection.from,
        selection.to, tool.scaleOptions(selection), list.map(function (note) {
            return [note.pitch, note.start_time, note.duration, note.mute];
        })]);
};

// A selection longer than the model is varied piece by piece, each as long as the model's clips, all with the settings that
// the key names. A newer question cancels the pieces that are left; its clips have names of their own, so that an upload
// that is still on its way cannot get among them.
tool.ask = function (key, list, selection) {
    var whole = clipFromLive("selection", modelPart(), list, selection.from, selection.to);
    if (!whole.notes.length) {
        say("fail", "No notes to vary: select some in the clip");
        return;
    }
    var beats = modelBars() * BEATS_PER_BAR;
    var pieces = [];
    for (var from = 0; from < whole.beats; from += beats) {
        pieces.push(clipFromLive("piece", modelPart(), liveNotes(whole.notes, 0), from, from + beats));
    }
    var name = instance + "." + (++asked);
    var args = [settings.model, name, 1, settings.amount / 100, settings.temperature, settings.seed].concat(
        tool.scaleOptions(selection));
    var title = clipName(settings.model, settings.seed, settings.temperature, 0, "vary " + settings.amount + "%");
    var made = [];
    function next() {
        if (made.length === pieces.length) {
            var list = placed(made, selection.from, selection.to);
            showClip({beats: whole.beats, notes: joined(made)}, title);
            say("on", list.length + " notes");
            tool.store(key, list);
            return;
        }
        var piece = pieces[made.length];
        if (!piece.notes.length) {
            made.push(piece);
            next();
            return;
        }
        var clips = {};
        clips[name] = piece;
        ask("Varying", clips, "/vae/vary", args, {
            done: function (result) {
                made.push(result.clips[0]);
                next();
            }
        });
    }
    next();
};

function joined(clips) {
    var notes = [];
    var at = 0;
    clips.forEach(function (clip) {
        clip.notes.forEach(function (note) {
            notes.push({
                part: note.part, pitch: note.pitch, start: note.start + at, duration: note.duration,
                velocity: note.velocity
            });
        });
        at += clip.beats;
    });
    return notes;
}
