# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pseudo-labels of a sequence: masks by Mask2Former, depth by Depth Anything or a disparity net.

The networks run on the prepared images, so the labels have the geometry of the sequence.
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
from tqdm import tqdm

from jasmine_core.dataset.pseudo_label_networks import (
    DepthAnythingNetwork,
    DisparityNetwork,
    Mask2FormerNetwork,
    Network,
)
from jasmine_core.dataset.sequence import (
    CLASSES,
    PSEUDO_LABELS,
    SEEN,
    TEACHER,
    DatasetError,
    read_image,
    read_labels,
)
from jasmine_core.dataset.sequences import Sequence
from jasmine_core.errors import CheckpointError, FrameError
from jasmine_core.files import atomic_file, replace_folder
from jasmine_core.model.checkpoint import read_json
from jasmine_core.model.convert import resolve_hub_id
from jasmine_core.outputs import expect_own, record

OWN = "disparity net"  # its config.json has no model_type

_HUB_IDS = {
    CLASSES: ("mask2former", "facebook/mask2former-swin-large-cityscapes-semantic"),
    TEACHER: ("depth-anything", "depth-anything/Depth-Anything-V2-Small-hf"),
}
_NETWORKS: dict[str, tuple[str, Callable[[Path, torch.device], Network]]] = {
    "mask2former": (CLASSES, Mask2FormerNetwork),
    "depth_anything": (TEACHER, DepthAnythingNetwork),
    OWN: (TEACHER, DisparityNetwork),
}


class PseudoLabels(NamedTuple):
    """Result of pseudo-labelling a sequence."""

    labels: int  # images that have a label
    refused: list[str]  # one line for each image that could not be labelled
    finished: bool


class PseudoLabeller:
    """Pseudo-labelling network in a folder; its weights are loaded for the first image.

    Args:
        kind: CLASSES or TEACHER.
        folder: folder with config.json and safetensors weights.

    Raises:
        CheckpointError: the network cannot make labels of this kind.
    """

    def __init__(self, kind: str, folder: Path) -> None:
        config = read_json(folder / "config.json")
        self.kind, self.folder = kind, folder
        relative = config.get("depth_estimation_type", "relative") != "metric"
        self._type = config.get("model_type", OWN if "encoder" in config else "")
        suitable = {name: make for name, (labels, make) in _NETWORKS.items() if labels == kind}
        if self._type not in suitable:
            raise CheckpointError(
                f"{folder} has a network of type {self._type!r}; the type for {kind} must be "
                f"{' or '.join(map(repr, suitable))}"
            )
        self._make = suitable[self._type]
        self._relative = self._type == "depth_anything" and relative
        if self._type != OWN and find_spec("transformers") is None:
            raise CheckpointError(
                f"the network in {folder} needs transformers; pip install 'jasmine_ros[convert]'"
            )

    @cached_property
    def mark(self) -> str:
        """Return the type and hash of the network as one line of JSON."""
        digest = hashlib.sha256()
        for file in (self.folder / "config.json", *sorted(self.folder.glob("*.safetensors"))):
            with file.open("rb") as stream:
                while block := stream.read(1 << 20):
                    digest.update(block)
        about: dict[str, Any] = {"network": self._type, "sha256": digest.hexdigest()}
        return json.dumps(about | ({"relative": True} if self._relative else {})) + "\n"

    @cached_property
    def network(self) -> Network:
        """Return a function from an image to its labels; it runs on the GPU if there is one."""
        return self._make(self.folder, torch.device("cuda" if torch.cuda.is_available() else "cpu"))


def find_pseudo_labeller(name: str, kind: str, allow_download: bool = False) -> PseudoLabeller:
    """Return the pseudo-labeller of a name.

    Args:
        name: NETWORK, NETWORK:ID_OR_DIR or a folder.
        kind: CLASSES or TEACHER.
        allow_download: allow a download from the hub.
    """
    network, default = _HUB_IDS[kind]
    if Path(name).is_dir():
        return PseudoLabeller(kind, Path(name))
    first, _, place = name.partition(":")
    if first != network:
        raise CheckpointError(
            f"{name} is not a folder; for {kind} give a folder or {network}[:ID_OR_DIR]"
        )
    return PseudoLabeller(kind, resolve_hub_id(place or default, allow_download))


def add_pseudo_labels(
    sequence: Sequence, pseudo_labeller: PseudoLabeller, stop: Callable[[], bool] = lambda: False
) -> PseudoLabels:
    """Store the pseudo-labels of all images in the folder of a sequence.

    All labels appear at once and replace earlier ones of the same kind. An image that cannot be
    labelled has no label.

    Args:
        sequence: the sequence.
        pseudo_labeller: the network.
        stop: called before each image; True ends the run, and the next call continues it.

    Raises:
        DatasetError: no image can be labelled, or the labels cannot be written.
    """
    target = folder = sequence.folder / pseudo_labeller.kind
    if not _made_by(pseudo_labeller, target):
        expect_own(target)
        folder = sequence.folder / f".{pseudo_labeller.kind}.unfinished"
        if not _made_by(pseudo_labeller, folder):
            shutil.rmtree(folder, ignore_errors=True)
    seen = np.ones(sequence.camera.size[::-1], np.bool_)
    if (path := sequence.folder / SEEN).is_file():
        seen = np.asarray(read_labels(path) > 0, np.bool_)
    focal = float(sequence.camera.K[0, 0])
    files = {f.image: folder / f"{Path(f.image).stem}.png" for f in sequence.index.frames}
    labels, refused = 0, list[str]()
    try:
        for left_by_kill in folder.glob(".*.partial-*"):
            left_by_kill.unlink()
        with atomic_file(folder / PSEUDO_LABELS) as temporary:
            temporary.write_text(pseudo_labeller.mark)
        title = f"{sequence.folder.name} {pseudo_labeller.kind}"
        for image, file in tqdm(files.items(), unit="image", desc=title, leave=False):
            if stop():
                return PseudoLabels(labels, refused, finished=False)
            if not file.is_file():
                network = pseudo_labeller.network  # its own errors are not errors of the image
                try:
                    values = network(read_image(sequence.folder / image), seen, focal)
                except (DatasetError, FrameError) as err:
                    refused.append(f"{image}: {err}")
                    continue
                with atomic_file(file) as temporary:
                    temporary.write_bytes(cv2.imencode(".png", values)[1].tobytes())
            labels += 1
        if not labels:
            raise DatasetError(f"no image of {sequence.folder} can be labelled: {refused[0]}")
        record(folder)
        if folder != target:
            expect_own(target)
            replace_folder(folder, target)
    except OSError as err:
        raise DatasetError(f"{folder} cannot be written: {err.strerror}") from err
    return PseudoLabels(labels, refused, finished=True)


def _made_by(pseudo_labeller: PseudoLabeller, folder: Path) -> bool:
    return (folder / PSEUDO_LABELS).is_file() and (
        folder / PSEUDO_LABELS
    ).read_text() == pseudo_labeller.mark
