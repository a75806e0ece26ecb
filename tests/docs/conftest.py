# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fixture with the files that the Python blocks of the documentation read."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.training_runs import HEIGHT, WIDTH, write_sequence
from numpy.typing import NDArray

from jasmine_core.synthetic.drive import Drive, WorldConfig, render_drive

DAY = "2011_09_26"
FRAMES = 4


@pytest.fixture(scope="session")
def working_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an image, a prepared sequence and three published data sets.

    All of them hold images of one rendered drive, in the layouts of their authors.
    """
    config = WorldConfig(width=WIDTH, height=HEIGHT, frames=FRAMES, supersample=1, shadows=False)
    drive = render_drive(11, config)
    folder = tmp_path_factory.mktemp("docs")
    images = [np.uint8(255 * image.permute(1, 2, 0).numpy()) for image in drive.images]
    cv2.imwrite(str(folder / "image.jpg"), images[0][..., ::-1])
    write_sequence(drive, folder / "data" / "drive1")
    _kitti(folder, drive, images)
    _driving_stereo(folder / "drivingstereo" / "foggy", images[0])
    _cityscapes(folder, images[0])
    return folder


def _save(path: Path, pixels: NDArray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels)


def _kitti(folder: Path, drive: Drive, images: list[NDArray]) -> None:
    day = folder / "kitti_raw" / DAY
    name = f"{DAY}_drive_0001_sync"
    recording = day / name
    for number, image in enumerate(images):
        _save(recording / "image_02" / "data" / f"{number:010d}.png", image[..., ::-1])
    times = [f"2011-09-26 13:02:25.{number:09d}" for number in range(FRAMES)]
    (recording / "image_02" / "timestamps.txt").write_text("\n".join(times) + "\n")
    K = " ".join(f"{a:.6f} {b:.6f} {c:.6f} 0" for a, b, c in drive.K.tolist())
    (day / "calib_cam_to_cam.txt").write_text(
        f"S_rect_02: {WIDTH} {HEIGHT}\nR_rect_00: 1 0 0 0 1 0 0 0 1\nP_rect_02: {K}\n"
    )
    # The scanner's axes are forward, left, up; the camera's are right, down, forward (REP 103).
    (day / "calib_velo_to_cam.txt").write_text("R: 0 -1 0 0 0 -1 1 0 0\nT: 0 0 0\n")
    points = np.float32([[10, 0, 0, 0], [20, 1, -1, 0]])
    (recording / "velodyne_points" / "data").mkdir(parents=True)
    points.tofile(recording / "velodyne_points" / "data" / "0000000001.bin")
    split = folder / "eigen_zhou" / "train_files.txt", folder / "eigen" / "test_files.txt"
    for file in split:
        file.parent.mkdir()
        file.write_text(f"{DAY}/{name} 1 l\n")


def _driving_stereo(folder: Path, image: NDArray) -> None:
    _save(folder / "left-image-full-size" / "a.png", image[..., ::-1])
    _save(folder / "depth-map-full-size" / "a.png", np.full(image.shape[:2], 10 * 256, np.uint16))


def _cityscapes(folder: Path, image: NDArray) -> None:
    name = "bonn_000000_000019"
    images = folder / "cityscapes" / "leftImg8bit" / "test" / "bonn"
    _save(images / f"{name}_leftImg8bit.png", image[..., ::-1])
    (folder / "gt_depths").mkdir()
    np.save(folder / "gt_depths" / "000_depth.npy", np.full(image.shape[:2], 5.0))
    (folder / "test_files.txt").write_text(f"bonn {name}\n")
