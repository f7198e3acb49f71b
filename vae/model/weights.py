"""Which weights a model has: their names, shapes and initial values. Everything else asks here."""
import numpy as np

from vae.model.stacks import stacks

ORTHOGONAL, GLOROT, ROWS, ZERO = "orthogonal", "glorot", "rows", "zero"


def shapes(config) -> dict[str, tuple[int, ...]]:
    """Name to shape of every weight of a model with this config, in a fixed order."""
    return {name: shape for name, shape, _ in _table(config)}


def initial(config, seed: int, input_scale: float = 0.0) -> dict[str, np.ndarray]:
    """Fresh float32 weights, the same for the same seed.

    Recurrent kernels are orthogonal per gate, the other kernels Glorot-uniform, biases 0.
    input_scale: the standard deviation of the rows that one-hot inputs select, as embeddings are drawn; 0: Glorot's,
        which for 512 classes makes the inputs so small that training starts slowly.
    """
    rng = np.random.default_rng(seed)
    made = {}
    for name, shape, kind in _table(config):
        if kind == ZERO:
            value = np.zeros(shape)
        elif kind == ORTHOGONAL:
            units = shape[0]
            value = np.concatenate([np.linalg.qr(rng.standard_normal((units, units)))[0] for _ in range(4)], axis=1)
        elif kind == ROWS and input_scale:
            value = input_scale * rng.standard_normal(shape)
        else:
            limit = np.sqrt(6.0 / sum(shape))
            value = rng.uniform(-limit, limit, shape)
        made[name] = value.astype(np.float32)
    return made


def _table(config):
    """(name, shape, kind of initial value) of every weight."""
    vocabulary = sum(config.classes)

    def lstm(prefix, inputs, units, kind, latent=0):
        if inputs:
            yield f"{prefix}/input", (inputs, 4 * units), kind
        if latent:
            yield f"{prefix}/latent", (latent, 4 * units), GLOROT
        yield f"{prefix}/recurrent", (units, 4 * units), ORTHOGONAL
        yield f"{prefix}/bias", (4 * units,), ZERO

    def linear(prefix, inputs, outputs):
        yield f"{prefix}/kernel", (inputs, outputs), GLOROT
        yield f"{prefix}/bias", (outputs,), ZERO

    width = vocabulary
    for number, units in enumerate(config.encoder):
        for direction in ("forward", "backward"):
            yield from lstm(f"encoder/{number}/{direction}", width, units, GLOROT if number else ROWS)
        width = 2 * units
    if config.latent:
        yield from linear("encoder/mean", width, config.latent)
        yield from linear("encoder/sigma", width, config.latent)
    if config.conductor:
        yield from linear("conductor/initial", config.latent, 2 * sum(config.conductor))
        width = 0
        for number, units in enumerate(config.conductor):
            yield from lstm(f"conductor/{number}", width, units, GLOROT)
            width = units
        yield from linear("conductor/embedding", width, config.embedding)
    for stack in stacks(config):
        if stack.latent:
            yield from linear(f"{stack.prefix}/initial", stack.latent, 2 * sum(stack.units))
        width = sum(stack.classes)
        for number, units in enumerate(stack.units):
            first = number == 0
            yield from lstm(f"{stack.prefix}/{number}", width, units, ROWS if first else GLOROT,
                            stack.latent if first else 0)
            width = units
        yield from linear(f"{stack.prefix}/output", width, sum(stack.classes))
