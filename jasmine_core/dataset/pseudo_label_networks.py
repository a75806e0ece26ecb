# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Networks that make pseudo-labels: Mask2Former, Depth Anything and the disparity net.

Each is loaded from a folder and called with an image [H,W,3], the mask [H,W] of its scene and the
focal length of its camera.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from jasmine_core.dataset.sequence import MOVING, SKY, TEACHER_UNIT, RgbImage
from jasmine_core.errors import CheckpointError, FrameError
from jasmine_core.geometry.camera import Size, network_size, stretch
from jasmine_core.geometry.disparity import NEAREST, depth_from_disparity
from jasmine_core.model.disparity_net import DisparityNet

Map = NDArray[np.float32]
Seen = NDArray[np.bool_]
# Labels [H,W] of an image [H,W,3], of the mask of its scene and f_x of its camera [px].
Network = Callable[[RgbImage, Seen, float], NDArray[Any]]

METRES_PER_UNIT = 30.0  # of a metric teacher: 3 to 90 m are in the range of the student
FARTHEST = 3.0  # [units] largest depth of a relative teacher, the end of the student's range
PERCENTILES = (2, 98)
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))  # mean and standard deviation of RGB
_CITYSCAPES = (1024, 512)  # [px] half of Cityscapes' images, the middle of its training scales


class Mask2FormerNetwork:
    """Segmentation into Cityscapes' training classes by Mask2Former.

    class = argmax_c sum_q softmax(class logits)[q,c] sigmoid(mask logits)[q], without "no object"
    """

    def __init__(self, folder: Path, device: torch.device) -> None:
        from transformers import Mask2FormerModel, Mask2FormerPreTrainedModel

        # Mask2FormerForUniversalSegmentation without its training loss, which needs SciPy.
        class Segmenter(Mask2FormerPreTrainedModel):  # type: ignore[misc]
            _keys_to_ignore_on_load_unexpected = (r"criterion\.",)

            def __init__(self, config: Any) -> None:
                super().__init__(config)
                self.model = Mask2FormerModel(config)
                self.class_predictor = nn.Linear(config.hidden_dim, config.num_labels + 1)
                self.post_init()

        self._network = _load(Segmenter, folder, device)
        names = self._network.config.id2label
        if len(names) != MOVING[-1] + 1 or (names[SKY], names[MOVING[2]]) != ("sky", "car"):
            raise CheckpointError(
                f"{folder} does not have Cityscapes' 19 training classes; give a Mask2Former "
                "that was trained on Cityscapes"
            )

    @torch.inference_mode()
    def __call__(self, image: RgbImage, seen: Seen, focal: float) -> NDArray[np.uint8]:
        """Return the classes [H,W] of an image [H,W,3]."""
        size = network_size(_size(image), _CITYSCAPES, 32)
        tensor = _imagenet(_tensor(image, size, self._network.device))
        out = self._network.model(pixel_values=tensor, output_hidden_states=True)
        queries = out.transformer_decoder_intermediate_states[-1].transpose(0, 1)  # [1,Q,C]
        classes = self._network.class_predictor(queries).softmax(-1)[0, :, :-1]  # [Q,19]
        masks = out.masks_queries_logits[-1][0].sigmoid()  # [Q,H/4,W/4]
        scores = torch.einsum("qc,qhw->chw", classes, masks)
        return np.asarray(_resized(scores, image).argmax(0), np.uint8)


class DepthAnythingNetwork:
    """Depth in units by Depth Anything.

    A metric network predicts Z [m]; a unit is 30 m. A relative network predicts a / Z + b with
    unknown a and b: its 2nd to 98th percentile is mapped to disparity d = 0 to 1, and the depth is
    D = 1 / (0.01 + 9.99 d) in 0.1..3. Because b is unknown, the order of depths is right but their
    ratios are not.
    """

    def __init__(self, folder: Path, device: torch.device) -> None:
        from transformers import DepthAnythingForDepthEstimation

        self._network = _load(DepthAnythingForDepthEstimation, folder, device)
        config = self._network.config
        self._metric = getattr(config, "depth_estimation_type", "relative") == "metric"
        self._side = int(getattr(config.backbone_config, "image_size", 518))
        self._patch = int(config.patch_size)

    @torch.inference_mode()
    def __call__(self, image: RgbImage, seen: Seen, focal: float) -> NDArray[np.uint16]:
        """Return the depth [H,W] of an image in steps of 1 / TEACHER_UNIT, 0 outside the scene."""
        size = network_size(_size(image), (self._side, self._side), self._patch)
        tensor = _imagenet(_tensor(image, size, self._network.device))
        values = _resized(self._network(pixel_values=tensor).predicted_depth, image)[0]
        return _steps(values / METRES_PER_UNIT if self._metric else guess_depth(values, seen), seen)


class DisparityNetwork:
    """Depth in units by a disparity net of this project."""

    def __init__(self, folder: Path, device: torch.device) -> None:
        self._network, self._device = DisparityNet.from_pretrained(folder).to(device), device

    @torch.inference_mode()
    def __call__(self, image: RgbImage, seen: Seen, focal: float) -> NDArray[np.uint16]:
        """Return the depth [H,W] of an image in steps of 1 / TEACHER_UNIT, 0 outside the scene."""
        config = self._network.config
        width, height = network_size(_size(image), (config.width, config.height), 32)
        tensor = _tensor(image, (max(width, 64), max(height, 64)), self._device)
        depth = _depth(_resized(self._network(tensor)[0], image)[0])
        if config.canonical_focal is not None:  # from one focal length to that of the camera
            scale = tensor.shape[-1] / image.shape[1]
            depth *= np.float32(focal * scale / config.canonical_focal)
        return _steps(depth, seen)


def _load(make: Any, folder: Path, device: torch.device) -> Any:
    """Load a network of transformers from a local folder, with safetensors weights only."""
    try:
        network, found = make.from_pretrained(
            folder.resolve(), local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    except Exception as err:  # transformers does not validate a config: any error may follow
        reason = (str(err) or type(err).__name__).partition("\n")[0]
        raise CheckpointError(f"{folder} cannot be loaded: {reason}; download it again") from err
    if found["missing_keys"]:  # transformers would initialize them at random.
        raise CheckpointError(f"{folder} lacks {min(found['missing_keys'])}; download it again")
    return network.float().eval().to(device)


def _size(image: RgbImage) -> Size:
    return image.shape[1], image.shape[0]


def _tensor(image: RgbImage, size: Size, device: torch.device) -> Tensor:
    """Return an image as a tensor [1,3,H,W] in [0,1], resized by stretching."""
    resized = stretch(_size(image), size).image(image)
    return torch.from_numpy(resized).to(device).permute(2, 0, 1)[None].float() / 255


def _imagenet(image: Tensor) -> Tensor:
    mean, deviation = image.new_tensor(_IMAGENET)[..., None, None]  # [3,1,1] each
    return image.sub(mean).div(deviation)


def _resized(maps: Tensor, image: RgbImage) -> Map:
    """Resize maps [C,h,w] to the size of an image; FrameError if any value is not finite."""
    if not maps.isfinite().all():
        raise FrameError("the output of the network is not finite")
    transform = stretch((maps.shape[2], maps.shape[1]), _size(image))
    return np.stack([transform.map(values) for values in maps.float().cpu().numpy()])


def guess_depth(inverse_depth: Map, seen: Seen) -> Map:
    """Return depth [H,W] in units of an inverse depth with unknown scale and shift."""
    low, high = np.percentile(inverse_depth[seen], PERCENTILES)
    if not high > low:
        raise FrameError("the network predicts the same depth everywhere")
    disparity = ((inverse_depth - low) / (high - low)).clip(0, 1).astype(np.float32)
    return _depth(disparity).clip(NEAREST, FARTHEST)


def _depth(disparity: Map) -> Map:
    return np.asarray(depth_from_disparity(torch.from_numpy(disparity)).numpy(), np.float32)


def _steps(depth: Map, seen: Seen) -> NDArray[np.uint16]:
    steps = np.rint(depth * TEACHER_UNIT).clip(1, np.iinfo(np.uint16).max)  # 0 is unknown
    return np.where(seen, steps, 0).astype(np.uint16)
