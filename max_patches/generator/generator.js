// MusicVAE Generator (MIDI Tool): fills the time selection with new music.

device.name = "MusicVAE Generator";
device.models = /^(drums|melody)_/;

tool.keyOf = function (list, selection) {
    return JSON.stringify([settings.model, settings.temperature, settings.density, settings.seed, selection.from,
        selection.to, tool.scaleOptions(selection)]);
};

tool.ask = function (key, list, selection) {
    var bars = Math.ceil(selectionBeats(selection) / BEATS_PER_BAR);
    var options = tool.scaleOptions(selection).concat("bars", clamp(bars, 1, 64));
    if (settings.density !== 50) {
        options.push("density", settings.density / 100);
    }
    var title = clipName(settings.model, settings.seed, settings.temperature, 0,
        settings.density === 50 ? "" : "d" + settings.density);
    ask("Generating " + bars + (bars === 1 ? " bar" : " bars"), {}, "/vae/generate",
        [settings.model, 1, settings.temperature, settings.seed].concat(options), {
            done: function (result) {
                var clip = result.clips[0];
                showClip(clip, title);
                say("on", clip.notes.length + " notes");
                tool.store(key, placed([clip], selection.from, selection.to));
            }
        });
};
