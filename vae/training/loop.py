"""The training loop: state in, state out, on one device or many (tf.distribute), resumable to the bit.

The state (parameters and Adam's two means) is passed through a pure step instead of living in variables. Everything
else that a step needs, its batch, noise and schedules, is a function of the seed and the step number, so a run that
was killed and started again ends with the same weights as one that was not.
"""
import math
import os
import pathlib
import signal
import time

import numpy as np
import tensorflow as tf

from vae.config import Config
from vae.model import weights as model_weights
from vae.training import checkpoint, features, history, objective
from vae.training.batches import Batches
from vae.training.checkpoint import BEST, CHECKPOINT
from vae.training.evaluate import Evaluator, Scores
from vae.xla import compiled

GROUPS = ("parameters", "first", "second")


class DivergedError(ArithmeticError):
    """The loss or the weights are not finite any more; the message says what to do."""


def strategy() -> tf.distribute.Strategy:
    """Several machines if TF_CONFIG names a cluster, several GPUs if there are any, else the one device."""
    if "TF_CONFIG" in os.environ:
        return tf.distribute.MultiWorkerMirroredStrategy()
    if len(tf.config.list_physical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def state_shapes(config: Config) -> dict[str, tuple[int, ...]]:
    """GROUP|NAME to shape of everything that a training step changes."""
    shapes = model_weights.shapes(config) | (features.shapes(config) if config.training.shared_features else {})
    return {f"{group}|{name}": shape for group in GROUPS for name, shape in shapes.items()}


class _InterruptedError(Exception):
    """A validation was asked to stop."""


class Trainer:
    """Trains one model into a run folder. `run()` goes on from the folder's checkpoint if it has one.

    step: how many steps were trained.  resumed: whether the folder had a checkpoint.
    """

    def __init__(self, config: Config, sources, shares, validation: np.ndarray, out: pathlib.Path, about: dict,
                 start: dict[str, np.ndarray] = {}, save_every: int = 500):
        """
        sources, shares: training examples and their weights, see Batches.
        validation: examples that choose the best checkpoint. Shape [examples, steps, streams].
        about: plain values to keep with the run: `config`, `data` (meta and weight of each set), `commands` (that made
            the weights, this training's last) and `start` (name and sha256 of the model whose weights it begins with,
            or None). When a run goes on, the last two stay as the checkpoint has them.
        start: weights to begin from instead of fresh ones: a model's (fine-tuning), or some of them.
        save_every: steps between checkpoints, each with a validation.
        Raises checkpoint.CheckpointError if the folder's checkpoint cannot be used or is of another training.
        """
        self.config, self.out, self.save_every = config, pathlib.Path(out), save_every
        self.strategy = strategy()
        resolver = self.strategy.cluster_resolver
        self.chief = resolver is None or resolver.task_id in (None, 0)
        replicas = self.strategy.num_replicas_in_sync
        if config.training.batch % replicas:
            raise ValueError(f"batch: must be a multiple of the {replicas} replicas that share it. "
                             f"Received: {config.training.batch}")
        self._about, self._validation = dict(about), validation[:, :config.trained_steps]
        self._batches = Batches(sources, shares, config)
        rows = np.random.default_rng(config.training.seed).permutation(len(sources[0]))[:len(validation)]
        self._seen = np.asarray(sources[0][np.sort(rows), :config.trained_steps])  # train examples, to tell fitting from generalising
        self._evaluator = Evaluator(config.trained)
        self._fold = compiled(lambda parameters: features.fold(parameters, config))
        self.step, self.best, self.resumed = 0, -1.0, False
        self._state = self._shared(self._begin(start))
        self._run_step = tf.function(lambda *args: self.strategy.run(self._replica_step, args=args), autograph=False)
        self._stop = False

    # --- state ------------------------------------------------------------------------------------------------------

    def _begin(self, start) -> dict[str, dict[str, np.ndarray]]:
        path = self.out / CHECKPOINT
        if self.chief and path.exists():
            arrays, config, about = checkpoint.load(path, state_shapes)
            checkpoint.check_same(path, config, about, self.config, self._about)
            self.step, self.best, self.resumed = about["step"], about["best"], True
            known = {key: about[key] for key in ("commands", "start") if key in about}
            if "start" not in known and self._about.get("start") is None:
                self._about.pop("start", None)  # an old checkpoint that does not say, and nobody else does
            self._about |= known
            return {group: {name.split("|")[1]: value for name, value in arrays.items() if name.startswith(group)}
                    for group in GROUPS}
        training = self.config.training
        values = model_weights.initial(self.config, training.seed, training.input_scale)
        extra = features.initial(self.config, values, training.seed) if training.shared_features else {}
        values |= start
        extra = {name: np.zeros_like(value) if name.removeprefix(features.PREFIX) in start else value
                 for name, value in extra.items()}
        values |= extra
        zeros = {name: np.zeros_like(value) for name, value in values.items()}
        return {"parameters": values, "first": zeros, "second": zeros}

    def _shared(self, state):
        """The state on every replica, all alike: the chief's, since only the chief may have found a checkpoint."""
        local = tf.nest.map_structure(tf.convert_to_tensor, state)
        if self.strategy.num_replicas_in_sync == 1:
            return local

        @tf.function(autograph=False)
        def share(state, step):
            def from_first(state, step):
                context = tf.distribute.get_replica_context()
                first = tf.cast(tf.equal(context.replica_id_in_sync_group, 0), tf.float32)
                return context.all_reduce(tf.distribute.ReduceOp.SUM,
                                          tf.nest.map_structure(lambda x: x * first, (state, step)))
            return self.strategy.run(from_first, args=(state, step))

        state, step = share(local, tf.constant([self.step, self.best], tf.float32))
        step, best = self._local(step).numpy()
        self.step, self.best = int(step), float(best)
        return state

    def _local(self, value):
        return tf.nest.map_structure(lambda x: self.strategy.experimental_local_results(x)[0], value)

    def weights(self) -> dict[str, tf.Tensor]:
        """The model's weights as they are now, shared features folded in."""
        return self._fold(self._local(self._state["parameters"]))

    # --- one step ---------------------------------------------------------------------------------------------------

    def _replica_step(self, state, tokens, step, rate, beta, truth):
        training, config = self.config.training, self.config.trained
        context = tf.distribute.get_replica_context()
        share = tokens.shape[0]

        @compiled
        def gradients(parameters, tokens, first_row, seed, beta, truth):
            draws = objective.noise(training.batch, *tokens.shape[1:], config.latent, seed)
            draws = objective.Noise(*(tf.slice(draw, [first_row] + [0] * (len(draw.shape) - 1),
                                               [share, *draw.shape[1:]]) for draw in draws))
            return objective.gradients(parameters, config, tokens, draws, beta, truth)

        @compiled
        def update(state, gradient, step, rate):
            return dict(zip(GROUPS, objective.adam(*(state[group] for group in GROUPS), gradient, step, rate,
                                                   training.clip_norm)))

        first_row = tf.cast(context.replica_id_in_sync_group, tf.int32) * share
        gradient, metrics = gradients(state["parameters"], tokens, first_row, tf.stack([training.seed, step]),
                                      beta, truth)
        if self.strategy.num_replicas_in_sync > 1:
            gradient, metrics = context.all_reduce(tf.distribute.ReduceOp.MEAN, (gradient, metrics))
        return update(state, gradient, step, rate), metrics

    def _per_replica(self, tokens: np.ndarray):
        if self.strategy.num_replicas_in_sync == 1:
            return tf.constant(tokens)
        parts = np.split(tokens, self.strategy.num_replicas_in_sync)
        return self.strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(parts[context.replica_id_in_sync_group]))

    # --- the loop ---------------------------------------------------------------------------------------------------

    def run(self, report=lambda **figures: None) -> bool:
        """Train to the configured number of steps. Returns False when interrupted (SIGINT or SIGTERM); the checkpoint
        is then as fresh as the last step. Raises DivergedError; nothing that is not finite is ever saved.

        report: told, by name, every figure as it changes (step, metrics of objective.METRICS, examples_per_second and,
            after a validation, `validation` and `seen`, the Scores on validation and on train examples).
        """
        self.out.mkdir(parents=True, exist_ok=True)
        training = self.config.training
        previous = {number: signal.signal(number, self._interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
        logs = tf.summary.create_file_writer(str(self.out / "logs")) if self.chief else tf.summary.create_noop_writer()
        try:
            if self.resumed and self.chief and self._due() and not history.has(self.out, self.step):  # it was interrupted there
                state = self._saved_state()
                self._validate(report, logs)
                self._save(state)
            began, since = time.monotonic(), self.step
            batches = self._batches.from_step(self.step)
            while self.step < training.steps and not self._stop:
                step = self.step
                values = [tf.constant(value, tf.float32) for value in (
                    training.rate(step), training.beta(step), training.truth_probability(step))]
                self._state, metrics = self._run_step(self._state, self._per_replica(next(batches)),
                                                      tf.constant(step), *values)
                self.step += 1
                saving = self._due()
                if self.step % 10 == 0 or saving:  # reading a figure waits for the device, so not at every step
                    named = dict(zip(objective.METRICS, self._local(metrics).numpy().tolist()))
                    if not math.isfinite(named["loss"]):
                        raise self._diverged("the loss")
                    speed = (self.step - since) * training.batch / (time.monotonic() - began)
                    report(step=self.step, examples_per_second=speed, **named)
                    with logs.as_default(step=self.step):
                        for name, value in named.items():
                            tf.summary.scalar(f"train/{name}", value)
                if saving:
                    state = self._saved_state()
                    if self.chief:
                        self._validate(report, logs)
                        self._save(state)
                    began, since = time.monotonic(), self.step
            if self._stop:
                state = self._saved_state()
                if self.chief:
                    self._save(state)
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
        return not self._stop

    def _interrupt(self, *_):
        self._stop = True

    def _due(self) -> bool:
        """Whether this step ends with a validation and a checkpoint."""
        return self.step % self.save_every == 0 or self.step == self.config.training.steps

    def _go_on(self, _):
        if self._stop:
            raise _InterruptedError

    def _diverged(self, what: str) -> DivergedError:
        best = self.out / BEST
        begin = (f"; --fine-tune begins it with the best weights of this one, once `export` has made a model of {best}"
                 if best.exists() else "")
        return DivergedError(f"{self.out}: the training diverged: at step {self.step} {what} is not finite. To go on from "
                             f"its last checkpoint would end alike. Begin a new run, in another folder, with a lower "
                             f"learning_rate or with clip_norm{begin}")

    def _finite(self, arrays: dict[str, tf.Tensor]) -> dict[str, np.ndarray]:
        values = {name: value.numpy() for name, value in arrays.items()}
        for name, value in values.items():
            if not np.isfinite(value).all():
                raise self._diverged(name)
        return values

    def _validate(self, report, logs):
        """Score the weights, and keep them if they are the best so far; nothing of it when interrupted, since long
        pieces take minutes to score. The run that goes on does it then."""
        weights = self.weights()
        values = self._finite(weights)
        try:
            scores = {name: self._evaluator(weights, examples, self._go_on)
                      for name, examples in (("validation", self._validation), ("seen", self._seen))}
        except _InterruptedError:
            return
        if not all(math.isfinite(score.kl + score.cross_entropy) for score in scores.values()):
            raise self._diverged("a score")
        report(**scores)
        row = {"step": self.step, "examples": self.step * self.config.training.batch}
        with logs.as_default(step=self.step):
            for name, score in scores.items():
                figures = {"next": np.mean(score.next), "reconstruction": np.mean(score.reconstruction), "kl": score.kl}
                for figure, value in figures.items():
                    row[f"{name}_{figure}"] = round(float(value), 5)
                    tf.summary.scalar(f"{name}/{figure}", value)
        history.append(self.out, row)
        quality = self._quality(scores["validation"])
        if quality > self.best:
            self.best = quality
            checkpoint.save(self.out / BEST, values, {**self._about, "step": self.step, "best": quality})

    def _quality(self, scores: Scores) -> float:
        """What the best checkpoint has most of: reconstruction, mean over streams; next-step accuracy without a latent.

        Cross-entropy would not do: under scheduled sampling its teacher-forced value rises while decoding improves.
        """
        return float(np.mean(scores.reconstruction if self.config.latent else scores.next))

    def _saved_state(self) -> dict[str, np.ndarray]:
        """GROUP|NAME to array of the state; raises DivergedError."""
        state = self._local(self._state)
        return self._finite({f"{group}|{name}": value for group in GROUPS for name, value in state[group].items()})

    def _save(self, state: dict[str, np.ndarray]):
        checkpoint.save(self.out / CHECKPOINT, state, {**self._about, "step": self.step, "best": self.best})
