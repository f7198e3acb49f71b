// MusicVAE Generate: new clips and variations, written into slots or the arrangement, with a history.

device.name = "MusicVAE Generate";

var HISTORY = 32; // results that previous and next walk through
var results = []; // {clip, name}
var current = -1;
var instance = "g" + freshSeed(); // names this device's clip at the daemon

actions.generate = function () {
    var seed = nextSeed();
    run("Generating", {}, "/vae/generate",
        [settings.model, settings.variations, settings.temperature, seed], function (i) {
            return clipName(settings.model, seed, settings.temperature, i, "");
        });
};

actions.vary = function () {
    if (current < 0) {
        say("fail", "Nothing to vary yet: generate or grab a clip first");
        return;
    }
    var seed = nextSeed();
    var amount = settings.amount / 100;
    var clips = {};
    clips[instance] = results[current].clip;
    run("Varying", clips, "/vae/vary",
        [settings.model, instance, settings.variations, amount, settings.temperature, seed], function (i) {
            return clipName(settings.model, seed, settings.temperature, i, "vary " + shortNumber(amount));
        });
};

actions.grab = function () {
    var clip = grabClip(modelPart());
    if (clip.error) {
        say("fail", clip.error);
        return;
    }
    remember(fitted(clip, modelBeats()), clip.name);
    show(results.length - 1);
    say("on", "Took the highlighted clip: Vary makes clips like it");
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
    write([results[current]]);
};

function run(verb, clips, address, args, nameOf) {
    var key = scaleOptions();
    var options = key.options.concat(settings.density === 50 ? [] : ["density", settings.density / 100]);
    var extra = (key.words ? " " + key.words : "") + (settings.density === 50 ? "" : " d" + settings.density);
    var count = settings.variations;
    ask(verb + " " + (count === 1 ? "a clip" : count + " clips"), clips, address, args.concat(options), {
        done: function (result) {
            var made = result.clips.map(function (clip, i) {
                return remember(clip, nameOf(i) + extra);
            });
            show(results.length - made.length);
            write(made, key.note);
        }
    });
}

function remember(clip, name) {
    var result = {clip: clip, name: name};
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
    showClip(results[current].clip, (current + 1) + "/" + results.length + "  " + results[current].name);
}

function write(made, note) {
    var written = writeClips(made, settings.destination);
    if (written.error) {
        say("fail", written.error);
        return;
    }
    say("on", (made.length === 1 ? "Wrote a clip to " : "Wrote " + made.length + " clips to ") + written.where +
        (note ? ". " + note : ""));
}
