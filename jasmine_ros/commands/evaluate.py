# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine evaluate`: a checkpoint against rendered scenes, a bag, or a test set."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jasmine_core.artifacts.checkpoint import UNTRAINED, Checkpoint
from jasmine_core.errors import ConfigError
from jasmine_core.evaluate.autoencoder import describe, measure_on_world
from jasmine_core.evaluate.evaluation import Evaluation
from jasmine_core.evaluate.protocols import Alignment
from jasmine_core.evaluate.published import Published, PublishedSet
from jasmine_core.evaluate.report import write_json
from jasmine_core.evaluate.run import Predict, Sample, evaluate, write_report
from jasmine_core.evaluate.world import Kind, world_mean_map, world_samples
from jasmine_core.model.checkpoint import read_mean_depth
from jasmine_core.model.jasmine import JasmineModel
from jasmine_core.runtime.predictor import DepthPredictor, Resize
from jasmine_core.runtime.scale import fixed_scale
from jasmine_ros.bags.ground_truth import BagSamples

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """Say what is evaluated on what."""

    checkpoint: str
    world: Kind | None
    seed: int
    frames: int
    bag: Path | None
    dataset: Published | None
    root: Path | None
    split: Path | None
    ground_truth: str | None
    image: str | None
    camera_info: str | None
    calibration: Path | None
    protocol: str | None
    alignment: Alignment
    resize: Resize
    baseline: str | None = None
    show: int = 0

    def __post_init__(self) -> None:
        if sum(x is not None for x in (self.world, self.bag, self.dataset)) != 1:
            raise ConfigError("evaluate on one thing: give either --world, --bag or --dataset")
        if self.bag and not self.ground_truth:
            raise ConfigError("--bag and --ground-truth belong together")
        if (self.dataset is None) != (self.root is None):
            raise ConfigError("--dataset and --root belong together")
        if self.frames < 1:
            raise ConfigError(f"--frames is {self.frames}; it must be at least 1")


def evaluate_checkpoint(request: Request, json: Path) -> str:
    """Evaluate, write the report to `json` and its neighbours, and return the Markdown table."""
    checkpoint = Checkpoint.resolve(request.checkpoint)
    predictor = DepthPredictor.from_pretrained(checkpoint, resize=request.resize)
    if predictor.backend.info.untrained:
        _log.warning("%s: %s", checkpoint, UNTRAINED)
    scale = fixed_scale(None, predictor.metres_per_unit)
    if request.alignment == "none" and scale.state != "metric":
        raise ConfigError(
            f"{request.checkpoint} is up-to-scale: without alignment its depth cannot be judged; "
            "use --alignment median"
        )
    mean_map, source = mean_map_of(checkpoint, request.world or "street")
    samples, count, data, usual = _samples(request)
    evaluation = Evaluation(mean_map, request.protocol or usual, request.alignment)

    def predict(image: NDArray[np.uint8], focal: float | None) -> NDArray[np.float32]:
        return predictor(image, focal).depth * np.float32(scale.metres_per_unit)

    beside: Predict | None = None
    if request.baseline:
        other = DepthPredictor.from_pretrained(request.baseline, "torch", resize=request.resize)
        beside = lambda image, focal: other(image, focal).depth  # noqa: E731
    exhibits = evaluate(predict, samples, evaluation, count, beside, request.show)
    about = {
        "checkpoint": request.checkpoint,
        "baseline_checkpoint": request.baseline,
        "description": predictor.backend.info.model,
        "untrained": predictor.backend.info.untrained,
        "data": data,
        "mean_map": source,
    }
    return write_report(evaluation, exhibits, about, json)


def evaluate_autoencoder(checkpoint: str, kind: Kind, seed: int, frames: int, json: Path) -> str:
    """Measure a checkpoint's autoencoder, write the figures to `json`, and return them as text."""
    if frames < 1:
        raise ConfigError(f"--frames is {frames}; it must be at least 1")
    model = JasmineModel.from_pretrained(checkpoint)
    found = measure_on_world(model, kind, seed, frames)
    about = {
        "autoencoder": checkpoint,
        "ssi_space": model.config.ssi_space,
        "data": f"world {kind}, seed {seed}",
        "size": [model.config.width, model.config.height],
    }
    write_json(json, found._asdict() | about)
    return describe(found)


def _samples(request: Request) -> tuple[Callable[[], Iterable[Sample]], int, str, str]:
    """Return the samples, how many there are, what to call them, and the protocol usual there."""
    if request.world:
        some = partial(world_samples, request.world, request.seed, request.frames)
        return some, request.frames, f"world {request.world}, seed {request.seed}", "plain"
    if request.dataset and request.root:
        depth = Path(request.ground_truth) if request.ground_truth else None
        published = PublishedSet(request.dataset, request.root, request.split, depth)
        return published, len(published), request.dataset, published.protocol
    assert request.bag and request.ground_truth
    pairs = BagSamples(
        request.bag,
        request.ground_truth,
        request.image,
        request.camera_info,
        request.calibration,
    )
    return pairs, pairs.count, f"{request.bag.name} with {Path(request.ground_truth).name}", "eigen"


def mean_map_of(checkpoint: Checkpoint, kind: Kind) -> tuple[NDArray[np.float32], str]:
    """Return a checkpoint's mean-depth map [h,w] m, and where it is from."""
    own = read_mean_depth(checkpoint)
    if own is not None:
        return own.float().numpy(), "the checkpoint's training set"
    return world_mean_map(kind), f"training scenes of the {kind} world; the checkpoint has none"
