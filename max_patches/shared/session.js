// One device's talk with the daemon: greeting, requests, chunks, repeats and repairs. Time, randomness and sending
// come from outside, so that all of it can be tested without Max.
//
//   io.send(list)             an OSC message: [address, arguments...]
//   io.listen(port)           receive replies on this port from now on
//   io.now()                  milliseconds
//   io.random()               0 <= r < 1
//   io.client                 this client's name for the daemon
//   io.state(online, words)   the daemon answers, or does not; words say what to do
//   io.notice(event, detail)  the daemon tells something unasked
//
// A request's handlers, all optional: item(address, args), progress(fraction), done(result), fail(code, message).
// Exactly one of done and fail is called; done's result holds {clips, count, args}.

var NO_DAEMON = "No daemon answers. Start it in a terminal: python3 cli.py start";
var PROTOCOL = 1;
var HELLO_EVERY = 1000; // ms; a hello, not a ping: it also tells a restarted daemon where replies go
var HELLO_AGAIN = 500; // while there is no answer
var SILENCE = 2500; // ms in which nothing of the daemon arrives, until it counts as gone
var HELLOS_PER_PORT = 3; // then another reply port: this one may belong to another program
var REPEAT_AFTER = 700; // ms until an unanswered request is sent again; the daemon computes it once
var REPEAT_ACCEPTED = 3000; // the same once it is accepted
var REPAIR_AFTER = 80; // ms after the last message until missing chunks are asked for
var REPAIRS = 30;
var REQUEST_LIMIT = 30000; // ms without any word on a request until it fails
var LOAD_LIMIT = 120000; // the same while a model is loaded

function Session(io) {
    this.io = io;
    this.requests = {};
    this.rid = 1 + Math.floor(io.random() * 1000000000);
    this.online = false;
    this.port = 0;
    this.hellos = 0;
    this.sentHello = -HELLO_EVERY;
    this.heard = 0;
    this.models = -1;
    this.refusal = "";
}

Session.prototype.nextRid = function () {
    this.rid = this.rid >= 2147483647 ? 1 : this.rid + 1;
    return this.rid;
};

// To be called about ten times a second.
Session.prototype.tick = function () {
    var now = this.io.now();
    if (this.online && now - this.heard > SILENCE) {
        this.online = false;
        this.hellos = 0;
        this.io.state(false, "The daemon stopped answering. Start it in a terminal: python3 cli.py start");
    }
    if (now - this.sentHello >= (this.online && this.heard >= this.sentHello ? HELLO_EVERY : HELLO_AGAIN)) {
        this.hello(now);
    }
    for (var rid in this.requests) {
        this.attend(this.requests[rid], now);
    }
};

Session.prototype.hello = function (now) {
    if (!this.online && this.hellos % HELLOS_PER_PORT === 0) {
        if (this.hellos > 0) {
            this.io.state(false, this.refusal || NO_DAEMON);
        }
        this.port = 20000 + Math.floor(this.io.random() * 29000);
        this.io.listen(this.port);
    }
    this.hellos++;
    this.sentHello = now;
    var session = this;
    this.send("/vae/hello", [this.port, this.io.client, PROTOCOL], {
        done: function (result) {
            session.greeted(result.args);
        },
        fail: function (code, message) {
            session.refusal = code === "silence" ? "" : code + ": " + message;
        }
    }, SILENCE, false);
};

Session.prototype.greeted = function (args) {
    var was = this.online;
    this.heard = this.io.now();
    this.online = true;
    this.hellos = 0;
    this.refusal = "";
    if (!was) {
        this.io.state(true, "Connected to the daemon, version " + args[1]);
    } else if (this.models !== args[2]) {
        this.io.notice("models", String(args[2]));
    }
    this.models = args[2];
};

// Ask something of the daemon. Returns the request's rid, or 0 when nobody is there to ask (fail has been called).
Session.prototype.request = function (address, args, handlers, limit) {
    if (!this.online) {
        handlers.fail("offline", NO_DAEMON);
        return 0;
    }
    return this.send(address, args, handlers, limit || REQUEST_LIMIT, true).rid;
};

// The same for what is answered with clips: `done` has all that the daemon counted. Only the request itself can tell: of
// a lost answer nothing but its count arrives.
Session.prototype.requestClips = function (address, args, handlers, limit) {
    return this.asWork(this.request(address, args, handlers, limit), true);
};

// Have a model loaded.
Session.prototype.load = function (model, handlers) {
    return this.asWork(this.request("/vae/load", [model], handlers, LOAD_LIMIT), false);
};

Session.prototype.asWork = function (rid, clips) {
    if (rid) {
        this.requests[rid].work = true;
        this.requests[rid].makesClips = clips;
    }
    return rid;
};

// Send a clip under a name that later requests may use. When parts of it were lost, its beginning among them, all of it is
// sent anew under a fresh rid.
Session.prototype.upload = function (name, clip, handlers, started) {
    var session = this;
    var chunks = noteChunks(clip.notes);
    var repairs = 0;
    function attempt() {
        var rid = session.nextRid();
        var messages = [["/vae/clip/begin", rid, name, clip.beats, clip.notes.length, chunks.length]];
        for (var i = 0; i < chunks.length; i++) {
            messages.push(["/vae/clip/notes", rid, name, i].concat(chunks[i]));
        }
        messages.push(["/vae/clip/end", rid, name]);
        started(rid);
        session.post(rid, messages, {
            done: handlers.done,
            fail: function (code, message) {
                if ((code === "incomplete" || code === "unknown_clip") && ++repairs <= REPAIRS) {
                    attempt();
                } else {
                    handlers.fail(code, message);
                }
            }
        }, REQUEST_LIMIT, true);
        session.asWork(rid, false);
    }
    if (!this.online) {
        handlers.fail("offline", NO_DAEMON);
        return;
    }
    attempt();
};

// Upload clips one after another ({name: clip}), then ask. A daemon that was restarted in between has forgotten them:
// then everything is done once more. `started` hears the rid of each request that is now being waited for.
Session.prototype.requestWithClips = function (clips, address, args, handlers, limit, started) {
    var session = this;
    var names = [];
    for (var name in clips) {
        names.push(name);
    }
    var again = true;
    function next(index) {
        if (index < names.length) {
            session.upload(names[index], clips[names[index]], {
                done: function () { next(index + 1); },
                fail: handlers.fail
            }, started);
            return;
        }
        started(session.requestClips(address, args, {
            progress: handlers.progress,
            done: handlers.done,
            fail: function (code, message) {
                if (code === "unknown_clip" && again) {
                    again = false;
                    next(0);
                } else {
                    handlers.fail(code, message);
                }
            }
        }, limit));
    }
    next(0);
};

// Give up all that is under way for clips: the requests, the uploads that lead to one, and the loading of a model. Each
// fails here and now, so that nothing of it goes on, and an answer that is on its way already is dropped.
Session.prototype.cancelAll = function () {
    for (var rid in this.requests) {
        var request = this.requests[rid];
        if (request.work) {
            if (request.makesClips) {
                this.send("/vae/cancel", [request.rid], {}, 1000, false);
            }
            this.fail(request, "cancelled", "Something newer was asked for");
        }
    }
};

// Milliseconds until the request with this rid fails for want of an answer; 0 for none such.
Session.prototype.remaining = function (rid) {
    var request = this.requests[rid];
    return request ? Math.max(0, request.heard + request.limit - this.io.now()) : 0;
};

Session.prototype.send = function (address, args, handlers, limit, repeats) {
    var rid = this.nextRid();
    return this.post(rid, [[address, rid].concat(args)], handlers, limit, repeats);
};

Session.prototype.post = function (rid, messages, handlers, limit, repeats) {
    var now = this.io.now();
    var request = {
        rid: rid, messages: messages, handlers: handlers, limit: limit, repeats: repeats,
        sent: now, heard: now, accepted: false, clips: [], total: -1, count: 0, args: null, repairs: 0, alias: null,
        work: false, makesClips: false
    };
    this.requests[rid] = request;
    this.transmit(request);
    return request;
};

Session.prototype.transmit = function (request) {
    request.sent = this.io.now();
    for (var i = 0; i < request.messages.length; i++) {
        this.io.send(request.messages[i]);
    }
};

Session.prototype.fail = function (request, code, message) {
    delete this.requests[request.rid];
    if (request.handlers.fail) {
        request.handlers.fail(code, message);
    }
};

Session.prototype.attend = function (request, now) {
    if (now - request.heard > request.limit) {
        this.fail(request, "silence", "The daemon gave no answer within " + Math.round(request.limit / 1000) + " s");
        return;
    }
    if (!request.repeats || !this.online) {
        return;
    }
    var quiet = now - Math.max(request.heard, request.sent);
    if (request.total >= 0) {
        if (quiet >= REPAIR_AFTER) {
            this.repair(request);
        }
    } else if (quiet >= (request.accepted ? REPEAT_ACCEPTED : REPEAT_AFTER)) {
        this.transmit(request);
    }
};

// The answer has ended, but messages are missing: ask for just those. A clip's beginning is chunk -1.
Session.prototype.repair = function (request) {
    if (++request.repairs > REPAIRS) {
        this.fail(request, "incomplete", "Parts of the answer were lost " + REPAIRS + " times");
        return;
    }
    request.sent = this.io.now();
    var missing = [];
    for (var index = 0; index < request.total; index++) {
        var clip = request.clips[index];
        if (!clip || clip.chunks < 0) {
            missing.push([index, -1]);
            continue;
        }
        for (var seq = 0; seq < clip.chunks; seq++) {
            if (!clip.got[seq]) {
                missing.push([index, seq]);
            }
        }
    }
    for (var i = 0; i < missing.length && i < 32; i++) {
        this.resend(request, missing[i][0], missing[i][1]);
    }
};

// A daemon that no longer has the answer is asked for the whole of it again.
Session.prototype.resend = function (request, index, seq) {
    var session = this;
    var alias = this.send("/vae/resend", [request.rid, index, seq], {
        fail: function () {
            if (session.requests[request.rid] === request) {
                session.transmit(request);
            }
        }
    }, 1000, false);
    alias.alias = request;
};

// An OSC message from the daemon. Anything that belongs to no open request (an answer heard twice, an echo of another
// client's port) is dropped.
Session.prototype.receive = function (address, args) {
    this.heard = this.io.now(); // chunks of a clip prove as well as an answered hello that the daemon is there
    if (address === "/vae/notice") {
        this.io.notice(String(args[1]), String(args[2]));
        return;
    }
    var direct = this.requests[args[0]];
    if (!direct) {
        return;
    }
    var request = direct.alias || direct;
    direct.heard = request.heard = this.io.now();
    var handlers = request.handlers;
    if (address === "/vae/accepted") {
        request.accepted = true;
    } else if (address === "/vae/progress") {
        if (handlers.progress) {
            handlers.progress(args[1]);
        }
    } else if (address === "/vae/clip/begin") {
        var clip = this.clipOf(request, args[1]);
        clip.beats = args[2];
        clip.chunks = args[4];
        clip.name = args[5];
        this.settle(request, args[1]);
    } else if (address === "/vae/clip/notes") {
        var into = this.clipOf(request, args[1]);
        if (!into.got[args[2]]) {
            into.got[args[2]] = true;
            readChunk(args[3], args.slice(4), into.notes);
        }
        this.settle(request, args[1]);
    } else if (address === "/vae/clip/end") {
        this.settle(request, args[1]);
    } else if (address === "/vae/done") {
        if (direct.alias) {
            delete this.requests[direct.rid];
        } else {
            request.total = request.makesClips ? args[2] : 0;
            request.count = args[2];
            request.args = args.slice(3);
        }
    } else if (address === "/vae/fail") {
        this.fail(direct, args[2], args[3]);
        return;
    } else if (handlers.item) {
        handlers.item(address, args.slice(1));
    }
    this.finish(request);
};

Session.prototype.clipOf = function (request, index) {
    if (!request.clips[index]) {
        request.clips[index] = {name: "", beats: 0, chunks: -1, got: [], notes: [], complete: false};
    }
    return request.clips[index];
};

Session.prototype.settle = function (request, index) {
    var clip = request.clips[index];
    if (!clip || clip.complete || clip.chunks < 0) {
        return;
    }
    for (var seq = 0; seq < clip.chunks; seq++) {
        if (!clip.got[seq]) {
            return;
        }
    }
    clip.complete = true;
    clip.notes.sort(byStart);
};

Session.prototype.finish = function (request) {
    if (request.total < 0 || this.requests[request.rid] !== request) {
        return;
    }
    for (var index = 0; index < request.total; index++) {
        if (!request.clips[index] || !request.clips[index].complete) {
            return;
        }
    }
    delete this.requests[request.rid];
    for (var rid in this.requests) {
        if (this.requests[rid].alias === request) {
            delete this.requests[rid];
        }
    }
    if (request.handlers.done) {
        request.handlers.done({
            clips: request.clips.slice(0, request.total), count: request.count, args: request.args
        });
    }
};
