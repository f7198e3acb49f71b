"""Which stacks of LSTMs a decoder is made of. Knows no TensorFlow, so that models can be listed without it."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Stack:
    """A stack of decoder LSTMs: where its weights are and what they measure.

    prefix: of its weights' names.  units: per layer.  classes: of the streams it writes.
    latent: width of the vector that starts it and joins its inputs; 0 for a decoder-only baseline.
    """
    prefix: str
    units: tuple[int, ...]
    classes: tuple[int, ...]
    latent: int

    def of(self, weights: dict, name: str):
        """The weight of this stack with that name."""
        return weights[f"{self.prefix}/{name}"]


def stacks(config) -> list[Stack]:
    """The decoder stacks of a model: one for all streams, or in a hierarchical model one per stream (the trio's three
    independent second-level LSTMs)."""
    if config.conductor and len(config.classes) > 1:
        return [Stack(f"decoder/{part}", config.decoder, (size,), config.embedding)
                for part, size in zip(config.codec.parts, config.classes)]
    return [Stack("decoder", config.decoder, config.classes, config.embedding if config.conductor else config.latent)]
