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
    """Flat decoder: choose(t, logits) returns the event fed on; returns the logits of every step, [steps, classes]."""
    units = config.decoder
    states = (stack_states(w, "decoder/initial", units, z) if config.latent
              else [(np.zeros(size), np.zeros(size)) for size in units])
    event, out = None, []
    for t in range(steps):
        x = np.concatenate([one_hot(config.classes, event), z])
        for number in range(len(units)):
            parts = ["input", "latent"] if number == 0 and config.latent else ["input"]
            kernel = np.concatenate([w[f"decoder/{number}/{part}"] for part in [*parts, "recurrent"]])
            h, c = cell(x, *states[number], kernel, w[f"decoder/{number}/bias"])
            states[number] = (h, c)
            x = h
        logits = x @ w["decoder/output/kernel"] + w["decoder/output/bias"]
        out.append(logits)
        event = choose(t, logits)
    return np.stack(out)


def choose_most_likely(classes):
    return lambda t, logits: [int(np.argmax(part)) for part in np.split(logits, np.cumsum(classes)[:-1])]
