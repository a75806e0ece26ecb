# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Evaluation of a checkpoint or of its autoencoder, as `jasmine evaluate` requests it."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.artifacts.checkpoint import UNTRAINED, Checkpoint
from jasmine_core.errors import ConfigError
from jasmine_core.evaluate.autoencoder import describe, measure_on_world
from jasmine_core.evaluate.evaluation import Evaluation, FrameScore
from jasmine_core.evaluate.figure import Exhibit
from jasmine_core.evaluate.flow_poses import with_flow_poses
from jasmine_core.evaluate.page import evaluation_page
from jasmine_core.evaluate.protocols import Aligned
from jasmine_core.evaluate.published import PublishedSet
from jasmine_core.evaluate.reliability import Reliability, reliability_table
from jasmine_core.evaluate.report import write_json
from jasmine_core.evaluate.run import (
    Predict,
    Sample,
    choose,
    score,
    show_frames,
    worst,
    write_report,
)
from jasmine_core.evaluate.steady import SteadyClips
from jasmine_core.evaluate.world import Kind, world_mean_map, world_samples
from jasmine_core.model.checkpoint import read_mean_depth
from jasmine_core.model.jasmine import JasmineModel
from jasmine_core.report.page import save_page
from jasmine_core.runtime.confidence import with_parallax
from jasmine_core.runtime.predictor import DepthPredictor
from jasmine_ros.bags.damage import DamagedMessages
from jasmine_ros.bags.ground_truth import BagSamples
from jasmine_ros.commands.evaluate import EvaluateRequest
from jasmine_ros.commands.evaluation_poses import read_odometry, with_poses

WORST = 4  # images that are shown in the report beside those of the figure
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

    def facts(self) -> dict[str, object]:
        """Return what was noticed while the images were read."""
        found: dict[str, object] = {"camera_motion": self.motion}
        if self.assumption and (assumption := self.assumption()):
            found["input_values"] = assumption
        if self.damaged:
            found["damaged_messages"] = self.damaged.summary()
        return found


class Evaluator:
    """Checkpoint of a request with its baseline, loaded once for all recordings.

    Raises:
        ConfigError: the depth is up-to-scale, and the request has no alignment.
    """

    def __init__(self, request: EvaluateRequest) -> None:
        checkpoint = Checkpoint.resolve(request.checkpoint)
        self._request = request
        self._predictor = DepthPredictor.from_pretrained(
            checkpoint, request.backend, resize=request.resize
        )
        if self._predictor.backend.info.untrained:
            _log.warning("%s: %s", checkpoint, UNTRAINED)
        scale = self._predictor.scale
        if request.alignment == "none" and scale.state == "up-to-scale":
            raise ConfigError(
                f"the depth of {request.checkpoint} is up-to-scale and cannot be evaluated without "
                "alignment; use --alignment median"
            )
        self._mean_map, self._source = mean_map_of(checkpoint, request.world or "street")
        self._models = [checkpoint.fingerprint or str(checkpoint)]
        self._baseline: Predict | None = None
        if request.baseline:
            beside = Checkpoint.resolve(request.baseline)
            other = DepthPredictor.from_pretrained(beside, "torch", resize=request.resize)
            self._baseline = lambda image, focal: other(image, focal).depth
            self._models.append(beside.fingerprint or str(beside))
        steady = partial(
            SteadyClips,
            request.temporal,
            metric=scale.state != "up-to-scale",
            estimated=scale.state == "estimated",
        )
        self._steady = None if request.temporal == "off" else steady

    @property
    def identity(self) -> str:
        """Hash of the weights, the calibration and the mean map, which decide the scores."""
        parts = [*self._models, repr(self._predictor.calibration)]
        digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=16)
        digest.update(self._mean_map.tobytes())
        return digest.hexdigest()

    def evaluation(self, protocol: str) -> Evaluation:
        """Return an evaluation without images; `protocol` is that of a request without one."""
        return Evaluation(
            self._mean_map, self._request.protocol or protocol, self._request.alignment
        )

    def score(self, samples: Samples, evaluation: Evaluation) -> Reliability:
        """Add the scores of all images; return the reliability of their confidence."""
        steady = None if self._steady is None else self._steady()
        model = _Model(self._predictor, steady)
        score(
            model,
            samples.read(),
            evaluation,
            samples.count,
            self._baseline,
            (lambda: steady) if steady else None,
            model.compare,
        )
        return model.reliability

    def show(
        self, samples: Samples, evaluation: Evaluation, wanted: Mapping[int, tuple[str, FrameScore]]
    ) -> dict[str, Exhibit]:
        """Return the images of the figure by their names; `wanted` has their timestamps [ns]."""
        return show_frames(
            _Model(self._predictor),
            samples.read(),
            evaluation,
            wanted,
            self._baseline,
            self._steady,
        )

    def report(
        self,
        evaluation: Evaluation,
        reliability: Reliability,
        shown: Mapping[str, Exhibit],
        about: dict[str, object],
    ) -> str:
        """Write the report, and return its Markdown tables.

        Args:
            evaluation: scores of all images.
            reliability: reliability of the confidence.
            shown: images by their names; those of `choose` are in the figure.
            about: facts about the data.
        """
        request, info = self._request, self._predictor.backend.info
        confidence, calibrated = reliability.summary(), self._predictor.calibration is not None
        facts: dict[str, object] = {
            "checkpoint": request.checkpoint,
            "baseline_checkpoint": request.baseline,
            "description": info.model,
            "backend": info.name,
            "untrained": info.untrained,
            "mean_map": self._source,
            "temporal": request.temporal,
            "confidence": {"calibrated": calibrated, **confidence},
        }
        names = [name for name, _ in choose(evaluation, request.show)]
        exhibits = [shown[name] for name in names if name in shown]
        tables = write_report(evaluation, exhibits, facts | about, request.file)
        others = [exhibit for name, exhibit in sorted(shown.items()) if name not in names]
        title = f"Accuracy of {Path(request.checkpoint).name}"
        save_page(
            request.file.with_suffix(".html"),
            lambda: evaluation_page(
                title, evaluation, [*exhibits, *others], facts | about, confidence
            ),
        )
        return f"{tables}\n{reliability_table(confidence, calibrated)}" if confidence else tables


def evaluate_checkpoint(request: EvaluateRequest) -> str:
    """Evaluate a checkpoint, write the report, and return its Markdown tables."""
    evaluator = Evaluator(request)
    samples = samples_of(request)
    evaluation = evaluator.evaluation(samples.protocol)
    reliability = evaluator.score(samples, evaluation)
    wanted = {frame.stamp: (name, frame) for name, frame in frames_to_show(evaluation, request)}
    shown = evaluator.show(samples, evaluation, wanted)
    return evaluator.report(
        evaluation, reliability, shown, {"data": samples.name} | samples.facts()
    )


def frames_to_show(
    evaluation: Evaluation, request: EvaluateRequest
) -> list[tuple[str, FrameScore]]:
    """Return the images of the figure and the worst ones, with their names; each image once."""
    chosen = choose(evaluation, request.show)
    known = {id(frame) for _, frame in chosen}
    return [*(pair for pair in worst(evaluation, WORST) if id(pair[1]) not in known), *chosen]


class _Model:
    """Depth of a predictor in metres or units, with the reliability of its confidence."""

    def __init__(self, predictor: DepthPredictor, steady: SteadyClips | None = None) -> None:
        self.reliability = Reliability()
        self._steady = steady
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

        def resized(values: NDArray[np.float32]) -> NDArray[np.float32]:
            size = (width, height)
            return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_LINEAR), np.float32)

        confidence, valid = resized(self._confidence), aligned.valid
        parallax = None if self._steady is None else self._steady.parallax
        if parallax is not None and self._predictor.calibration is not None:
            confidence = with_parallax(confidence, resized(parallax))
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
    write_json(request.file, scores._asdict() | about)
    return describe(scores)


def mean_map_of(checkpoint: Checkpoint, kind: Kind) -> tuple[NDArray[np.float32], str]:
    """Return the mean depth map [h,w] m of a checkpoint's training set, and its source.

    A checkpoint without one gets the mean of training scenes of a rendered world.
    """
    own = read_mean_depth(checkpoint)
    if own is not None:
        return own.float().numpy(), "the checkpoint's training set"
    return world_mean_map(kind), f"training scenes of the {kind} world; the checkpoint has none"


def samples_of(request: EvaluateRequest) -> Samples:
    """Return the images of a request for rendered scenes, a test set or one recording."""
    if request.world:
        read = partial(world_samples, request.world, request.seed, request.frames, request.rate)
        name = f"world {request.world}, seed {request.seed}, {request.rate:g} Hz"
        return Samples(read, request.frames, name, "plain", "rendered")
    if request.dataset and request.root:
        depth = Path(request.ground_truth) if request.ground_truth else None
        published = PublishedSet(request.dataset, request.root, request.split, depth)
        return Samples(published, len(published), request.dataset, published.protocol)
    (bag,), ground_truth = request.bag, request.ground_truth
    assert ground_truth
    pairs = BagSamples(
        bag,
        ground_truth,
        request.image,
        request.camera_info,
        request.calibration,
        request.bits,
        request.max_image_pixels,
    )
    name = f"{bag.name} with {Path(ground_truth).name}"
    odometry = read_odometry(
        bag, request.image, request.camera_info, request.calibration, request.odometry
    )
    read_bag, motion = partial(with_flow_poses, pairs, pairs.camera), "optical flow"
    if odometry:
        read_bag, motion = partial(with_poses, pairs, odometry, pairs.camera), "odometry"
    return Samples(
        read_bag, pairs.count, name, "eigen", motion, pairs.damaged, lambda: pairs.assumption
    )
