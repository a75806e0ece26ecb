# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine view OUT|BAG --rrd FILE`: the contents of the file, read by the SDK of Rerun."""

from __future__ import annotations

import json
import shutil

import cv2
import numpy as np
import pytest
from helpers.camera_bags import (
    HEIGHT,
    IMAGE_TOPIC,
    INFO_TOPIC,
    KINDS,
    WIDTH,
    frames,
    pixels,
    several,
    stamp,
    write_bag,
)
from helpers.evaluated_bags import DEPTH as MEAN_DEPTH
from helpers.tf_messages import tf
from helpers.training_runs import write_sequence

from jasmine_core.dataset.sequence import read_index
from jasmine_core.evaluate.evaluation import Evaluation
from jasmine_core.evaluate.reliability import Reliability
from jasmine_core.evaluate.run import write_report
from jasmine_core.evaluate.score_file import SCORES, write_scores
from jasmine_core.geometry.rigid import rigid
from jasmine_core.synthetic.drive import WorldConfig, render_drive
from jasmine_ros.bags.reader import Bag
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.cli import main
from jasmine_ros.commands import view_target
from jasmine_ros.commands.view_topics import MOST_POINTS
from jasmine_ros.msgs.images import decode_depth
from jasmine_ros.msgs.messages import make_header
from jasmine_ros.msgs.point_clouds import make_cloud, read_points

rerun = pytest.importorskip("rerun", reason="rerun-sdk is not installed (the extra 'viz')")

DEPTH, POINTS = "/depth/image_rect", "/depth/points"
CLOUD = "sensor_msgs/msg/PointCloud2"


@pytest.fixture(scope="module")
def result(checkpoint, tmp_path_factory):
    """Return the folder of a run, and that of its recording."""
    folder = tmp_path_factory.mktemp("run")
    bag = write_bag(folder / "in", frames(5))
    options = ["--publish-points", "--metres-per-unit", "30", "--checkpoint", str(checkpoint)]
    assert main(["run", str(bag), "-o", str(folder / "out"), *options]) == 0
    return folder / "out", bag


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """Return a report, and the scores of the images of its two recordings by name."""
    report = tmp_path_factory.mktemp("evaluation") / "scores.json"
    scores = {}
    every = Evaluation(MEAN_DEPTH, "plain")
    for number, name in enumerate("ab"):
        evaluation = Evaluation(MEAN_DEPTH, "plain")
        for index in range(3):
            evaluation.add(stamp(index), MEAN_DEPTH ** (1.1 + index / 10), MEAN_DEPTH + number)
        write_scores(report.with_suffix("") / name / SCORES, {}, evaluation, Reliability())
        every.frames.extend(evaluation.frames)
        scores[name] = evaluation.frames
    write_report(every, [], {}, report)
    return report, scores


def decoded(bag, topic):
    with Bag(bag) as opened:
        return [opened.decode(m) for m in opened.messages([topic])]


def test_a_run_has_depth_in_metres_clouds_curves_and_the_images_of_its_recording(show, result):
    out, _ = result
    status, err, found = show(out)
    assert status == 0 and "WARNING" not in err
    stamps = [stamp(i) for i in range(5)]
    for entity in (IMAGE_TOPIC, INFO_TOPIC, DEPTH, "/depth/camera_info", POINTS):
        assert found[entity]["stamp"] == stamps, entity

    maps = [decode_depth(message) for message in decoded(out / "depth", DEPTH)]
    shown = found[DEPTH]
    assert shown["DepthImage:meter"] == [[1.0]] * 5
    for metres, buffer in zip(maps, shown["DepthImage:buffer"], strict=True):
        values = np.array(buffer[0], np.uint8).view(np.float32)
        np.testing.assert_array_equal(values, metres.reshape(-1))

    cloud = read_points(decoded(out / "depth", POINTS)[0])
    known = cloud[np.isfinite(cloud).all(axis=1)]
    np.testing.assert_array_equal(found[POINTS]["Points3D:positions"][0], known)
    assert np.median(known[:, 2]) > 1  # [m]; in units of the network it would be below 3 / 30

    medians = found["/curves" + DEPTH + "/median"]["Scalars:scalars"]
    np.testing.assert_allclose(np.concatenate(medians), [np.nanmedian(m) for m in maps])
    latencies = [message.data for message in decoded(out / "depth", "/depth/latency")]
    np.testing.assert_allclose(
        np.concatenate(found["/curves/depth/latency"]["Scalars:scalars"]), latencies
    )
    image = np.array(found[IMAGE_TOPIC]["Image:buffer"][2][0], np.uint8)
    np.testing.assert_array_equal(image.reshape(HEIGHT, WIDTH, 3), pixels(2))


def test_a_run_whose_recording_is_gone_is_shown_without_its_images(show, result, tmp_path):
    out = tmp_path / "moved"
    shutil.copytree(result[0], out)
    report = json.loads((out / "report.json").read_text())
    for bag in (str(tmp_path / "gone"), "s3://bucket/gone"):
        (out / "report.json").write_text(json.dumps(report | {"bag": bag}))
        status, err, found = show(out)
        assert status == 0 and DEPTH in found and IMAGE_TOPIC not in found
        assert f"{bag}, which is not here" in err
    (out / "report.json").write_text("[")
    assert show(out)[0] == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_recording_of_every_kind_is_shown_without_depth(show, tmp_path, kind):
    status, err, found = show(write_bag(tmp_path / "in", frames(3), kind))
    assert status == 0 and "WARNING" not in err
    assert found[IMAGE_TOPIC]["stamp"] == [stamp(i) for i in range(3)]
    assert found[INFO_TOPIC]["Pinhole:parent_frame"][0] == ["camera_optical_frame"]


def test_the_number_of_images_is_limited_and_they_are_evenly_spaced(show, tmp_path):
    bag = write_bag(tmp_path / "in", several([frames(40), frames(40, jpeg=True)]))
    _, _, found = show(bag, "--max-frames", "8")
    for topic in (IMAGE_TOPIC, IMAGE_TOPIC + "/compressed", INFO_TOPIC):
        assert found[topic]["stamp"] == [stamp(i) for i in range(0, 40, 5)], topic


def test_large_messages_lower_the_number_of_images(show, tmp_path, monkeypatch):
    monkeypatch.setattr("jasmine_ros.commands.view_topics.MOST_BYTES", 5 * (3 * WIDTH * HEIGHT))
    status, err, found = show(write_bag(tmp_path / "in", frames(20)))
    assert status == 0 and "at most" in err
    assert 2 <= len(found[IMAGE_TOPIC]["stamp"]) <= 5


def test_the_limit_of_the_data_holds_for_messages_that_grow(show, tmp_path, monkeypatch):
    monkeypatch.setattr(view_target, "MOST_BYTES", 4 * (3 * WIDTH * HEIGHT))
    status, err, found = show(write_bag(tmp_path / "in", frames(20)))
    assert status == 0 and "is reached" in err
    assert len(found[IMAGE_TOPIC]["stamp"]) <= 5


def test_clouds_are_thinned_and_frames_move(show, tmp_path):
    messages = RosbagsMessages()
    z = np.linspace(1, 9, 3 * MOST_POINTS, dtype=np.float32)
    points = np.stack([0 * z, 0 * z, z], -1)[None]

    def fill(bag):
        at = stamp(0)
        fixed = tf(("base_link", "lidar", rigid(np.eye(3), [1, 2, 3]), at))
        bag.write("/tf_static", "tf2_msgs/msg/TFMessage", at, fixed)
        for i in range(3):
            header = make_header(messages, stamp(i), "lidar")
            cloud = make_cloud(messages, header, points, np.zeros_like(points, np.uint8))
            bag.write("/points", CLOUD, stamp(i), cloud)
            moved = tf(("odom", "base_link", rigid(np.eye(3), [i, 0, 0]), stamp(i)))
            bag.write("/tf", "tf2_msgs/msg/TFMessage", stamp(i), moved)

    status, err, found = show(write_bag(tmp_path / "in", fill))
    assert status == 0 and "WARNING" not in err
    shown = np.array(found["/points"]["Points3D:positions"][0])
    assert shown.shape == (MOST_POINTS, 3)
    assert shown[0, 2] == 1 and shown[-1, 2] == pytest.approx(9, abs=1e-3)  # [m]
    pose = found["/tf/base_link"]
    assert pose["stamp"] == [stamp(i) for i in range(3)]
    np.testing.assert_allclose(np.array(pose["Transform3D:translation"])[:, 0, 0], [0, 1, 2])
    assert found["/tf_static/lidar"]["Transform3D:parent_frame"] == [["base_link"]]


def test_damaged_messages_are_left_out_with_one_line_for_each_topic(show, tmp_path):
    def fill(bag):
        for i in range(6):
            wrong = {"step": 1} if i % 2 else {}
            bag.image(stamp(i), pixels(i), **wrong)

    status, err, found = show(write_bag(tmp_path / "in", fill))
    assert status == 0
    assert len(found[IMAGE_TOPIC]["stamp"]) == 3
    assert err.count("WARNING") == 1 and IMAGE_TOPIC in err


def test_prepared_sequences_have_images_intrinsics_and_the_path_in_metres(show, tmp_path):
    drive = render_drive(3, WorldConfig(width=128, height=64, frames=6, supersample=1))
    folder = write_sequence(drive, tmp_path / "data" / "drive 1")
    index = read_index(folder)
    labels = folder / "depth"
    labels.mkdir()
    metres = np.full((64, 128), 10 * 256, np.uint16)
    cv2.imwrite(str(labels / f"{index.frames[1].stamp:019d}.png"), metres)
    for path in (folder, folder.parent):
        status, err, found = show(path)
        assert status == 0 and "WARNING" not in err
        camera = found["/drive_1/camera"]
        stamps = [frame.stamp for frame in index.frames]
        assert found["/drive_1/camera/image"]["stamp"] == stamps
        poses = drive.T_world_camera.double().numpy()
        first = np.linalg.inv(poses[0])
        expected = [(first @ pose)[:3, 3] for pose in poses]
        shown = [p[0] for p in camera["Transform3D:translation"] if p is not None]
        np.testing.assert_allclose(shown, expected, atol=1e-4)
        (path_of_camera,) = found["/drive_1/path/0"]["LineStrips3D:strips"]
        np.testing.assert_allclose(path_of_camera[0], expected, atol=1e-4)
        depth = found["/drive_1/camera/depth"]
        assert depth["stamp"] == [stamps[1]] and depth["DepthImage:meter"] == [[256.0]]
        assert set(np.array(depth["DepthImage:buffer"][0][0], np.uint8).view(np.uint16)) == {2560}
    _, _, found = show(folder, "--max-frames", "2")
    assert len(found["/drive_1/camera/image"]["stamp"]) == 2


def test_a_training_has_curves_over_its_steps(show, tmp_path):
    run = tmp_path / "run"
    (run / "images").mkdir(parents=True)
    lines = [json.dumps({"step": 10 * i, "total": 1 / i, "nan": float("nan")}) for i in (1, 2, 3)]
    (run / "log.jsonl").write_text("\n".join([*lines, '{"step": 40, "tot']))
    cv2.imwrite(str(run / "images" / "0000020.png"), np.zeros((4, 4, 3), np.uint8))
    (run / "images" / "0000030.png").write_bytes(b"no image")
    status, err, found = show(run)
    assert status == 0 and err.count("WARNING") == 1 and "0000030.png" in err
    curve = found["/curves/total"]
    assert curve["step"] == [10, 20, 30]
    np.testing.assert_allclose(np.concatenate(curve["Scalars:scalars"]), [1, 1 / 2, 1 / 3])
    assert "/curves/nan" not in found
    assert found["/progress"]["step"] == [20]
    assert found["/progress"]["EncodedImage:media_type"] == [["image/png"]]


def test_evaluations_have_tables_and_the_errors_of_each_image(show, evaluated):
    report, scores = evaluated
    for path in (report, report.parent):
        status, err, found = show(path)
        assert status == 0 and "WARNING" not in err
        assert "AbsRel" in found[f"/table/{report.stem}"]["TextDocument:text"][0][0]
        for name, rows in scores.items():
            curve = found[f"/abs_rel/{name}/model"]
            assert curve["stamp"] == [frame.stamp for frame in rows]
            errors = [frame.model.abs_rel for frame in rows]
            assert len(set(errors)) == 3
            np.testing.assert_allclose(np.concatenate(curve["Scalars:scalars"]), errors)
