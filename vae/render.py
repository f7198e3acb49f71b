"""Jobs to clips with one loaded model, many jobs in one decode."""

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from vae import long, sampling
from vae.constraints import Constraints, logit_bias
from vae.jobs import MOST_CLIPS, Job
from vae.notes import Clip
from vae.registry import Model

LATENTS_KEPT = 64  # jobs whose codes (2 MB at the most) are kept for their next batches; of others they are made again


class Renderer:
    """One model, ready to decode."""

    def __init__(self, model: Model):
        self.codec = model.codec
        self._sampler = sampling.Sampler(model)
        self._latents: OrderedDict[Job, np.ndarray] = OrderedDict()
        self._sampler.warm()

    def render(self, items: Sequence[tuple[Job, int]]) -> list[Clip]:
        """Clip `index` of each (job, index), all decoded together."""
        self._prepare([job for job, _ in items])
        codes = [self._latents[job][index] for job, index in items]  # [segments, latent] each
        segments = [len(code) for code in codes]
        owners = [item for item, count in zip(items, segments) for _ in range(count)]
        tokens = self._sampler.decode(
            np.concatenate(codes),
            [job.temperature for job, _ in owners],
            [job.seed for job, _ in owners],
            [index for _, index in owners],
            self._bias([job.constraints for job, _ in owners]),
        )
        clips, at = [], 0
        for (job, _), count in zip(items, segments):
            parts = [self.codec.decode(row, job.constraints.velocity) for row in tokens[at:at + count]]
            clips.append(long.join(parts, job.constraints.bars))
            at += count
        return clips

    def _bias(self, constraints: Sequence[Constraints]) -> list[np.ndarray]:
        """What the rows' constraints add to their logits: one [rows, classes] a stream."""
        none = [np.zeros(classes, np.float32) for classes in self.codec.classes]
        rows = [logit_bias(self.codec, each) or none for each in constraints]
        return [np.stack(stream) for stream in zip(*rows)]

    def _prepare(self, jobs: Sequence[Job]) -> None:
        """Have the codes of these jobs at hand, encoding the clips of all new ones together."""
        new = [job for job in dict.fromkeys(jobs) if job not in self._latents]
        windows = {(clip, segments): long.windows(clip, self.codec.bars, segments)
                   for job in new for segments in [self._segments(job)] for clip in job.clips}
        if windows:
            tokens = np.stack([self.codec.encode(window) for each in windows.values() for window in each])
            encoded = np.split(self._sampler.encode(tokens), np.cumsum([len(each) for each in windows.values()])[:-1])
            codes = dict(zip(windows, encoded))
        for job in new:
            segments = self._segments(job)
            self._latents[job] = self._job_latents(job, segments, [codes[clip, segments] for clip in job.clips])
        needed = set(jobs)
        for job in needed:
            self._latents.move_to_end(job)
        while len(self._latents) > max(LATENTS_KEPT, len(needed)):
            self._latents.popitem(last=False)

    def _segments(self, job: Job) -> int:
        return long.segment_count(job.constraints.bars, self.codec.bars)

    def _job_latents(self, job: Job, segments: int, clips: list[np.ndarray]) -> np.ndarray:
        """The codes of all clips of a job: [count, segments, latent]. clips: those of its clips, [segments, latent]."""
        match job.kind:
            case "generate":
                legs = long.leg_count(segments)
                # Draw i + 64 k: the first is the one of a clip of the model's length, whatever the length asked for.
                draws = np.arange(job.count)[:, None] + MOST_CLIPS * np.arange(legs + 1)
                anchors = self._sampler.prior(job.seed, draws.ravel().tolist()).reshape(job.count, legs + 1, -1)
                return np.stack([long.walk(each, segments, sampling.slerp) for each in anchors])
            case "reconstruct":
                return clips[0][None]
            case "vary":
                indices = range(job.count)
                varied = [sampling.vary(z, job.amount, job.seed, indices) for z in clips[0]]
                return np.stack(varied, axis=1)
            case "interpolate":
                # One way from a to b for all clips together, so that the first starts as a and the last ends as b.
                count = job.count * segments
                ways = [sampling.interpolate(a, b, count) for a, b in zip(*clips)]
                points = np.stack([ways[place % segments][place] for place in range(count)])
                return points.reshape(job.count, segments, -1)
            case "grid":
                corners = np.stack(clips)  # [corners, segments, latent]
                cells = [sampling.grid(corners[:, s], job.columns, job.rows) for s in range(segments)]
                return np.stack(cells, axis=1)
        raise ValueError(f"no such kind of job: {job.kind!r}")
