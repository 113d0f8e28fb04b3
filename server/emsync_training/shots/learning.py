"""How the shot network learns: crops of traced montages, one descent, the average kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from emsync_server.spotting.changes import CUT, FIRST_KIND, INSIDE
from emsync_server.spotting.shots import CONTEXT
from emsync_server.spotting.traces import Tracer
from emsync_training.shots.footage import STILL, Pictures
from emsync_training.shots.montage import Montage, any_plan, make_montage
from emsync_training.shots.network import ShotNetwork
from emsync_training.shots.plain_onnx import take_constants_out

MIDDLE = 2
CROP, CROPS = 256, 16
AVERAGED = 0.99
STEPS_PER_REPORT = 100
STILLS = 24
"""Of each montage's choice: a third of it, beside some fifty shots of films."""
NOISE = 0.05  # of each channel's deviation
CUT_WEIGHT, INSIDE_WEIGHT, MIDDLE_WEIGHT = 4.0, 1.5, 3.0  # of frames that are one


@dataclass(frozen=True)
class Traced:
    """A montage as the network sees it: N frames."""

    traces: NDArray[np.float32]
    """(N + 2 CONTEXT, CHANNELS)"""
    cut: NDArray[np.bool_]
    gradual: NDArray[np.int8]
    middle: NDArray[np.float32]

    @classmethod
    def of(cls, montage: Montage) -> Traced:
        """As `ShotFinder` would trace it: the film stands still before and after."""
        pictures = np.ascontiguousarray(np.moveaxis(montage.pictures, -1, 1))
        after = np.repeat(pictures[-1:], CONTEXT, axis=0)
        traces = Tracer().trace(np.concatenate((pictures, after)))
        before = np.repeat(traces[:1], CONTEXT, axis=0)
        whole = np.concatenate((before, traces))
        return cls(whole, montage.cut, montage.gradual, montage.middle)

    def save(self, path: Path) -> None:
        """In half precision."""
        np.savez(
            path, traces=self.traces.astype(np.float16), cut=self.cut, gradual=self.gradual,
            middle=self.middle,
        )  # fmt: skip

    @classmethod
    def load(cls, path: Path) -> Traced:
        """What `save` wrote."""
        with np.load(path) as told:
            traces = told["traces"].astype(np.float32)
            return cls(traces, told["cut"], told["gradual"], told["middle"])


def traced_montages(
    shots: Sequence[tuple[str, Pictures]], work: Path, *, count: int, seed: int
) -> list[Traced]:
    """Make so many montages of these shots, each from a seed of its own; those that are kept in
    `work` are read."""
    films = [each for each in shots if not each[0].startswith(STILL)]
    stills = [each for each in shots if each[0].startswith(STILL)]
    traced = []
    for number in range(count):
        path = work / f"montage-{seed}-{number}.npz"
        if not path.exists():
            rng = np.random.default_rng([seed, number])
            some = rng.choice(len(stills), min(len(stills), STILLS), replace=False)
            montage = make_montage([*films, *(stills[index] for index in some)], any_plan(rng), rng)
            Traced.of(montage).save(path)
        traced.append(Traced.load(path))
    return traced


def learn(
    montages: Sequence[Traced],
    *,
    steps: int,
    seed: int,
    kept: Path,
    start: Path | None = None,
    rate: float = 4e-3,
) -> ShotNetwork:
    """Train a network from nothing, or from what `start` holds; the average is written to `kept`
    now and then, and at the end."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = ShotNetwork()
    if start is not None:
        network.load_state_dict(torch.load(start, weights_only=True))
    else:
        everything = np.concatenate([one.traces for one in montages])
        network.mean.copy_(torch.from_numpy(everything.mean(axis=0)))
        network.deviation.copy_(torch.from_numpy(everything.std(axis=0) + 1e-3))
    average = {name: value.clone() for name, value in network.state_dict().items()}
    descent = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.02)
    plan = torch.optim.lr_scheduler.OneCycleLR(descent, rate, total_steps=steps, pct_start=0.1)
    for step in range(steps):
        loss = _loss(network, *_batch(montages, rng))
        descent.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        descent.step()
        plan.step()
        for name, value in network.state_dict().items():
            average[name].lerp_(value, 1 - AVERAGED)
        if step % STEPS_PER_REPORT == STEPS_PER_REPORT - 1:
            print(f"step {step + 1}: {loss.item():.3f}", flush=True)
            torch.save(average, kept)
    torch.save(average, kept)
    network.load_state_dict(average)
    return network.eval()


def export(network: ShotNetwork, path: Path) -> None:
    """Write the network for films of any length."""
    example = torch.zeros(1, 4 * CONTEXT, len(network.mean))
    torch.onnx.export(
        network, (example,), str(path), input_names=["traces"], output_names=["answers"],
        dynamic_axes={"traces": {1: "frames"}, "answers": {1: "frames"}}, opset_version=17,
        dynamo=False,
    )  # fmt: skip
    model = onnx.load(path)
    take_constants_out(model)
    onnx.save(model, path)


def _batch(
    montages: Sequence[Traced], rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Crops of some montages, each with CONTEXT around it: traces, cut, gradual, middle."""
    lengths = np.array([len(one.cut) for one in montages], float)
    rows = []
    for index in rng.choice(len(montages), CROPS, p=lengths / lengths.sum()):
        one = montages[index]
        start = int(rng.integers(max(1, len(one.cut) - CROP + 1)))
        end = min(len(one.cut), start + CROP)
        missing = CROP - (end - start)
        traces = one.traces[start : end + 2 * CONTEXT]
        truth = (one.cut[start:end], one.gradual[start:end], one.middle[start:end])
        rows.append(
            (
                np.pad(traces, ((0, missing), (0, 0)), mode="edge"),
                *(np.pad(each, (0, missing)) for each in truth),
            )
        )
    traces, cut, gradual, middle = (
        torch.from_numpy(np.stack(part)) for part in zip(*rows, strict=True)
    )
    return traces, cut.float(), gradual, middle


def _loss(
    network: ShotNetwork, traces: Tensor, cut: Tensor, gradual: Tensor, middle: Tensor
) -> Tensor:
    noise = torch.randn_like(traces) * NOISE * network.deviation
    answers = network(traces + noise)[:, CONTEXT:-CONTEXT]
    inside = (gradual > 0).float()

    def unlike(which: int, truth: Tensor, weight: float) -> Tensor:
        return functional.binary_cross_entropy_with_logits(
            answers[..., which], truth, pos_weight=torch.tensor(weight)
        )

    loss = CROP / 4 * unlike(CUT, cut, CUT_WEIGHT)
    loss = loss + 4 * unlike(INSIDE, inside, INSIDE_WEIGHT)
    loss = loss + 8 * unlike(MIDDLE, middle, MIDDLE_WEIGHT)
    shown = gradual > 0
    if shown.any():
        kinds = answers[shown][:, FIRST_KIND:]
        loss = loss + 0.3 * functional.cross_entropy(kinds, (gradual[shown] - 1).long())
    return loss
