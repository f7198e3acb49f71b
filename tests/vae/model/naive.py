"""A second implementation of the models, for the tests: NumPy, float64, one example at a time, one-hot vectors and all,
written from the paper's appendix and not from vae/model."""
import numpy as np


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def cell(x, h, c, kernel, bias):
    """kernel: [inputs + units, 4 * units], gates i, j, f, o."""
    i, j, f, o = np.split(np.concatenate([x, h]) @ kernel + bias, 4)
    c = sigmoid(f + 1.0) * c + sigmoid(i) * np.tanh(j)
    return sigmoid(o) * np.tanh(c), c


def one_hot(classes, event):
    """The streams' one-hot vectors side by side; zeros before the first event."""
    parts = [np.zeros(size) for size in classes]
    if event is not None:
        for part, value in zip(parts, event):
            part[value] = 1.0
    return np.concatenate(parts)


def encode(w, config, tokens):
    """(mean, sigma) of one sequence [steps, streams]."""
    x = [one_hot(config.classes, event) for event in tokens]
    for number, units in enumerate(config.encoder):
        outputs = {}
        for direction, order in (("forward", range(len(x))), ("backward", reversed(range(len(x))))):
            prefix = f"encoder/{number}/{direction}"
            kernel = np.concatenate([w[f"{prefix}/input"], w[f"{prefix}/recurrent"]])
            h, c = np.zeros(units), np.zeros(units)
            outputs[direction] = {}
            for t in order:
                h, c = cell(x[t], h, c, kernel, w[f"{prefix}/bias"])
                outputs[direction][t] = h
        last = np.concatenate([outputs["forward"][len(x) - 1], outputs["backward"][0]])
        x = [np.concatenate([outputs["forward"][t], outputs["backward"][t]]) for t in range(len(x))]
    mean = last @ w["encoder/mean/kernel"] + w["encoder/mean/bias"]
    raw = last @ w["encoder/sigma/kernel"] + w["encoder/sigma/bias"]
    return mean, np.exp(2.0 * raw) if config.sigma == "exponential" else np.log1p(np.exp(raw))


def stack_states(w, prefix, units, z):
    """The state in which z starts a stack of LSTMs: [(h, c), ...]."""
    flat = np.tanh(z @ w[f"{prefix}/kernel"] + w[f"{prefix}/bias"])
    states, at = [], 0
    for size in units:
        c, h = flat[at:at + size], flat[at + size:at + 2 * size]
        states.append((h, c))
        at += 2 * size
    return states


def decode(w, config, z, steps, choose):
    """choose(t, logits) returns the event fed on; returns the logits of every step, [steps, sum(classes)]."""
    if not config.conductor:
        return stack(w, "decoder", config.decoder, config.classes, z, None, range(steps), choose)
    out, length = [], steps // config.segments
    hidden = stack_states(w, "conductor/initial", config.conductor, z)
    before = None
    for segment in range(config.segments):
        x = np.zeros(0)
        for number in range(len(config.conductor)):
            names = (["input"] if number else []) + ["recurrent"]
            kernel = np.concatenate([w[f"conductor/{number}/{name}"] for name in names])
            hidden[number] = cell(x, *hidden[number], kernel, w[f"conductor/{number}/bias"])
            x = hidden[number][0]
        embedding = x @ w["conductor/embedding/kernel"] + w["conductor/embedding/bias"]
        times = range(segment * length, (segment + 1) * length)
        if len(config.classes) == 1:
            logits = stack(w, "decoder", config.decoder, config.classes, embedding, before, times, choose)
        else:  # each part has a decoder of its own that sees its own events only
            logits = np.concatenate([
                stack(w, f"decoder/{part}", config.decoder, (size,), embedding, before and [before[stream]], times,
                      lambda t, part_logits, stream=stream: [choose(t, part_logits)[stream]])
                for stream, (part, size) in enumerate(zip(config.codec.parts, config.classes))], axis=1)
        out.append(logits)
        before = list(choose(times[-1], logits[-1]))
    return np.concatenate(out)


def stack(w, prefix, units, classes, vector, event, times, choose):
    """A stack of LSTMs that `vector` starts and joins; event: what came before, or None."""
    states = (stack_states(w, f"{prefix}/initial", units, vector) if len(vector)
              else [(np.zeros(size), np.zeros(size)) for size in units])
    out = []
    for t in times:
        x = np.concatenate([one_hot(classes, event), vector])
        for number in range(len(units)):
            parts = ["input", "latent"] if number == 0 and len(vector) else ["input"]
            kernel = np.concatenate([w[f"{prefix}/{number}/{part}"] for part in [*parts, "recurrent"]])
            h, c = cell(x, *states[number], kernel, w[f"{prefix}/{number}/bias"])
            states[number] = (h, c)
            x = h
        logits = x @ w[f"{prefix}/output/kernel"] + w[f"{prefix}/output/bias"]
        out.append(logits)
        event = choose(t, logits)
    return np.stack(out)


def choose_most_likely(classes):
    return lambda t, logits: [int(np.argmax(part)) for part in np.split(logits, np.cumsum(classes)[:-1])]
