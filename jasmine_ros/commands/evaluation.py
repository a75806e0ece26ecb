# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Evaluation of a checkpoint or of its autoencoder, as `jasmine evaluate` requests it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.artifacts.checkpoint import UNTRAINED, Checkpoint
from jasmine_core.errors import ConfigError
from jasmine_core.evaluate.autoencoder import describe, measure_on_world
from jasmine_core.evaluate.evaluation import Evaluation
from jasmine_core.evaluate.flow_poses import with_flow_poses
from jasmine_core.evaluate.protocols import Aligned
from jasmine_core.evaluate.published import PublishedSet
from jasmine_core.evaluate.reliability import Reliability, reliability_table
from jasmine_core.evaluate.report import write_json
from jasmine_core.evaluate.run import Predict, Sample, evaluate, write_report
from jasmine_core.evaluate.steady import SteadyClips
from jasmine_core.evaluate.world import Kind, world_mean_map, world_samples
from jasmine_core.model.checkpoint import read_mean_depth
from jasmine_core.model.jasmine import JasmineModel
from jasmine_core.runtime.predictor import DepthPredictor
from jasmine_ros.bags.damage import DamagedMessages
from jasmine_ros.bags.ground_truth import BagSamples
from jasmine_ros.commands.evaluate import EvaluateRequest
from jasmine_ros.commands.evaluation_poses import read_odometry, with_poses

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Samples:
    """Images with ground truth."""

    read: Callable[[], Iterable[Sample]]
    count: int
    name: str  # for the report
    protocol: str  # usual for this data
    motion: str = ""  # source of the camera poses of the temporal metrics
    damaged: DamagedMessages | None = None  # of a recording
    assumption: Callable[[], str] | None = None  # about its 16-bit values, after reading


def evaluate_checkpoint(request: EvaluateRequest) -> str:
    """Evaluate a checkpoint, write the report, and return its Markdown tables."""
    checkpoint = Checkpoint.resolve(request.checkpoint)
    predictor = DepthPredictor.from_pretrained(checkpoint, resize=request.resize)
    if predictor.backend.info.untrained:
        _log.warning("%s: %s", checkpoint, UNTRAINED)
    scale = predictor.scale
    if request.alignment == "none" and scale.state == "up-to-scale":
        raise ConfigError(
            f"the depth of {request.checkpoint} is up-to-scale and cannot be evaluated without "
            "alignment; use --alignment median"
        )
    mean_map, source = mean_map_of(checkpoint, request.world or "street")
    samples = _samples(request)
    evaluation = Evaluation(mean_map, request.protocol or samples.protocol, request.alignment)

    model = _Model(predictor)

    baseline: Predict | None = None
    if request.baseline:
        other = DepthPredictor.from_pretrained(request.baseline, "torch", resize=request.resize)
        baseline = lambda image, focal: other(image, focal).depth  # noqa: E731
    steady = partial(SteadyClips, request.temporal, scale.state != "up-to-scale")
    exhibits = evaluate(
        model,
        samples.read,
        evaluation,
        samples.count,
        baseline,
        request.show,
        None if request.temporal == "off" else steady,
        model.compare,
    )
    confidence = model.reliability.summary()
    about: dict[str, object] = {
        "checkpoint": request.checkpoint,
        "baseline_checkpoint": request.baseline,
        "description": predictor.backend.info.model,
        "untrained": predictor.backend.info.untrained,
        "data": samples.name,
        "mean_map": source,
        "temporal": request.temporal,
        "camera_motion": samples.motion,
        "confidence": {"calibrated": predictor.calibration is not None, **confidence},
    }
    if samples.assumption and (assumption := samples.assumption()):
        about["input_values"] = assumption
    if samples.damaged:
        about["damaged_messages"] = samples.damaged.summary()
    tables = write_report(evaluation, exhibits, about, request.json)
    if not confidence:
        return tables
    return f"{tables}\n{reliability_table(confidence, predictor.calibration is not None)}"


class _Model:
    """Depth of a predictor in metres or units, with the reliability of its confidence."""

    def __init__(self, predictor: DepthPredictor) -> None:
        self.reliability = Reliability()
        self._predictor = predictor
        self._factor = np.float32(predictor.scale.metres_per_unit)
        self._confidence: NDArray[np.float32] | None = None  # of the last image

    def __call__(self, image: NDArray[np.uint8], focal: float | None) -> NDArray[np.float32]:
        prediction = self._predictor(image, focal)
        self._confidence = prediction.confidence
        return prediction.depth * self._factor

    def compare(self, aligned: Aligned) -> None:
        """Compare the confidence of the last image with the errors of its depth."""
        assert self._confidence is not None
        height, width = aligned.depth.shape
        resized = cv2.resize(self._confidence, (width, height), interpolation=cv2.INTER_LINEAR)
        confidence, valid = np.asarray(resized, np.float32), aligned.valid
        self.reliability.add(confidence[valid], aligned.depth[valid], aligned.ground_truth[valid])


def evaluate_autoencoder(request: EvaluateRequest, checkpoint: str) -> str:
    """Evaluate the autoencoder of a checkpoint, write the scores, and return them as text."""
    kind: Kind = request.world or "street"
    model = JasmineModel.from_pretrained(checkpoint)
    scores = measure_on_world(model, kind, request.seed, request.frames)
    about = {
        "autoencoder": checkpoint,
        "ssi_space": model.config.ssi_space,
        "data": f"world {kind}, seed {request.seed}",
        "size": [model.config.width, model.config.height],
    }
    write_json(request.json, scores._asdict() | about)
    return describe(scores)


def mean_map_of(checkpoint: Checkpoint, kind: Kind) -> tuple[NDArray[np.float32], str]:
    """Return the mean depth map [h,w] m of a checkpoint's training set, and its source.

    A checkpoint without one gets the mean of training scenes of a rendered world.
    """
    own = read_mean_depth(checkpoint)
    if own is not None:
        return own.float().numpy(), "the checkpoint's training set"
    return world_mean_map(kind), f"training scenes of the {kind} world; the checkpoint has none"


def _samples(request: EvaluateRequest) -> Samples:
    if request.world:
        read = partial(world_samples, request.world, request.seed, request.frames, request.rate)
        name = f"world {request.world}, seed {request.seed}, {request.rate:g} Hz"
        return Samples(read, request.frames, name, "plain", "rendered")
    if request.dataset and request.root:
        depth = Path(request.ground_truth) if request.ground_truth else None
        published = PublishedSet(request.dataset, request.root, request.split, depth)
        return Samples(published, len(published), request.dataset, published.protocol)
    assert request.bag and request.ground_truth
    pairs = BagSamples(
        request.bag,
        request.ground_truth,
        request.image,
        request.camera_info,
        request.calibration,
        request.bits,
        request.max_image_pixels,
    )
    name = f"{request.bag.name} with {Path(request.ground_truth).name}"
    odometry = read_odometry(
        request.bag, request.image, request.camera_info, request.calibration, request.odometry
    )
    read_bag, motion = partial(with_flow_poses, pairs, pairs.camera), "optical flow"
    if odometry:
        read_bag, motion = partial(with_poses, pairs, odometry, pairs.camera), "odometry"
    return Samples(
        read_bag, pairs.count, name, "eigen", motion, pairs.damaged, lambda: pairs.assumption
    )
