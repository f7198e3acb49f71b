"""What a model is and how it is trained, read from YAML and checked before anything is computed.

A config file holds the sizes of the model at its top level and the schedule under `training`, and under `then` what later
stages of the training change. `vae/configs/` has one per model of the paper, the small ones that ship, and the decoder-only
baselines of Table 1.
"""
import dataclasses
import math
import pathlib
from dataclasses import dataclass, field

import yaml

from vae.errors import did_you_mean
from vae.model.stacks import stacks

CONFIGS = pathlib.Path(__file__).parent / "configs"


class ConfigError(ValueError):
    """A config that cannot be used; the message names the key, what is allowed and what was received."""


def _require(good: bool, key: str, allowed: str, received):
    if not good:
        raise ConfigError(f"{key}: must be {allowed}. Received: {received!r}")


@dataclass(frozen=True)
class Schedule:
    """A value that moves exponentially from `start` to `end`: end + (start - end) * decay ** step (paper, Training
    Details, which calls `decay` the exponential decay rate)."""
    start: float
    end: float
    decay: float = 1.0

    def __post_init__(self):
        for name in ("start", "end"):
            _require(0.0 <= getattr(self, name) < math.inf, name, "0 or more, and finite", getattr(self, name))
        _require(0.0 < self.decay <= 1.0, "decay", "in (0, 1]", self.decay)

    def __call__(self, step: int) -> float:
        return self.end + (self.start - self.end) * self.decay ** step


@dataclass(frozen=True)
class Training:
    """How a model is trained. The defaults are the paper's where all its models agree."""
    steps: int
    batch: int = 512
    learning_rate: Schedule = Schedule(1e-3, 1e-5, 0.9999)
    warmup: int = 0  # steps over which the learning rate rises from 0; high rates need it
    beta: Schedule = Schedule(0.0, 0.2, 0.99999)  # the weight of the KL term
    free_bits: float = 0.0  # the KL of a whole sequence that costs nothing, in bits
    scheduled_sampling: float = 0.0  # rate of the inverse-sigmoid schedule, in steps; 0: teacher forcing throughout
    excerpt: int = 0  # segments of a hierarchical model to train on, a stretch drawn for each example; 0: whole pieces
    augment: tuple[str, ...] = ()  # functions of vae.dataset.augment, applied in this order
    clip_norm: float = 0.0  # largest global norm of the gradient; 0: unlimited
    shared_features: bool = False  # see vae.training.features
    input_scale: float = 0.0  # standard deviation of the input rows at the start; 0: Glorot's
    decoders: tuple[str, ...] = ()  # models whose decoders this one's begin as, one for each part; empty: fresh ones
    seed: int = 1

    def __post_init__(self):
        _require(self.steps >= 1, "steps", "at least 1", self.steps)
        _require(self.batch >= 1, "batch", "at least 1", self.batch)
        _require(self.excerpt >= 0, "excerpt", "segments, or 0 for whole pieces", self.excerpt)
        for name in ("warmup", "free_bits", "scheduled_sampling", "clip_norm", "input_scale"):
            _require(0 <= getattr(self, name) < math.inf, name, "0 or more, and finite", getattr(self, name))
        _require(0 <= self.seed < 2**31, "seed", "from 0 to 2147483647", self.seed)

    def truth_probability(self, step: int) -> float:
        """How often the true previous event is fed at this step of training: k / (k + exp(step / k)), the
        inverse-sigmoid decay of Bengio et al. 2015 with k the rate; 1 without scheduled sampling."""
        k = self.scheduled_sampling
        return k / (k + math.exp(min(step / k, 700.0))) if k else 1.0

    def rate(self, step: int) -> float:
        """The learning rate at a step, warm-up included."""
        return self.learning_rate(step) * min(1.0, (step + 1) / (self.warmup + 1))


@dataclass(frozen=True)
class Config:
    """A model's task and sizes. `classes` follows from the task."""
    task: str
    decoder: tuple[int, ...]  # units per layer
    encoder: tuple[int, ...] = ()  # units per layer and direction; empty with latent 0
    latent: int = 0  # dimensions of z; 0 makes a decoder-only baseline (Table 1)
    conductor: tuple[int, ...] = ()  # units per layer of the first level of a hierarchical decoder; empty: flat
    segments: int = 0  # how many embeddings the conductor writes, each for an equal share of the bars
    embedding: int = 0  # dimensions of an embedding
    sigma: str = "exponential"  # the paper's exp(2 x); "softplus" for Magenta's weights
    training: Training | None = field(default=None, compare=False)
    then: tuple[Training, ...] = field(default=(), compare=False)  # later stages, each from the best weights before it

    def __post_init__(self):
        _require(self.sigma in ("exponential", "softplus"), "sigma", "exponential or softplus", self.sigma)
        _require(bool(self.decoder) and all(u >= 1 for u in self.decoder), "decoder",
                 "a list of at least one number of units, each 1 or more", list(self.decoder))
        _require(all(u >= 1 for u in self.encoder), "encoder", "numbers of units, each 1 or more", list(self.encoder))
        _require(self.latent >= 0, "latent", "0 or more", self.latent)
        _require(bool(self.encoder) == bool(self.latent), "encoder",
                 "units with a latent, and [] in a decoder-only model (latent: 0)", list(self.encoder))
        _require(not self.conductor or bool(self.latent), "conductor", "[] in a model without a latent", list(self.conductor))
        _require(all(u >= 1 for u in self.conductor), "conductor", "numbers of units, each 1 or more", list(self.conductor))
        for name in ("segments", "embedding"):
            _require((getattr(self, name) >= 1) == bool(self.conductor), name,
                     "1 or more with a conductor, and 0 without", getattr(self, name))
        _ = self.codec  # an unknown task is an error here, not later
        _require(not self.conductor or self.codec.steps % self.segments == 0, "segments",
                 f"a divisor of the task's {self.codec.steps} steps", self.segments)
        _require(self.training is not None or not self.then, "then", "left out where there is no training", len(self.then))
        for where, training in [("training", self.training)] * bool(self.training) + [("then", later) for later in self.then]:
            _require(not training.excerpt or (self.segments and self.segments % training.excerpt == 0), f"{where}.excerpt",
                     f"0, or a divisor of the model's {self.segments} segments", training.excerpt)
            _require(len(training.decoders) in (0, len(stacks(self))), f"{where}.decoders",
                     f"as many models as the decoder has stacks, {len(stacks(self))}, or none", list(training.decoders))

    @property
    def codec(self):
        from vae import codecs
        try:
            return codecs.codec(self.task)
        except ValueError as error:
            raise ConfigError(f"task: {error}") from None

    @property
    def classes(self) -> tuple[int, ...]:
        """The size of the vocabulary of every stream."""
        return self.codec.classes

    @property
    def stages(self) -> tuple["Config", ...]:
        """The config of each stage of the training, which has only that."""
        return tuple(dataclasses.replace(self, training=training, then=()) for training in (self.training, *self.then))

    @property
    def trained(self) -> "Config":
        """The config of what is trained: of so many segments only, if the training is on excerpts. No weight depends on
        their number."""
        excerpt = self.training.excerpt
        return dataclasses.replace(self, segments=excerpt, training=dataclasses.replace(self.training, excerpt=0)) \
            if excerpt else self

    @property
    def trained_steps(self) -> int:
        """The length in steps of what is trained."""
        excerpt = self.training.excerpt
        return self.codec.steps * excerpt // self.segments if excerpt else self.codec.steps

    def as_dict(self) -> dict:
        """Plain values, as they stand in YAML; the reverse of `parse`."""
        def plain(value):
            return {k: plain(v) for k, v in value.items()} if isinstance(value, dict) else (
                list(value) if isinstance(value, tuple) else value)
        values = plain(dataclasses.asdict(self))
        for key in ("training", "then"):
            if not values[key]:
                del values[key]
        return values


def parse(values: dict) -> Config:
    """A config from the mapping that a YAML file holds, where each stage of `then` says only what it changes; raises
    ConfigError."""
    if isinstance(values, dict) and isinstance(values.get("then"), list) and isinstance(values.get("training"), dict):
        stages = [values["training"]]
        for number, changes in enumerate(values["then"], 2):
            _require(isinstance(changes, dict), f"then, stage {number}", "a mapping of keys", changes)
            stages.append({**stages[-1], "decoders": [], **changes})
        values = {**values, "then": stages[1:]}
    return _build(Config, values, "")


def read(name_or_path: str) -> Config:
    """A config from a YAML file, or from vae/configs/ by its name; raises ConfigError."""
    path = pathlib.Path(name_or_path)
    if not path.suffix and not path.is_file():  # a folder of that name, such as its run, may well be there
        path = CONFIGS / f"{name_or_path}.yaml"
    if not path.is_file():
        known = sorted(p.stem for p in CONFIGS.glob("*.yaml"))
        raise ConfigError(f"no config {name_or_path!r}{did_you_mean(name_or_path, known)}; "
                          f"give a YAML file or one of: {', '.join(known)}")
    try:
        values = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # PyYAML lets out what values and nesting raise
        raise ConfigError(f"{path}: not YAML: {error}") from None
    try:
        return parse(values)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def _build(kind, values, where: str):
    """A dataclass from a mapping: keys and types are checked, nested dataclasses are built alike."""
    if not isinstance(values, dict):
        raise ConfigError(f"{where or 'config'}: must be a mapping of keys. Received: {values!r}")
    fields = {f.name: f for f in dataclasses.fields(kind)}
    for key in values:
        if key not in fields:
            raise ConfigError(f"{where}unknown key {key!r}{did_you_mean(key, fields)}; allowed: {', '.join(fields)}")
    missing = [name for name, f in fields.items() if name not in values
               and f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING]
    if missing:
        raise ConfigError(f"{where}missing key {missing[0]!r}")
    built = {}
    for key, value in values.items():
        built[key] = _convert(fields[key].type, value, f"{where}{key}")
    try:
        return kind(**built)
    except ConfigError as error:
        raise ConfigError(f"{where}{error}") from None


def _convert(kind, value, where: str):
    if kind == Training | None or kind is Schedule:
        return _build(Training if kind is not Schedule else Schedule, value, f"{where}.")
    if kind == tuple[Training, ...]:
        _require(isinstance(value, (list, tuple)), where, "a list of stages", value)
        return tuple(_build(Training, stage, f"{where}, stage {number}.") for number, stage in enumerate(value, 2))
    if kind in (tuple[int, ...], tuple[str, ...]):
        item = int if kind == tuple[int, ...] else str
        _require(isinstance(value, (list, tuple)) and all(type(v) is item for v in value), where,
                 f"a list of {'whole numbers' if item is int else 'names'}", value)
        return tuple(value)
    if kind is float:
        _require(type(value) in (int, float), where, "a number (write 0.001, not 1e-3: YAML reads that as text)", value)
        try:
            return float(value)
        except OverflowError:
            raise ConfigError(f"{where}: must be a number that a float can hold, below 1.8e308") from None
    _require(type(value) is kind, where, {int: "a whole number", str: "text", bool: "true or false"}[kind], value)
    return value
