// MusicVAE Generate: new clips and variations, written into slots or the arrangement, with a history.

device.name = "MusicVAE Generate";
device.models = /^(drums|melody)_/; // a trio is for three tracks

var HISTORY = 32; // results that previous and next walk through
var results = []; // {clip, name, label: the name without what it was varied from, seed: undefined of a grabbed one}
var current = -1;
var instance = "g" + freshSeed(); // names this device's clip at the daemon

actions.generate = function () {
    run("Generating", "/vae/generate", {}, [], "");
};

actions.vary = function () {
    if (current < 0) {
        say("fail", "Nothing to vary yet: generate or grab a clip first");
        return;
    }
    var clips = {};
    clips[instance] = forModel(results[current].clip);
    run("Varying", "/vae/vary", clips, [settings.amount / 100],
        " vary " + settings.amount + "% of " + results[current].label);
};

actions.grab = function () {
    var clip = grabClip();
    if (clip.error) {
        say("fail", clip.error);
        return;
    }
    remember(clip, clip.name, "");
    show(results.length - 1);
    say("on", "Took the clip: Vary makes clips like it");
};

actions.previous = function () {
    show(current - 1);
};

actions.next = function () {
    show(current + 1);
};

actions.write = function () {
    if (current < 0) {
        say("fail", "Nothing to write yet: generate a clip first");
        return;
    }
    write([results[current]], placeFor(settings.destination));
};

// Ask with the settings of now, which are also those of the names, and for the place of now, whatever the user moves or
// highlights before the answer comes. amount and source: of /vae/vary, and the end of the names that says from what.
function run(verb, address, clips, amount, source) {
    var model = settings.model;
    var temperature = settings.temperature;
    var count = settings.variations;
    var seed = nextSeed();
    var key = scaleOptions();
    var place = placeFor(settings.destination);
    var density = settings.density === 50 ? [] : ["density", settings.density / 100];
    var more = [key.words, density.length ? "d" + settings.density : ""].filter(Boolean).join(" ");
    var args = [model].concat(Object.keys(clips), count, amount, temperature, seed, key.options, density);
    ask(verb + " " + (count === 1 ? "a clip" : count + " clips"), clips, address, args, {
        done: function (result) {
            var made = result.clips.map(function (clip, i) {
                return remember(clip, clipName(model, seed, temperature, i, more), source, seed);
            });
            show(results.length - made.length);
            write(made, place, key.note);
        }
    });
}

function remember(clip, label, source, seed) {
    var result = {clip: clip, name: label + source, label: label, seed: seed};
    results.push(result);
    if (results.length > HISTORY) {
        results.shift();
        current--;
    }
    return result;
}

function show(index) {
    if (!results.length) {
        say("fail", "No results yet: generate a clip first");
        return;
    }
    current = clamp(index, 0, results.length - 1);
    var result = results[current];
    device.seed = result.seed;
    showClip(result.seed === undefined ? forModel(result.clip) : result.clip,
        (current + 1) + "/" + results.length + "  " + result.name);
}

function write(made, place, note) {
    var written = writeClips(made, place);
    if (written.error) {
        say("fail", written.error);
        return;
    }
    say("on", (made.length === 1 ? "Wrote a clip to " : "Wrote " + made.length + " clips to ") + written.where +
        (note ? ". " + note : ""));
}
