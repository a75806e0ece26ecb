# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import cv2
import numpy as np
import pytest

from jasmine_core.dataset.kitti import KittiRaw
from jasmine_core.dataset.published import Cityscapes, DrivingStereo
from jasmine_core.dataset.sequence import DatasetError

DAY, DRIVE = "2011_09_26", "2011_09_26/2011_09_26_drive_0001_sync"
FX, BASELINE = 100.0, 0.5
# Camera 3 sits to the right of camera 2, the laser 0.3 m behind camera 2 and with a car's axes, the
# inertial unit 1 m behind the laser.
CALIBRATION = f"""calib_time: 09-Jan-2012 13:57:47
S_rect_02: 1.200000e+02 4.000000e+01
S_rect_03: 1.200000e+02 4.000000e+01
R_rect_00: 1 0 0 0 1 0 0 0 1
P_rect_02: {FX} 0 60 0 0 {FX} 20 0 0 0 1 0
P_rect_03: {FX} 0 60 {-FX * BASELINE} 0 {FX} 20 0 0 0 1 0
"""
VELODYNE = "calib_time: x\nR: 0 -1 0 0 0 -1 1 0 0\nT: 0 0 -0.3\n"
IMU = "calib_time: x\nR: 1 0 0 0 1 0 0 0 1\nT: -1 0 0\n"
EAST_METRE = float(
    np.degrees(1 / 6378137.0) / np.cos(np.radians(49.0))
)  # of longitude at 49 degrees


@pytest.fixture
def root(tmp_path):
    day, drive = tmp_path / DAY, tmp_path / DRIVE
    for side in ("02", "03"):
        (drive / f"image_{side}" / "data").mkdir(parents=True)
        times = [f"2011-09-26 13:02:25.{594360375 + i * 1000:09d}" for i in range(4)]
        (drive / f"image_{side}" / "timestamps.txt").write_text("\n".join(times) + "\n")
    (drive / "oxts" / "data").mkdir(parents=True)
    (drive / "velodyne_points" / "data").mkdir(parents=True)
    (day / "calib_cam_to_cam.txt").write_text(CALIBRATION)
    (day / "calib_velo_to_cam.txt").write_text(VELODYNE)
    (day / "calib_imu_to_velo.txt").write_text(IMU)
    for i in range(4):
        for side, value in (("02", 50), ("03", 80)):
            image = np.full((40, 120, 3), value + i, np.uint8)
            cv2.imwrite(str(drive / f"image_{side}" / "data" / f"{i:010d}.png"), image)
        # Heading east (yaw 0), 2 m an image.
        values = [49.0, 8.0 + 2 * i * EAST_METRE, 100.0, 0, 0, 0] + [0.0] * 24
        (drive / "oxts" / "data" / f"{i:010d}.txt").write_text(" ".join(map(repr, values)))
    return tmp_path


def split(root, *lines):
    path = root / "split.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_line_of_the_split_file_is_an_image_with_its_neighbours(root):
    kitti = KittiRaw(root, split(root, f"{DRIVE} 1 l", f"{DRIVE} 0000000002 r"))
    assert len(kitti) == 2
    left, right = kitti.sample(0), kitti.sample(1)
    assert [s.image.name for s in left.sources] == ["0000000000.png", "0000000002.png"]
    assert left.stamp == 1317042145_594361375
    assert [s.stamp - left.stamp for s in left.sources] == [-1000, 1000]
    loaded = right.read((60, 20))
    assert loaded.target.shape == (20, 60, 3) and loaded.target[0, 0, 0] == 82
    assert loaded.camera.K[0, 0] == FX / 2 and loaded.camera.K[0, 2] == (60.5 / 2 - 0.5)


def test_oxts_poses_give_metric_motion_along_the_optical_axis(root):
    for side in "lr":
        sample = KittiRaw(root, split(root, f"{DRIVE} 1 {side}")).sample(0)
        before, after = (s.T_target_source for s in sample.sources)
        np.testing.assert_allclose(before[:3, 3], [0, 0, -2], atol=1e-3)
        np.testing.assert_allclose(after[:3, 3], [0, 0, 2], atol=1e-3)
        np.testing.assert_allclose(after[:3, :3], np.eye(3), atol=1e-9)
        assert sample.sources[0].distance == pytest.approx(2, abs=1e-3)


def test_rotation_moves_a_camera_mounted_in_front_of_the_imu(root):
    drive = root / DRIVE
    values = [49.0, 8.0, 100.0, 0, 0, 0.1] + [0.0] * 24  # the same place, turned to the left
    for i in (0, 2):
        (drive / "oxts" / "data" / f"{i:010d}.txt").write_text(" ".join(map(repr, values)))
    (drive / "oxts" / "data" / f"{1:010d}.txt").write_text(
        " ".join(["49.0", "8.0", "100.0"] + ["0"] * 27)
    )
    T = KittiRaw(root, split(root, f"{DRIVE} 1 l")).sample(0).sources[0].T_target_source
    lever = 1.3  # imu to laser 1 m, laser to camera 0.3 m, both along the car: T says so
    assert abs(T[0, 3]) == pytest.approx(lever * np.sin(0.1), rel=1e-3)
    assert T[0, 3] < 0  # to the left


def test_motion_is_unknown_without_oxts(root):
    for path in (root / DRIVE / "oxts" / "data").iterdir():
        path.unlink()
    sample = KittiRaw(root, split(root, f"{DRIVE} 1 l")).sample(0)
    assert all(s.T_target_source is None and s.distance is None for s in sample.sources)


def test_paper_intrinsics_are_the_same_for_all_days(root):
    kitti = KittiRaw(root, split(root, f"{DRIVE} 1 l"), paper_intrinsics=True)
    K = kitti.sample(0).read((1024, 320)).camera.K
    assert K[0, 0] == pytest.approx(593.92) and K[1, 1] == pytest.approx(614.4)


def test_a_laser_point_becomes_the_depth_of_its_pixel(root):
    # 10 m ahead of the laser, 1 m to the left, 0.5 m down; another one behind it on the same ray,
    # and one behind the car.
    ahead = np.array([10.0, 1.0, -0.5, 0])
    beyond = np.array([(ahead[0] - 0.3) * 2 + 0.3, 2.0, -1.0, 0])
    points = np.float32([beyond, ahead, [-5, 0, 0, 0]])
    path = root / DRIVE / "velodyne_points" / "data" / "0000000001.bin"
    path.write_bytes(points.tobytes())
    kitti = KittiRaw(root, split(root, f"{DRIVE} 1 l"), neighbours=False)
    depth = kitti.ground_truth(0)
    assert kitti.sample(0).sources == ()
    assert depth.shape == (40, 120) and np.count_nonzero(depth) == 1
    u = round(60 - FX * 1.0 / 9.7) - 1
    v = round(20 + FX * 0.5 / 9.7) - 1
    assert depth[v, u] == 10.0


@pytest.mark.parametrize(
    ("line", "named"),
    [
        (f"{DRIVE} one l", "NUMBER"),
        (f"{DRIVE} 1", "NUMBER"),
        (f"{DRIVE} 3 l", "0000000004.png"),
        (f"{DAY}/other_sync 1 l", "other_sync"),
        (f"../{DRIVE} 1 l", "leads out of the folder"),
        (f"{DAY}/../../x 1 l", "leads out of the folder"),
        (f"/data/{DRIVE} 1 l", "leads out of the folder"),
    ],
)
def test_errors_of_a_split_file_name_the_line_or_file(root, line, named):
    with pytest.raises(DatasetError, match=named):
        KittiRaw(root, split(root, line)).sample(0)


def test_missing_calibration_is_an_error(root):
    (root / DAY / "calib_cam_to_cam.txt").write_text("P_rect_02: 1 2 3\n")
    with pytest.raises(DatasetError, match="has no S_rect_02"):
        KittiRaw(root, split(root, f"{DRIVE} 1 l")).sample(0)


def test_damaged_oxts_data_is_an_error(root):
    (root / DRIVE / "oxts" / "data" / "0000000001.txt").write_text("49.0 8.0\n")
    with pytest.raises(DatasetError, match=r"0000000001.txt"):
        KittiRaw(root, split(root, f"{DRIVE} 1 l")).sample(0)


def test_driving_stereo_pairs_images_with_depth(tmp_path):
    for folder in ("left-image-full-size", "depth-map-full-size"):
        (tmp_path / "foggy" / folder).mkdir(parents=True)
    for name, metres in (("b", 20), ("a", 10)):
        folder = tmp_path / "foggy"
        image = np.full((8, 12, 3), metres, np.uint8)
        cv2.imwrite(str(folder / "left-image-full-size" / f"{name}.png"), image)
        depth = np.full((8, 12), metres * 256, np.uint16)
        cv2.imwrite(str(folder / "depth-map-full-size" / f"{name}.png"), depth)
    stereo = DrivingStereo(tmp_path, "foggy")
    assert len(stereo) == 2
    for i, metres in enumerate((10, 20)):
        assert stereo.sample(i).read().target[0, 0, 0] == metres
        assert (stereo.ground_truth(i) == metres).all()
    with pytest.raises(DatasetError, match="sunny"):
        DrivingStereo(tmp_path, "sunny")


def test_cityscapes_follows_the_order_of_its_list(tmp_path):
    names = ["bonn_000001_000019", "bonn_000000_000019"]
    folder = tmp_path / "leftImg8bit" / "test" / "bonn"
    folder.mkdir(parents=True)
    (tmp_path / "depth").mkdir()
    for i, name in enumerate(names):
        cv2.imwrite(str(folder / f"{name}_leftImg8bit.png"), np.full((8, 16, 3), i, np.uint8))
        np.save(tmp_path / "depth" / f"{i:03d}_depth.npy", np.full((8, 16), 5.0 + i))
    lines = split(tmp_path, *(f"bonn {name}" for name in names))
    cityscapes = Cityscapes(tmp_path, lines, tmp_path / "depth")
    assert len(cityscapes) == 2
    for i in range(2):
        assert (cityscapes.sample(i).read().target == i).all()
        assert (cityscapes.ground_truth(i) == 5 + i).all()
    damaged = tmp_path / "depth" / "000_depth.npy"
    whole = damaged.read_bytes()
    for content in (b"", b"nothing", whole[:-8], whole[:30]):
        damaged.write_bytes(content)
        with pytest.raises(DatasetError, match="cannot be read as a depth array"):
            cityscapes.ground_truth(0)
    with pytest.raises(DatasetError, match="CITY NAME"):
        Cityscapes(tmp_path, split(tmp_path, "bonn"), tmp_path / "depth")
