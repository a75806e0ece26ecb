# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine calibrate`: confidence of a checkpoint as a probability."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.artifacts.fingerprint import CALIBRATION_FILE
from jasmine_core.commands.options import option
from jasmine_core.errors import CheckpointError, ConfigError
from jasmine_core.files import atomic_file
from jasmine_core.runtime.confidence import to_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from jasmine_core.evaluate.calibration import CalibrationFit
    from jasmine_core.evaluate.run import Sample


@dataclass(frozen=True)
class CalibrateRequest:
    """Fit the confidence of a checkpoint on rendered scenes; writes CHECKPOINT/confidence.json.

    The confidence becomes the probability that the relative error of a pixel is below 10 %. The
    scenes are neither those of the training nor those of jasmine evaluate. Each image is
    used a second time as a failing camera shows it, so that the confidence of noise is low.
    """

    #: Folder of the checkpoint, or the name of a bundled one.
    checkpoint: Annotated[Positional[str], arg(metavar="CHECKPOINT")]
    #: Number of rendered scenes of each kind (street, room, road, indoor), with two images each.
    scenes: Annotated[int, option("N")] = 60
    #: Device that runs the network: auto, cpu, cuda or cuda:N.
    device: Annotated[str, option("DEVICE")] = "auto"

    def __post_init__(self) -> None:
        if self.scenes < 1:
            raise ConfigError(f"--scenes is {self.scenes}; it must be at least 1")


def calibrate(request: CalibrateRequest) -> int:
    """Fit the calibration and write it."""
    checkpoint = Checkpoint.resolve(request.checkpoint)
    file = checkpoint.jasmine_folder() / CALIBRATION_FILE
    fit = _collect(checkpoint, request.scenes, request.device)
    content = {
        "model": checkpoint.fingerprint,
        **to_json(fit.fit()),
        "images": fit.images,
        "scenes": request.scenes,
    }
    text = json.dumps(content, indent=2, allow_nan=False)
    try:
        with atomic_file(file) as temporary:
            temporary.write_text(f"{text}\n")
    except OSError as err:
        raise CheckpointError(f"{file} cannot be written: {err}") from err
    print(f"the confidence is calibrated on {fit.images} rendered images; see {file}")
    print("an earlier export keeps its own calibration; export again to use this one")
    return 0


def _collect(checkpoint: Checkpoint, scenes: int, device: str) -> CalibrationFit:
    import cv2
    import numpy as np
    from tqdm import tqdm

    from jasmine_core.evaluate.calibration import CalibrationFit
    from jasmine_core.evaluate.damage import FAULTS, damaged
    from jasmine_core.evaluate.world import CALIBRATION_KINDS, calibration_samples
    from jasmine_core.runtime.predictor import DepthPredictor

    predictor = DepthPredictor.from_pretrained(checkpoint, "torch", device=device)
    fit = CalibrationFit()
    rng = np.random.default_rng(0)

    def add(image: NDArray[np.uint8], sample: Sample) -> None:
        prediction = predictor(image, sample.focal)
        window = prediction.back.source_window  # without the margins of the letterbox
        rows, columns = window.slices
        size = window.width, window.height
        ground_truth = cv2.resize(sample.ground_truth, size, interpolation=cv2.INTER_NEAREST)
        depths, shown = prediction.maps.depths[:, rows, columns], prediction.shown[rows, columns]
        fit.add(depths, shown, np.asarray(ground_truth, np.float32))

    total = 2 * scenes * len(CALIBRATION_KINDS)
    samples = tqdm(calibration_samples(scenes), total=total, unit="image", desc="calibrate")
    for sample in samples:
        add(sample.image, sample)
        add(damaged(sample.image, FAULTS[rng.integers(len(FAULTS))], rng), sample)
    return fit
