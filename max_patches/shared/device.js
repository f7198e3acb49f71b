// What every device's script has: inlets and outlets, the session with the daemon, the model menu, the words on the
// view, and the table of controls. The device's own script sets `device.name`, `device.models`, adds to `actions` and
// `stored`, and calls nothing at load: Live's objects exist only after live.thisdevice's bang.

inlets = 1;
outlets = 4;
autowatch = 0;

var TO_DAEMON = 0; // udpsend
var TO_PORT = 1; // udpreceive
var TO_VIEW = 2; // the jsui
var TO_PANEL = 3; // route: menus, stored values, `sync`
var TICK = 100; // ms
var LIST_REPAIRS = 5; // times the list of models is asked for again when a part of it was lost
var EARLY = {ready: true, context: true, notes: true};

var settings = {}; // the last value of each control, by its name in the patch
var actions = {}; // what a button or a message does, by the same name
var device = {name: "MusicVAE", models: /./, list: [], tasks: {}, bars: {}, busy: "", rid: 0, words: "", light: "off",
    changed: null};
var session = null;
var ticker = null;

function newSession() {
    return new Session({
        client: device.name,
        send: function (list) { outlet(TO_DAEMON, list); },
        listen: function (port) { outlet(TO_PORT, "port", port); },
        now: function () { return new Date().getTime(); },
        random: Math.random,
        state: function (online, words) {
            say(online ? "on" : "off", words);
            if (online) {
                askModels();
            }
        },
        notice: function (event, detail) {
            if (event === "stopping") {
                say("off", "The daemon is stopping");
            } else {
                askModels();
                if (/failed/.test(event)) {
                    say("fail", event + ": " + detail);
                }
            }
        }
    });
}

// live.thisdevice's bang, again at every preset load: what runs goes on, the controls are read anew.
actions.ready = function () {
    if (!session) {
        say("off", "Looking for the daemon");
        session = newSession();
        ticker = new Task(tick, this);
        ticker.interval = TICK;
        ticker.repeat(-1);
    }
    outlet(TO_PANEL, "sync");
    session.tick();
};

actions.port = function (value) {
    outlet(TO_DAEMON, "port", value);
};

actions.model = function (name) {
    settings.model = String(name);
    outlet(TO_PANEL, "keepmodel", settings.model);
    if (device.changed) {
        device.changed();
    }
};

// The stored name, which may not be on this daemon: it is shown all the same, and the daemon says what is wrong.
actions.keptmodel = function (name) {
    if (name && name !== "none") {
        settings.model = String(name);
        showModels();
    }
};

function tick() {
    session.tick();
    if (device.busy) {
        tell(device.light, device.busy + " (" + Math.ceil(session.remaining(device.rid) / 1000) + " s at most)");
    }
}

function notifydeleted() {
    if (ticker) {
        ticker.cancel();
    }
}

// Everything from the panel and from Live: `control name value...`. What comes before live.thisdevice's bang is
// dropped: there is no Live yet to do it in, and `sync` asks for every value again. Only Live's own calls are taken.
function control() {
    var args = arrayfromargs(arguments);
    var name = args.shift();
    if (!session && !EARLY[name]) {
        return;
    }
    if (actions[name]) {
        actions[name].apply(this, args);
        return;
    }
    var before = settings[name];
    settings[name] = args[0];
    if (before !== undefined && before !== args[0] && device.changed) {
        device.changed();
    }
}

// Everything from udpreceive: the message's name is the OSC address.
function anything() {
    if (session) {
        session.receive(messagename, arrayfromargs(arguments));
    }
}

// Words on the view that stay until the next ones. `light` is on, off, busy or fail.
function say(light, words) {
    device.busy = "";
    device.rid = 0;
    tell(light, words);
}

function tell(light, words) {
    if (light !== device.light || words !== device.words) {
        device.light = light;
        device.words = words;
        outlet(TO_VIEW, "status", light, words);
    }
}

function failed(code, message) {
    if (code === "cancelled") {
        return; // we asked for something newer
    }
    say(code === "offline" ? "off" : "fail", message);
}

// Show that work is under way, with the seconds that are left until an answer or a message comes.
function working(words, rid) {
    if (rid !== 0) {
        device.busy = words;
        device.rid = rid || 0;
        tell("busy", words);
    }
}

// again: how often the list was asked for before.
function askModels(again) {
    var found = [];
    var heard = {};
    var count = 0;
    session.request("/vae/models", [], {
        item: function (address, model) {
            if (heard[model[0]]) {
                return;
            }
            heard[model[0]] = true;
            count++;
            if (device.models.test(model[1])) {
                found.push({name: model[0], task: model[1], bars: model[2], state: model[4]});
            }
        },
        done: function (result) {
            if (count < result.count && (again || 0) < LIST_REPAIRS) {
                askModels((again || 0) + 1); // a model's packet was lost on the way
                return;
            }
            device.list = found;
            device.tasks = {};
            device.bars = {};
            found.forEach(function (model) {
                device.tasks[model.name] = model.task;
                device.bars[model.name] = model.bars;
            });
            if (!settings.model && found.length) {
                settings.model = found[0].name;
            }
            showModels();
            if (!device.busy) {
                say(found.length ? "on" : "fail", found.length ? "Ready" :
                    "The daemon has no model that this device can use");
            }
        },
        fail: failed
    });
}

function showModels() {
    outlet(TO_PANEL, "models", "clear");
    var known = false;
    device.list.forEach(function (model) {
        known = known || model.name === settings.model;
        outlet(TO_PANEL, "models", "append", model.name);
    });
    if (settings.model && !known) {
        outlet(TO_PANEL, "models", "append", settings.model);
    }
    if (settings.model) {
        outlet(TO_PANEL, "models", "setsymbol", settings.model);
    }
}

// What a user's clip holds for the chosen model.
function modelPart() {
    return /^drums/.test(device.tasks[settings.model] || "") ? "drums" : "melody";
}

function modelBeats() {
    return (device.bars[settings.model] || 2) * BEATS_PER_BAR;
}

// Ask for clips. A model that the daemon has but has not loaded is loaded first.
function ask(words, clips, address, args, handlers) {
    if (!settings.model) {
        say(session.online ? "fail" : "off",
            session.online ? "No model: the daemon has none for this device" : NO_DAEMON);
        return;
    }
    var mayLoad = true;
    var guarded = {
        clip: handlers.clip,
        progress: function (fraction) {
            outlet(TO_VIEW, "progress", fraction);
        },
        done: function (result) {
            outlet(TO_VIEW, "progress", 0);
            handlers.done(result);
        },
        fail: function (code, message) {
            if (code === "not_loaded" && mayLoad) {
                mayLoad = false;
                working("Loading " + settings.model, session.request("/vae/load", [settings.model], {
                    done: run,
                    progress: guarded.progress,
                    fail: guarded.fail
                }, 120000));
                return;
            }
            outlet(TO_VIEW, "progress", 0);
            failed(code, message);
        }
    };
    function run() {
        working(words);
        session.requestWithClips(clips, address, args, guarded, 30000, function (rid) { device.rid = rid; });
    }
    run();
}

function freshSeed() {
    return Math.floor(Math.random() * 100000);
}

// A locked seed is the user's number; an open one is new for every click and kept in the clip's name. Locking keeps
// the seed of the result that was heard last.
function nextSeed() {
    device.seed = settings.lock ? settings.seed : freshSeed();
    return device.seed;
}

actions.lock = function (on) {
    if (on && !settings.lock && device.seed !== undefined) {
        outlet(TO_PANEL, "seed", device.seed);
    }
    settings.lock = on;
};

// A clip for the view, in the protocol's chunks.
function showClip(clip, title) {
    outlet(TO_VIEW, "clip", clip.beats, title);
    noteChunks(clip.notes).forEach(function (chunk) {
        outlet(TO_VIEW, ["notes"].concat(chunk));
    });
    outlet(TO_VIEW, "shown");
}
