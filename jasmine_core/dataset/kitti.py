# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""KITTI raw in its original layout, with the interface of prepared sequences.

    KITTI raw       ROOT/DATE/DATE_drive_NNNN_sync/{image_02,image_03,oxts,velodyne_points}/data,
                    ROOT/DATE/calib_*.txt; a split file has lines such as `DATE/DRIVE 12 l`

Images keep their size; `Sample.read` resizes them with their intrinsics. `docs/dataset.md` names
the sources of split files.
"""

from __future__ import annotations

from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path, PurePath
from typing import NamedTuple

import numpy as np

from jasmine_core.dataset.published import Depth, read_lines
from jasmine_core.dataset.samples import Neighbour, Sample
from jasmine_core.dataset.sequence import DatasetError
from jasmine_core.geometry.camera import Camera
from jasmine_core.geometry.rigid import Array, inverse, rigid

_CAMERAS = {"l": "02", "r": "03"}
_EARTH = 6378137.0  # [m] radius


class KittiFrame(NamedTuple):
    """One line of a split file."""

    drive: str  # DATE/DATE_drive_NNNN_sync
    number: int
    side: str  # l or r


class KittiRaw:
    """KITTI raw images of a split file, each with the images before and after it.

    Args:
        root: folder of the recording days.
        split: file with lines such as `DATE/DRIVE 12 l`.
        paper_intrinsics: use fx = 0.58 W, fy = 1.92 H and the image centre for all recording days,
            as the papers do.
        neighbours: read the images before and after; test images at the end of a drive lack them.
    """

    def __init__(
        self,
        root: Path,
        split: Path,
        paper_intrinsics: bool = False,
        neighbours: bool = True,
    ) -> None:
        self.root = root
        self.frames = [_kitti_frame(split, line) for line in read_lines(split)]
        self._paper_intrinsics = paper_intrinsics
        self._offsets = (-1, 1) if neighbours else ()

    def __len__(self) -> int:
        return len(self.frames)

    def sample(self, i: int) -> Sample:
        """Return sample i of the split; its motion is metric if the drive has OXTS data."""
        frame = self.frames[i]
        drive, side = self.root / frame.drive, _CAMERAS[frame.side]
        stamps = _stamps(drive / f"image_{side}" / "timestamps.txt")
        calibration = _calibration(drive.parent)
        camera = calibration.camera(side)
        if self._paper_intrinsics:
            w, h = camera.size
            K = np.array([[0.58 * w, 0, 0.5 * w], [0, 1.92 * h, 0.5 * h], [0, 0, 1]])
            camera = Camera(w, h, K)
        here = _oxts_pose(drive, frame.number)
        sources = []
        for offset in self._offsets:
            number = frame.number + offset
            there = _oxts_pose(drive, number)
            T = None
            if here is not None and there is not None:
                T_camera_imu = calibration.camera_from_imu(side)
                T = T_camera_imu @ inverse(here) @ there @ inverse(T_camera_imu)
            image = _kitti_image(drive, side, number)
            sources.append(Neighbour(image, _stamp(stamps, number), T))
        return Sample(
            image=_kitti_image(drive, side, frame.number),
            stamp=_stamp(stamps, frame.number),
            camera=camera,
            sources=tuple(sources),
        )

    def ground_truth(self, i: int) -> Depth:
        """Return the laser scan of sample i as a depth map [H,W] m, 0 where unknown.

        As in the published evaluation, depth is the forward coordinate of the scanner, pixel
        coordinates begin at 1, and the nearest of several points is used.
        """
        frame = self.frames[i]
        drive, side = self.root / frame.drive, _CAMERAS[frame.side]
        path = drive / "velodyne_points" / "data" / f"{frame.number:010d}.bin"
        try:
            points = np.fromfile(path, np.float32).reshape(-1, 4)[:, :3].astype(np.float64)
        except (OSError, ValueError) as err:
            raise DatasetError(
                f"{path} cannot be read as a laser scan: {err}; download it again"
            ) from err
        points = points[points[:, 0] >= 0]
        calibration = _calibration(drive.parent)
        width, height = calibration.camera(side).size
        homogeneous = np.column_stack([points, np.ones(len(points))])
        pixels = homogeneous @ calibration.pixels_from_velodyne(side).T
        in_front = pixels[:, 2] > 0
        flat = pixels[in_front, :2] / pixels[in_front, 2:]
        u, v = (np.rint(flat) - 1).astype(int).T
        inside = (u >= 0) & (v >= 0) & (u < width) & (v < height)
        depth = np.full((height, width), np.inf, np.float32)
        np.minimum.at(depth, (v[inside], u[inside]), points[in_front, 0][inside].astype(np.float32))
        return np.where(np.isfinite(depth), depth, np.float32(0))


class _Calibration:
    """Calibration of one KITTI recording day."""

    def __init__(self, folder: Path) -> None:
        self._cameras = _numbers(folder / "calib_cam_to_cam.txt")
        self._folder = folder

    def camera(self, side: str) -> Camera:
        """Return the rectified camera 02 or 03."""
        width, height = (int(n) for n in self._entry(f"S_rect_{side}", 2))
        return Camera(width, height, self._projection(side)[:, :3])

    def camera_from_imu(self, side: str) -> Array:
        """Return T_camera_imu [4,4] of a rectified camera."""
        return self._camera_from_velodyne(side) @ _rigid_file(
            self._folder / "calib_imu_to_velo.txt"
        )

    def pixels_from_velodyne(self, side: str) -> Array:
        """Return the projection [3,4] of laser points to homogeneous pixels."""
        pixels: Array = self.camera(side).K @ self._camera_from_velodyne(side)[:3]
        return pixels

    def _camera_from_velodyne(self, side: str) -> Array:
        P = self._projection(side)
        T_camera_first = rigid(np.eye(3), np.linalg.inv(P[:, :3]) @ P[:, 3])
        T_first_raw = rigid(self._entry("R_rect_00", 9).reshape(3, 3), np.zeros(3))
        T_raw_velodyne = _rigid_file(self._folder / "calib_velo_to_cam.txt")
        T: Array = T_camera_first @ T_first_raw @ T_raw_velodyne
        return T

    def _projection(self, side: str) -> Array:
        return self._entry(f"P_rect_{side}", 12).reshape(3, 4)

    def _entry(self, name: str, count: int) -> Array:
        values = self._cameras.get(name)
        if values is None or len(values) != count:
            raise DatasetError(
                f"{self._folder / 'calib_cam_to_cam.txt'} has no {name}; download it again"
            )
        return values


@lru_cache(maxsize=16)
def _calibration(folder: Path) -> _Calibration:
    return _Calibration(folder)


def _rigid_file(path: Path) -> Array:
    values = _numbers(path)
    if not {"R", "T"} <= values.keys():
        raise DatasetError(f"{path} has no R and T; download it again")
    return rigid(values["R"].reshape(3, 3), values["T"])


@lru_cache(maxsize=64)
def _numbers(path: Path) -> dict[str, Array]:
    """Read lines such as `name: 1 2 3`; other lines are skipped."""
    values: dict[str, Array] = {}
    for line in read_lines(path):
        name, _, rest = line.partition(":")
        try:
            values[name.strip()] = np.array([float(n) for n in rest.split()])
        except ValueError:  # calib_time is a date.
            continue
    return values


def _oxts_pose(drive: Path, number: int) -> Array | None:
    """Return T_world_imu [4,4] from latitude, longitude, altitude and angles, None without OXTS."""
    path = drive / "oxts" / "data" / f"{number:010d}.txt"
    if not path.is_file():
        return None
    try:
        values = [float(n) for n in path.read_text().split()]
        latitude, longitude, altitude, roll, pitch, yaw = values[:6]
    except (OSError, ValueError) as err:
        raise DatasetError(
            f"{path} cannot be read as an OXTS record: {err}; download it again"
        ) from err
    scale = np.cos(np.radians(latitude))  # Mercator projection
    x = scale * _EARTH * np.radians(longitude)
    y = scale * _EARTH * np.log(np.tan(np.radians(90 + latitude) / 2))
    (cr, cp, cy), (sr, sp, sy) = np.cos([roll, pitch, yaw]), np.sin([roll, pitch, yaw])
    about_x = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    about_y = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    about_z = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    return rigid(about_z @ about_y @ about_x, [x, y, altitude])


@lru_cache(maxsize=256)
def _stamps(path: Path) -> tuple[int, ...]:
    """Return the timestamps [ns] of a file; empty if the file does not exist."""
    if not path.is_file():
        return ()
    stamps = []
    for line in read_lines(path):
        whole, _, fraction = line.partition(".")
        moment = datetime.strptime(whole, "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc)
        stamps.append(int(moment.timestamp()) * 10**9 + int(fraction.ljust(9, "0")[:9] or 0))
    return tuple(stamps)


def _stamp(stamps: tuple[int, ...], number: int) -> int:
    return stamps[number] if 0 <= number < len(stamps) else number


def _kitti_frame(split: Path, line: str) -> KittiFrame:
    parts = line.split()
    if len(parts) != 3 or not parts[1].isdigit() or parts[2] not in _CAMERAS:
        raise DatasetError(f"{split}: {line!r} is not `DATE/DRIVE NUMBER l|r`")
    if PurePath(parts[0]).is_absolute() or ".." in PurePath(parts[0]).parts or "\0" in line:
        raise DatasetError(
            f"{split}: {line!r} leads out of the folder of the data set; write DATE/DRIVE relative "
            "to it"
        )
    return KittiFrame(parts[0], int(parts[1]), parts[2])


def _kitti_image(drive: Path, side: str, number: int) -> Path:
    folder = drive / f"image_{side}" / "data"
    for suffix in ("png", "jpg"):
        path = folder / f"{number:010d}.{suffix}"
        if path.is_file():
            return path
    raise DatasetError(f"{folder} has no image {number:010d}.png or .jpg; download the drive")
