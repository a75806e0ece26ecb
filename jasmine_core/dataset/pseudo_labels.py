# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Networks that label a sequence: Mask2Former its masks; Depth Anything or our own net its depth.

They see the prepared images, so their labels are in the right geometry already.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from jasmine_core.dataset.sequence import (
    CLASSES,
    MOVING,
    SEEN,
    SKY,
    TEACHER,
    TEACHER_UNIT,
    DatasetError,
    RgbImage,
    Sequence,
    read_image,
    read_labels,
)
from jasmine_core.errors import CheckpointError, FrameError
from jasmine_core.files import atomic_file
from jasmine_core.geometry.camera import Size, network_size, stretch
from jasmine_core.geometry.disparity import NEAREST, depth_from_disparity
from jasmine_core.model.checkpoint import read_json
from jasmine_core.model.convert import resolve_hub_id
from jasmine_core.model.disparity_net import DisparityNet

Map = NDArray[np.float32]
Seen = NDArray[np.bool_]
Network = Callable[[RgbImage, Seen], NDArray[Any]]  # labels [H,W] of an image [H,W,3]

MARK = "labeller.json"  # in a folder of labels: which network made them
METRES_PER_UNIT = 30.0  # of a metric teacher: what lies 3 to 90 m away is in the student's range
OWN = "disparity net"  # whose config.json names no model_type
FARTHEST = 3.0  # [units] where a relative teacher's depth ends, as the student's range does
PERCENTILES = (2, 98)

_HUB_IDS = {
    CLASSES: ("mask2former", "facebook/mask2former-swin-large-cityscapes-semantic"),
    TEACHER: ("depth-anything", "depth-anything/Depth-Anything-V2-Small-hf"),
}
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))  # mean and deviation of RGB
_CITYSCAPES = (1024, 512)  # [px] half of Cityscapes' own size, the middle of the training's scales


class Labelled(NamedTuple):
    """Say what became of a sequence's images."""

    labels: int  # that are there now
    refused: list[str]  # a line for each that could not be labelled
    finished: bool


class Labeller:
    """A network in a folder; its weights are read when the first image needs them."""

    def __init__(self, kind: str, folder: Path) -> None:
        config = read_json(folder / "config.json")
        self.kind, self.folder = kind, folder
        self._type = config.get("model_type", OWN if "encoder" in config else "")
        able = {name: make for name, (labels, make) in _NETWORKS.items() if labels == kind}
        if self._type not in able:
            raise CheckpointError(
                f"{folder} holds a network of type {self._type!r}; for {kind} it can be "
                f"{' or '.join(map(repr, able))}"
            )
        self._make = able[self._type]
        if self._type != OWN and find_spec("transformers") is None:
            raise CheckpointError(
                f"the network in {folder} needs transformers; pip install 'jasmine_ros[convert]'"
            )

    @cached_property
    def mark(self) -> str:
        """Return what tells this network's labels from those of any other."""
        digest = hashlib.sha256()
        for file in (self.folder / "config.json", *sorted(self.folder.glob("*.safetensors"))):
            with file.open("rb") as stream:
                while block := stream.read(1 << 20):
                    digest.update(block)
        return json.dumps({"network": self._type, "sha256": digest.hexdigest()}) + "\n"

    @cached_property
    def network(self) -> Network:
        """Return the network as a function from an image to its labels, on the GPU if any."""
        return self._make(self.folder, torch.device("cuda" if torch.cuda.is_available() else "cpu"))


def find_labeller(name: str, kind: str, allow_download: bool = False) -> Labeller:
    """Return the network that a user named: NETWORK, NETWORK:ID_OR_DIR or a folder.

    `kind` is CLASSES or TEACHER.
    """
    network, default = _HUB_IDS[kind]
    if Path(name).is_dir():
        return Labeller(kind, Path(name))
    first, _, place = name.partition(":")
    if first != network:
        raise CheckpointError(
            f"{name} is not a folder; {kind} come from a folder, or from {network}[:ID_OR_DIR]"
        )
    return Labeller(kind, resolve_hub_id(place or default, allow_download))


def label(
    sequence: Sequence, labeller: Labeller, stop: Callable[[], bool] = lambda: False
) -> Labelled:
    """Store a network's labels beside a sequence's images.

    They appear together, in place of what was there. `stop` is asked before each image; what is
    done by then is kept aside, and the next call goes on from there. An image that cannot be
    labelled stays without.
    """
    target = folder = sequence.folder / labeller.kind
    if not _made_by(labeller, target):
        folder = sequence.folder / f".{labeller.kind}.unfinished"
        if not _made_by(labeller, folder):
            shutil.rmtree(folder, ignore_errors=True)
    seen = np.ones(sequence.camera.size[::-1], np.bool_)
    if (path := sequence.folder / SEEN).is_file():
        seen = np.asarray(read_labels(path) > 0, np.bool_)
    files = {f.image: folder / f"{Path(f.image).stem}.png" for f in sequence.index.frames}
    labels, refused = 0, list[str]()
    try:
        for left_by_kill in folder.glob(".*.partial-*"):
            left_by_kill.unlink()
        with atomic_file(folder / MARK) as temporary:
            temporary.write_text(labeller.mark)
        title = f"{sequence.folder.name} {labeller.kind}"
        for image, file in tqdm(files.items(), unit="frame", desc=title, leave=False):
            if stop():
                return Labelled(labels, refused, finished=False)
            if not file.is_file():
                network = labeller.network  # no image is to blame for what is wrong with it
                try:
                    values = network(read_image(sequence.folder / image), seen)
                except (DatasetError, FrameError) as err:
                    refused.append(f"{image}: {err}")
                    continue
                with atomic_file(file) as temporary:
                    temporary.write_bytes(cv2.imencode(".png", values)[1].tobytes())
            labels += 1
        if not labels:
            raise DatasetError(f"no image of {sequence.folder} can be labelled: {refused[0]}")
        if folder != target:
            shutil.rmtree(target, ignore_errors=True)
            folder.replace(target)
    except OSError as err:
        raise DatasetError(f"{folder} cannot be written: {err.strerror}") from err
    return Labelled(labels, refused, finished=True)


class Mask2Former:
    """Label with Cityscapes' training classes: each pixel its likeliest one.

    argmax_c sum_q softmax(class logits)[q,c] sigmoid(mask logits)[q], without "no object"
    """

    def __init__(self, folder: Path, device: torch.device) -> None:
        from transformers import Mask2FormerModel, Mask2FormerPreTrainedModel

        # Mask2FormerForUniversalSegmentation, less its training loss, which would want SciPy.
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
                f"{folder} does not number its classes as Cityscapes' training does; give a "
                "Mask2Former that was trained there"
            )

    @torch.inference_mode()
    def __call__(self, image: RgbImage, seen: Seen) -> NDArray[np.uint8]:
        """Return the classes [H,W] of an image."""
        size = network_size(_size(image), _CITYSCAPES, 32)
        tensor = _imagenet(_tensor(image, size, self._network.device))
        out = self._network.model(pixel_values=tensor, output_hidden_states=True)
        queries = out.transformer_decoder_intermediate_states[-1].transpose(0, 1)  # [1,Q,C]
        classes = self._network.class_predictor(queries).softmax(-1)[0, :, :-1]  # [Q,19]
        masks = out.masks_queries_logits[-1][0].sigmoid()  # [Q,H/4,W/4]
        scores = torch.einsum("qc,qhw->chw", classes, masks)
        return np.asarray(_resized(scores, image).argmax(0), np.uint8)


class DepthAnything:
    """Label with Depth Anything's depth in units.

    A metric network tells Z [m] and a unit is 30 m. A relative one tells a / Z + b with a and b
    unknown: its 2nd to 98th percentile become disparity 0 to 1 and D = 1 / (0.01 + 9.99 d), in
    0.1..3. That guesses b: near things come out in the right order, not in the right proportions.
    """

    def __init__(self, folder: Path, device: torch.device) -> None:
        from transformers import DepthAnythingForDepthEstimation

        self._network = _load(DepthAnythingForDepthEstimation, folder, device)
        config = self._network.config
        self._metric = getattr(config, "depth_estimation_type", "relative") == "metric"
        self._side = int(getattr(config.backbone_config, "image_size", 518))
        self._patch = int(config.patch_size)

    @torch.inference_mode()
    def __call__(self, image: RgbImage, seen: Seen) -> NDArray[np.uint16]:
        """Return the depth [H,W] of an image in a teacher's steps, 0 where nothing was seen."""
        size = network_size(_size(image), (self._side, self._side), self._patch)
        tensor = _imagenet(_tensor(image, size, self._network.device))
        values = _resized(self._network(pixel_values=tensor).predicted_depth, image)[0]
        return _steps(values / METRES_PER_UNIT if self._metric else _guess(values, seen), seen)


class DisparityLabeller:
    """Label with the depth of our own disparity net, in its units."""

    def __init__(self, folder: Path, device: torch.device) -> None:
        self._network, self._device = DisparityNet.from_pretrained(folder).to(device), device

    @torch.inference_mode()
    def __call__(self, image: RgbImage, seen: Seen) -> NDArray[np.uint16]:
        """Return the depth [H,W] of an image in a teacher's steps, 0 where nothing was seen."""
        config = self._network.config
        width, height = network_size(_size(image), (config.width, config.height), 32)
        tensor = _tensor(image, (max(width, 64), max(height, 64)), self._device)
        disparity = _resized(self._network(tensor)[0], image)[0]
        return _steps(_depth(disparity), seen)


_NETWORKS: dict[str, tuple[str, Callable[[Path, torch.device], Network]]] = {
    "mask2former": (CLASSES, Mask2Former),
    "depth_anything": (TEACHER, DepthAnything),
    OWN: (TEACHER, DisparityLabeller),
}


def _load(make: Any, folder: Path, device: torch.device) -> Any:
    """Read a network of transformers: from this folder alone, and nothing but safetensors."""
    try:
        network, found = make.from_pretrained(
            folder.resolve(), local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    except Exception as err:  # a config is not checked as such: anything may break under it
        reason = (str(err) or type(err).__name__).partition("\n")[0]
        raise CheckpointError(f"{folder} cannot be loaded: {reason}; fetch it again") from err
    if found["missing_keys"]:  # transformers would draw them at random
        raise CheckpointError(f"{folder} lacks {min(found['missing_keys'])}; fetch it again")
    return network.float().eval().to(device)


def _made_by(labeller: Labeller, folder: Path) -> bool:
    return (folder / MARK).is_file() and (folder / MARK).read_text() == labeller.mark


def _size(image: RgbImage) -> Size:
    return image.shape[1], image.shape[0]


def _tensor(image: RgbImage, size: Size, device: torch.device) -> Tensor:
    """Return an image as [1,3,H,W] in [0,1] of another size."""
    resized = stretch(_size(image), size).image(image)
    return torch.from_numpy(resized).to(device).permute(2, 0, 1)[None].float() / 255


def _imagenet(image: Tensor) -> Tensor:
    mean, deviation = image.new_tensor(_IMAGENET)[..., None, None]  # [3,1,1] each
    return image.sub(mean).div(deviation)


def _resized(maps: Tensor, image: RgbImage) -> Map:
    """Bring maps [C,h,w] to the size of an image; FrameError if any value is not a number."""
    if not maps.isfinite().all():
        raise FrameError("the network's output is not a number")
    transform = stretch((maps.shape[2], maps.shape[1]), _size(image))
    return np.stack([transform.map(values) for values in maps.float().cpu().numpy()])


def _guess(inverse_depth: Map, seen: Seen) -> Map:
    """Return depth [units] of an inverse depth whose scale and shift are unknown."""
    low, high = np.percentile(inverse_depth[seen], PERCENTILES)
    if not high > low:
        raise FrameError("the network sees no depth in it")
    disparity = ((inverse_depth - low) / (high - low)).clip(0, 1).astype(np.float32)
    return _depth(disparity).clip(NEAREST, FARTHEST)


def _depth(disparity: Map) -> Map:
    return np.asarray(depth_from_disparity(torch.from_numpy(disparity)).numpy(), np.float32)


def _steps(depth: Map, seen: Seen) -> NDArray[np.uint16]:
    steps = np.rint(depth * TEACHER_UNIT).clip(1, np.iinfo(np.uint16).max)  # 0 means unknown
    return np.where(seen, steps, 0).astype(np.uint16)
