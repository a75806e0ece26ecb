# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Rendered scenes as sequences on disk, with exact depth where others have a teacher's."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from jasmine_core.config import to_mapping
from jasmine_core.dataset.sequence import (
    CLASSES,
    DEPTH,
    DEPTH_STEPS,
    IMAGES,
    INDEX,
    MOVING,
    SKY,
    TEACHER,
    TEACHER_UNIT,
    VERSION,
    FrameRecord,
    Index,
    SampleRecord,
    image_name,
    write_index,
)
from jasmine_core.errors import ConfigError
from jasmine_core.files import atomic_folder
from jasmine_core.geometry.camera import Camera, Size
from jasmine_core.geometry.rigid import inverse, to_numbers
from jasmine_core.geometry.warp import back_project, project
from jasmine_core.loss import velocity
from jasmine_core.loss.teacher import DEPTH_MAX
from jasmine_core.outputs import expect_own, record
from jasmine_core.synthetic.config import Kind
from jasmine_core.synthetic.drive import Drive, WorldConfig, render_drive

# Metres per model unit: the middle of the network's range is the most frequent depth.
METRES_PER_UNIT = {
    "street": velocity.METRES_PER_UNIT, "road": velocity.METRES_PER_UNIT,
    "room": 6.0, "indoor": 6.0,
}  # fmt: skip
FIELD_OF_VIEW = {  # horizontal, range over seeds [deg]
    "street": (76.0, 88.0), "road": (50.0, 100.0), "room": (57.0, 85.0), "indoor": (50.0, 100.0),
}  # fmt: skip
CAR = MOVING[2]  # of everything that moves by itself; kinds are not distinguished
JPEG_QUALITY = 95


def training_world(kind: Kind, size: Size, frames: int) -> WorldConfig:
    """Return the world that checkpoints learn from: cameras differ, and not all stands still."""
    if frames < 3:
        raise ConfigError(f"a scene of {frames} frames has no image between two others; use 3")
    return WorldConfig(
        kind=kind,
        width=size[0],
        height=size[1],
        frames=frames,
        rate=8.0,
        moving_objects=True,
        fov=FIELD_OF_VIEW[kind],
        speed=(1.0, 36.0) if kind == "road" else (4.0, 14.0),
        texture_banks=16,
    )


def render_sequences(
    seeds: range,
    config: WorldConfig,
    folder: Path,
    stop: Callable[[], bool],
    device: str = "cpu",
) -> bool:
    """Render the scenes of several seeds into FOLDER/KIND_SEED; return False where stopped."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in tqdm(seeds, unit="scene", desc="render"):
        if stop():
            return False
        write_world_sequence(seed, config, folder / f"{config.kind}_{seed:06d}", device)
    return True


def write_world_sequence(seed: int, config: WorldConfig, folder: Path, device: str = "cpu") -> None:
    """Render the scene of a seed into a sequence folder; it appears whole or not at all.

    `teacher` has the exact depth in units of METRES_PER_UNIT up to DEPTH_MAX, which sky has too;
    `depth` has it in metres, DEPTH_STEPS a metre; `masks` has sky and what moves by itself.
    """
    if (folder / INDEX).is_file():
        return
    drive = _on_cpu(render_drive(seed, config, device))
    camera = Camera(config.width, config.height, drive.K.double().numpy())
    for left_by_kill in folder.parent.glob(f".{folder.name}.partial-*"):
        shutil.rmtree(left_by_kill, ignore_errors=True)
    expect_own(folder)
    with atomic_folder(folder) as work:
        for kind in (IMAGES, CLASSES, TEACHER, DEPTH):
            (work / kind).mkdir()
        for i, stamp in enumerate(drive.stamps):
            rgb = (255 * drive.images[i].permute(1, 2, 0).numpy()).round().astype(np.uint8)
            bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
            image_file = work / image_name(stamp, "jpg")
            image_file.write_bytes(_encoded(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]))
            name = image_file.with_suffix(".png").name
            (work / CLASSES / name).write_bytes(_encoded(".png", _classes(drive, i)))
            (work / TEACHER / name).write_bytes(_encoded(".png", _depth(drive, i, config)))
            (work / DEPTH / name).write_bytes(_encoded(".png", _metres(drive, i)))
        write_index(_index(seed, config, camera, drive), work)
        record(work)


def _index(seed: int, config: WorldConfig, camera: Camera, drive: Drive) -> Index:
    poses = drive.T_world_camera.double().numpy()
    samples = []
    for target in range(1, config.frames - 1):
        sources = (target - 1, target + 1)
        T = [inverse(poses[target]) @ poses[s] for s in sources]
        before, after = (_flow(drive, target, s) for s in sources)
        samples.append(
            SampleRecord(
                target,
                sources,
                (before[0], after[0]),
                (before[1], after[1]),
                (_rounded(T[0]), _rounded(T[1])),
            )
        )
    return Index(
        version=VERSION,
        source={"world": seed},
        options=to_mapping(config),
        width=config.width,
        height=config.height,
        K=camera.K.tolist(),
        metric=True,
        metres_per_unit=METRES_PER_UNIT[config.kind],
        frames=[FrameRecord(s, 0, image_name(s, "jpg")) for s in drive.stamps],
        samples=samples,
    )


def _flow(drive: Drive, target: int, source: int) -> tuple[float, float]:
    """Return how far the upper tenth of the pixels moves, and how far for its depth's sake."""
    far = 1e6  # [m] of the sky: it turns with the camera and is otherwise still
    depth = drive.depths[target : target + 1].nan_to_num(posinf=far)
    pose = drive.T_world_camera.double()
    T = (torch.linalg.inv(pose[source]) @ pose[target])[None].float()
    height, width = depth.shape[-2:]
    v, u = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    start = torch.stack([u, v]).float()

    def moved(some_depth: Tensor) -> Tensor:
        return project(back_project(some_depth, drive.K[None]), drive.K[None], T)[0][0]  # [2,H,W]

    arrived = moved(depth)
    turned = moved(torch.full_like(depth, far))

    def upper_decile(difference: Tensor) -> float:
        lengths = difference.norm(dim=0).flatten()
        return round(float(lengths.quantile(0.9)) / width, 5)

    return upper_decile(arrived - start), upper_decile(arrived - turned)


def _depth(drive: Drive, i: int, config: WorldConfig) -> NDArray[np.uint16]:
    units = (drive.depths[i, 0].numpy() / METRES_PER_UNIT[config.kind]).clip(0, DEPTH_MAX)
    return np.asarray((units * TEACHER_UNIT).round().clip(1), np.uint16)


def _metres(drive: Drive, i: int) -> NDArray[np.uint16]:
    steps = (drive.depths[i, 0].numpy() * DEPTH_STEPS).round()
    return np.asarray(np.where(steps <= np.iinfo(np.uint16).max, steps, 0), np.uint16)


def _classes(drive: Drive, i: int) -> NDArray[np.uint8]:
    sky, moving = drive.depths[i, 0].isinf(), drive.moving[i, 0]
    return np.asarray(np.where(sky, SKY, np.where(moving, CAR, 255)), np.uint8)


def _rounded(T: NDArray[np.float64]) -> list[float]:
    return [round(n, 9) for n in to_numbers(T)]


def _encoded(suffix: str, values: NDArray[Any], flags: Sequence[int] = ()) -> bytes:
    return cv2.imencode(suffix, values, list(flags))[1].tobytes()


def _on_cpu(drive: Drive) -> Drive:
    tensors: dict[str, Any] = {k: v.cpu() for k, v in vars(drive).items() if isinstance(v, Tensor)}
    return replace(drive, **tensors)
