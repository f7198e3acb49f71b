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
// To what part of one a control's value is rounded, once: as it is then sent, it stands in the names, so that a name gives
// its result back. Wide whole numbers come as floats (see ableton/boxes.py).
var FRACTION = {temperature: 100, amount: 1, density: 1, seed: 1, port: 1};

var settings = {}; // the last value of each control, by its name in the patch
var actions = {}; // what a button or a message does, by the same name
// menu: the models in the menu's order. tasks, bars: of every model that was heard of. seed: of the result that is shown.
// ready: it was said that there are models, and later lists go without words.
/** @type {*} */
var device = {name: "MusicVAE", models: /./, list: [], menu: [], tasks: {}, bars: {}, busy: "", rid: 0, words: "",
    light: "off", changed: null, seed: undefined, ready: false};
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
            device.ready = false;
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
    }
    outlet(TO_PANEL, "sync");
};

// The daemon is greeted once the set has told its port: at another one another daemon may listen.
actions.port = function (value) {
    outlet(TO_DAEMON, "port", rounded("port", value));
    if (session && !ticker) {
        ticker = new Task(tick, this);
        ticker.interval = TICK;
        ticker.repeat(-1);
        session.tick();
    }
};

// The menu tells the item's number: its text would come as whatever atoms Max reads in it.
actions.model = function (index) {
    if (index >= device.menu.length) {
        return;
    }
    settings.model = device.menu[index];
    outlet(TO_PANEL, "keepmodel", toSymbol(settings.model), device.tasks[settings.model] || "unknown", modelBars());
    if (device.changed) {
        device.changed();
    }
};

// The model that the set stores, with what has to be known of it before the daemon's list comes. It may not be on this
// daemon: it is shown all the same, and the daemon says what is wrong.
actions.keptmodel = function (symbol, task, bars) {
    if (bars === undefined) {
        return; // nothing was stored yet
    }
    settings.model = fromSymbol(symbol);
    device.tasks[settings.model] = device.tasks[settings.model] || String(task);
    device.bars[settings.model] = device.bars[settings.model] || bars;
    showModels();
};

function rounded(name, value) {
    return FRACTION[name] ? Math.round(value * FRACTION[name]) / FRACTION[name] : value;
}

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
    settings[name] = rounded(name, args[0]);
    if (before !== undefined && before !== settings[name] && device.changed) {
        device.changed();
    }
}

// Everything from udpreceive: the message's name is the OSC address.
function anything() {
    if (session) {
        session.receive(messagename, arrayfromargs(arguments));
    }
}

// Words on the view that stay until the next ones. `light` is on, off, busy or fail; what can be done without a daemon
// does not light it green.
function say(light, words) {
    device.busy = "";
    device.rid = 0;
    tell(light === "on" && !session.online ? "off" : light, words);
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
            found.forEach(function (model) {
                device.tasks[model.name] = model.task;
                device.bars[model.name] = model.bars;
            });
            if (!settings.model && found.length) {
                settings.model = found[0].name;
            }
            showModels();
            if (!device.busy && !(device.ready && found.length)) {
                say(found.length ? "on" : "fail", found.length ? "Ready" :
                    "The daemon has no model that this device can use");
            }
            device.ready = found.length > 0;
        },
        fail: failed
    });
}

function showModels() {
    device.menu = device.list.map(function (model) { return model.name; });
    if (settings.model && device.menu.indexOf(settings.model) < 0) {
        device.menu.push(settings.model);
    }
    outlet(TO_PANEL, "models", "clear");
    device.menu.forEach(function (name) {
        outlet(TO_PANEL, "models", "append", name);
    });
    if (settings.model) {
        outlet(TO_PANEL, "models", "set", device.menu.indexOf(settings.model));
    }
}

// What a user's clip holds for the chosen model.
function modelPart() {
    return /^drums/.test(device.tasks[settings.model] || "") ? "drums" : "melody";
}

function modelBars() {
    return device.bars[settings.model] || 2;
}

// A clip as the chosen model takes it: as long as its own, and grabbed notes as the part it knows.
function forModel(clip) {
    var fit = fitted(clip, modelBars() * BEATS_PER_BAR);
    fit.notes.forEach(function (note) {
        note.part = note.part || modelPart();
    });
    return fit;
}

// Ask for clips: the first of `args` is the model. One that the daemon has but has not loaded is loaded first.
function ask(words, clips, address, args, handlers) {
    if (!settings.model) {
        say(session.online ? "fail" : "off",
            session.online ? "No model: the daemon has none for this device" : NO_DAEMON);
        return;
    }
    var mayLoad = true;
    var model = args[0];
    var guarded = {
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
                working("Loading " + model, session.load(model, {
                    done: run,
                    progress: guarded.progress,
                    fail: guarded.fail
                }));
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

// A locked seed is the user's number; an open one is new for every click and kept in the clip's name.
function nextSeed() {
    return settings.lock ? settings.seed : freshSeed();
}

// Lock the seed of the result that is shown. A button's work, not the lock's: a preset switches the lock on too, and brings
// a seed of its own.
actions.keep = function () {
    if (device.seed === undefined) {
        say("fail", "No seed to keep: what is shown was not made here");
        return;
    }
    outlet(TO_PANEL, "seed", device.seed);
    outlet(TO_PANEL, "lock", 1);
};

// A clip for the view, in the protocol's chunks.
function showClip(clip, title) {
    outlet(TO_VIEW, "clip", clip.beats, title);
    noteChunks(clip.notes).forEach(function (chunk) {
        outlet(TO_VIEW, ["notes"].concat(chunk));
    });
    outlet(TO_VIEW, "shown");
}
