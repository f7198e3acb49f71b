"""Model folders: where models are, what they are, and loading them with every fault found before they serve.

A folder holds `model.yaml` (name, config, figures, checksum), `weights.npz` (plain arrays, float16 or float32, never a
pickle) and `card.md` for people. Shipped models are in vae/pretrained/, a user's own in ~/.musicvae/models/ or in
folders named on the command line.
"""
import hashlib
import io
import math
import pathlib
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import yaml

from vae import config as configs
from vae.errors import did_you_mean
from vae.model import weights as model_weights
from vae.model.stacks import stacks
from vae.quiet import import_tensorflow

SHIPPED = pathlib.Path(__file__).parent / "pretrained"
OWN = pathlib.Path.home() / ".musicvae" / "models"
ABOUT, WEIGHTS, CARD = "model.yaml", "weights.npz", "card.md"
STORED = np.float16  # half the size of float32, and the accuracies change by less than 0.001


class ModelError(ValueError):
    """A model that does not exist or cannot be used; the message says why."""


@dataclass(frozen=True)
class ModelInfo:
    """What a model folder says of itself; read without TensorFlow and without its weights."""
    name: str
    path: pathlib.Path
    config: configs.Config
    sha256: str
    figures: dict = field(default_factory=dict)

    @property
    def task(self) -> str:
        return self.config.task

    @property
    def bars(self) -> int:
        return self.config.codec.bars

    @property
    def latent(self) -> int:
        return self.config.latent

    @property
    def parameters(self) -> int:
        """How many numbers the weights hold."""
        return sum(math.prod(shape) for shape in model_weights.shapes(self.config).values())

    @property
    def card(self) -> pathlib.Path:
        return self.path / CARD

    @property
    def commands(self) -> list[str]:
        """The commands that made it, one per training, the first first; empty where its figures name none."""
        commands = self.figures.get("commands") if isinstance(self.figures, dict) else None
        return list(map(str, commands)) if isinstance(commands, list) else []


@dataclass(frozen=True)
class Model:
    """A loaded model. weights: float32 tensors by name, on `device` ("CPU:0", "GPU:0")."""
    info: ModelInfo
    weights: dict
    device: str

    @property
    def name(self) -> str:
        return self.info.name

    @property
    def config(self) -> configs.Config:
        return self.info.config

    @property
    def codec(self):
        return self.info.config.codec


def folders(extra: Iterable[str | pathlib.Path] = ()) -> list[pathlib.Path]:
    """Where models are looked for; of two with the same name the later folder's wins."""
    return [SHIPPED, OWN, *map(pathlib.Path, extra)]


def find_models(extra: Iterable[str | pathlib.Path] = ()) -> dict[str, ModelInfo]:
    """All models by name. Folders that are no models are passed over; `describe` says of one what is wrong with it."""
    found = {}
    for folder in folders(extra):
        for path in sorted(folder.glob(f"*/{ABOUT}")):
            try:
                info = describe(path.parent)
            except ModelError:
                continue
            found[info.name] = info
    return found


def describe(path: pathlib.Path) -> ModelInfo:
    """Read a model folder's model.yaml; raises ModelError, whatever is wrong with it."""
    about = pathlib.Path(path) / ABOUT
    try:
        if about.is_fifo():  # all folders are read before any is used, and nobody may ever write to it
            raise ModelError(f"{about} is a pipe, not a file")
        values = yaml.safe_load(about.read_text(encoding="utf-8"))
    except ModelError:
        raise
    except OSError as error:
        raise ModelError(f"{about} cannot be read: {error.strerror}") from None
    except Exception as error:  # noqa: BLE001 - PyYAML lets out what values raise: ValueError, RecursionError ...
        raise ModelError(f"{about} is not YAML: {error}") from None
    if not isinstance(values, dict):
        raise ModelError(f"{about} must hold name, config and sha256. Received: {values or 'nothing'}")
    try:
        info = ModelInfo(values["name"], pathlib.Path(path), configs.parse(values["config"]), values["sha256"],
                         values.get("figures", {}))
        _ = info.parameters  # sizes that cannot be are an error here, not later
    except (KeyError, TypeError) as error:
        raise ModelError(f"{about} lacks {error}") from None
    except configs.ConfigError as error:
        raise ModelError(f"{about}: config: {error}") from None
    except Exception as error:  # noqa: BLE001 - numbers beyond every type, aliases that hold themselves
        raise ModelError(f"{about} cannot be used: {type(error).__name__}: {error}") from None
    for key, value in (("name", info.name), ("sha256", info.sha256)):
        if not isinstance(value, str):
            raise ModelError(f"{about}: {key}: must be text. Received: {type(value).__name__}")
    return info


def resolve(name_or_path: str | pathlib.Path, extra: Iterable[str | pathlib.Path] = ()) -> ModelInfo:
    """A model by its name, or by its folder; raises ModelError with the nearest name."""
    path = pathlib.Path(name_or_path)
    if (path / ABOUT).exists():
        return describe(path)
    known = find_models(extra)
    if str(name_or_path) in known:
        return known[str(name_or_path)]
    word = str(name_or_path)
    raise ModelError(f"no model {word!r}{did_you_mean(word, known)}; there are: {', '.join(known) or 'none'}")


def arrays(info: ModelInfo) -> dict[str, np.ndarray]:
    """A model's weights as float32 arrays, checked: checksum, names, shapes, finite values. Raises ModelError."""
    path = info.path / WEIGHTS
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from None
    digest = hashlib.sha256(content).hexdigest()
    if digest != info.sha256:
        raise ModelError(f"{path} has the wrong checksum: {ABOUT} says sha256 {info.sha256[:12]}..., "
                         f"the file's is {digest[:12]}...")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            loaded = {name: file[name].astype(np.float32) for name in file.files}
    except Exception as error:  # noqa: BLE001 - what a damaged archive raises has no end: NotImplementedError, TokenError ...
        raise ModelError(f"{path} is not a weights file: {error}") from None
    check_shapes(loaded, model_weights.shapes(info.config), str(path))
    for name, value in loaded.items():
        if not np.isfinite(value).all():
            raise ModelError(f"{path}: {name} holds values that are not finite")
    return loaded


def check_shapes(loaded: dict[str, np.ndarray], expected: dict[str, tuple[int, ...]], where: str) -> None:
    """Raise ModelError unless the arrays are just those that are expected, name to shape."""
    for name in [*expected, *loaded]:
        if name not in loaded:
            raise ModelError(f"{where}: {name} is missing")
        if name not in expected:
            raise ModelError(f"{where}: {name} is no weight of this model")
        if loaded[name].shape != expected[name]:
            raise ModelError(f"{where}: {name} must have shape {expected[name]}. Received: {loaded[name].shape}")


def load(name_or_path: str | pathlib.Path, extra: Iterable[str | pathlib.Path] = ()) -> Model:
    """Load a model onto the GPU if TensorFlow sees one, else the CPU; raises ModelError."""
    info = resolve(name_or_path, extra)
    try:
        values = arrays(info)
    except ModelError:
        newer = describe(info.path)
        if newer.sha256 == info.sha256:
            raise
        info, values = newer, arrays(newer)  # it was exported anew after its model.yaml was read
    tf = import_tensorflow()
    device = "GPU:0" if tf.config.list_physical_devices("GPU") else "CPU:0"
    with tf.device(device):
        return Model(info, {name: tf.constant(value) for name, value in values.items()}, device)


def as_stored(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Weights as they come back from a model folder that `save` wrote: rounded, in float32."""
    return {name: value.astype(STORED).astype(np.float32) for name, value in weights.items()}


def save(folder: pathlib.Path, name: str, config: configs.Config, weights: dict[str, np.ndarray],
         figures: dict) -> ModelInfo:
    """Write what a model folder must hold; weights.npz is written before model.yaml names its checksum, so that a
    reader never sees a model that is half there. To keep the old one until the new one is whole, write `in_place_of` it.

    weights: float32 arrays by name.
    """
    check_shapes(weights, model_weights.shapes(config), name)
    folder.mkdir(parents=True, exist_ok=True)
    stored = io.BytesIO()
    with np.errstate(over="ignore"):  # infinity is found, and named, when the folder is read
        np.savez(stored, **{key: value.astype(STORED) for key, value in weights.items()})
    content = stored.getvalue()
    (folder / ABOUT).unlink(missing_ok=True)
    (folder / WEIGHTS).write_bytes(content)
    values = {"name": name, "sha256": hashlib.sha256(content).hexdigest(), "figures": figures,
              "config": config.as_dict()}
    part = folder / (ABOUT + ".part")
    part.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    part.replace(folder / ABOUT)
    return describe(folder)


def decoder_weights(models: list[ModelInfo], config: configs.Config) -> dict[str, np.ndarray]:
    """The decoders of some models as those that a model with this config begins with, one model for each of its stacks;
    raises ModelError unless they fit."""
    wanted, begun = model_weights.shapes(config), {}
    for stack, info in zip(stacks(config), models, strict=True):
        held = {stack.prefix + name.removeprefix("decoder"): value for name, value in arrays(info).items()
                if name.startswith("decoder/")}
        check_shapes(held, {name: shape for name, shape in wanted.items() if name.startswith(f"{stack.prefix}/")}, info.name)
        begun |= held
    return begun


def starting_weights(info: ModelInfo, config: configs.Config) -> dict[str, np.ndarray]:
    """A model's weights to fine-tune from; raises ModelError unless they fit a model with this config."""
    loaded = arrays(info)
    check_shapes(loaded, model_weights.shapes(config), info.name)
    return loaded
