# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine evaluate` from end to end, on a world and on a bag with ground truth."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.calibration_files import write_calibration
from helpers.camera_bags import HEIGHT, WIDTH, frames, pixels, stamp, write_bag

from jasmine_core.model.checkpoint import save_checkpoint
from jasmine_ros.cli import main
from jasmine_ros.commands.evaluate import EvaluateRequest

METRICS = ("abs_rel", "sq_rel", "rmse", "rmse_log", "a1", "a2", "a3")
TEMPORAL = ("tae", "tae_static", "opw", "scale_spread", "scale_drift")
ROWS = ("model", "trivial_constant", "trivial_mean_map")
DEPTH = np.tile(np.linspace(2, 30, HEIGHT, dtype=np.float32)[::-1, None], (1, WIDTH))


@pytest.fixture(scope="module")
def with_map(make_model, tmp_path_factory):
    """Return a checkpoint with the mean depth map of its training set."""
    import torch

    path = tmp_path_factory.mktemp("with_map") / "checkpoint"
    model = make_model()
    with torch.no_grad():
        model.ssg.ss_head.shift_head[2].bias += 1  # so that the random depth is positive
    save_checkpoint(model, path, mean_depth=torch.from_numpy(DEPTH))
    return path


def evaluate(checkpoint, file, *options):
    status = main(["evaluate", "--checkpoint", str(checkpoint), "--json", str(file), *options])
    return status, json.loads(file.read_text()) if file.exists() else None


def evaluate_into(checkpoint, file, *options):
    return main(["evaluate", "--checkpoint", str(checkpoint), "--json", str(file), *options])


def check(summary, count):
    assert summary["frames"] == count
    for row in ROWS:
        assert summary[row]["frames"] == count
        assert all(np.isfinite(summary[row][name]) for name in METRICS)


def test_scores_on_a_rendered_world(with_map, tmp_path):
    file = tmp_path / "world.json"
    status, summary = evaluate(with_map, file, "--world", "street", "--frames", "3")
    assert status == 0
    check(summary, 3)
    assert summary["data"] == "world street, seed 0, 2 Hz"
    assert summary["clips"] == 1
    for row in (*(summary[name] for name in ROWS), summary["ground_truth"]):
        assert all(np.isfinite(row[name]) for name in TEMPORAL)
    assert cv2.imread(str(file.with_suffix(".png"))).shape[0] > 3 * 100
    assert file.with_suffix(".md").read_text().count("\n") == 5 + 1 + 6, "two tables"
    assert "tabular" in file.with_suffix(".tex").read_text()


def ground_truth_folder(tmp_path):
    folder = tmp_path / "ground_truth"
    folder.mkdir()
    for index in (0, 2):
        cv2.imwrite(str(folder / f"{stamp(index)}.png"), (256 * DEPTH).astype(np.uint16))
    return folder


def test_scores_on_a_bag_with_depth_images(with_map, tmp_path):
    """Only images with ground truth count, and a mean map that equals it has no error."""
    bag, folder = write_bag(tmp_path / "in", frames(4)), ground_truth_folder(tmp_path)
    options = ["--bag", str(bag), "--ground-truth", str(folder), "--protocol", "plain"]
    status, summary = evaluate(with_map, tmp_path / "bag.json", *options)
    assert status == 0
    check(summary, 2)
    assert summary["trivial_mean_map"]["abs_rel"] < 0.002
    assert summary["trivial_constant"]["abs_rel"] > 0.3
    assert summary["mean_map"] == "the checkpoint's training set"


def test_the_report_has_the_reliability_of_the_confidence(with_map, tmp_path, capsys):
    options = ["--world", "street", "--frames", "2"]
    status, summary = evaluate(with_map, tmp_path / "world.json", *options)
    confidence = summary["confidence"]
    assert status == 0 and confidence["calibrated"] is False
    assert 0 <= confidence["ece"] <= 1 and confidence["ause"] >= 0
    assert "confidence (not calibrated): ECE" in capsys.readouterr().out


def test_the_report_has_the_scores_of_the_baseline(with_map, tmp_path):
    options = ["--world", "street", "--frames", "2", "--baseline", str(with_map)]
    status, summary = evaluate(with_map, tmp_path / "world.json", *options)
    assert status == 0 and summary["baseline_checkpoint"] == str(with_map)
    for name, score in summary["baseline"].items():
        assert score == summary["model"][name], "the same network as the model"


def test_a_bag_without_camera_info_needs_a_calibration_file(with_map, tmp_path, capsys):
    bag = write_bag(tmp_path / "in", lambda bag: bag.image(stamp(0), pixels()))
    options = ["--bag", str(bag), "--ground-truth", str(ground_truth_folder(tmp_path))]
    assert evaluate(with_map, tmp_path / "bag.json", *options) == (1, None)
    assert "give a calibration file with --calibration" in capsys.readouterr().err
    options += ["--calibration", str(write_calibration(tmp_path / "camera.yaml"))]
    status, summary = evaluate(with_map, tmp_path / "bag.json", *options, "--protocol", "plain")
    assert status == 0
    check(summary, 1)


def test_bits_and_the_largest_image_can_be_set(with_map, tmp_path):
    """Values of 12 bits are darker if the camera is said to use 14; the wide image is left out."""

    def fill(bag):
        for index in range(3):
            width = WIDTH if index < 2 else 2 * WIDTH
            grey = pixels(index, width)[..., 0]
            data = (grey.astype("<u2") << 4).view(np.uint8).reshape(-1)
            bag.info(stamp(index))
            bag.image(stamp(index), grey, encoding="mono16", step=2 * width, data=data)

    bag, folder = write_bag(tmp_path / "in", fill), ground_truth_folder(tmp_path)
    options = ["--bag", str(bag), "--ground-truth", str(folder), "--protocol", "plain"]
    options += ["--max-image-pixels", str(WIDTH * HEIGHT)]
    scores = {}
    for bits in (0, 12, 14):
        file = tmp_path / f"{bits}.json"
        status, scores[bits] = evaluate(with_map, file, *options, "--bits", str(bits))
        assert status == 0
        check(scores[bits], 1)
        (damage,) = scores[bits]["damaged_messages"].values()
        assert damage["count"] == 1 and f"max_image_pixels {WIDTH * HEIGHT}" in damage["example"]
    assert [s["input_values"] for s in scores.values()] == [
        "12 of 16 bits (found)",
        "12 of 16 bits (set)",
        "14 of 16 bits (set)",
    ]
    assert scores[0]["model"] == scores[12]["model"] != scores[14]["model"]


@pytest.mark.parametrize("kind", ["32FC1", "16UC1", "cloud"])
def test_scores_on_a_bag_with_a_topic_of_ground_truth(with_map, tmp_path, kind):
    """The same ground truth in a depth topic, or as a LiDAR's cloud through /tf_static."""

    def fill(bag):
        make = bag.messages.make
        if kind == "cloud":
            bag.write("/tf_static", "tf2_msgs/msg/TFMessage", stamp(0), _lidar_mount(bag))
        for index in range(2):
            bag.info(stamp(index))
            bag.image(stamp(index), pixels(index))
            header = bag.header(stamp(index) + 10_000_000, "lidar")
            if kind == "cloud":
                bag.write(
                    "/ground_truth",
                    "sensor_msgs/msg/PointCloud2",
                    stamp(index),
                    _cloud(make, header),
                )
                continue
            values = DEPTH if kind == "32FC1" else (1000 * DEPTH).astype(np.uint16)
            message = make(
                "sensor_msgs/msg/Image",
                header=header,
                height=HEIGHT,
                width=WIDTH,
                encoding=kind,
                step=WIDTH * values.itemsize,
                data=values.view(np.uint8),
            )
            bag.write("/ground_truth", "sensor_msgs/msg/Image", stamp(index), message)

    bag = write_bag(tmp_path / "in", fill)
    options = ["--bag", str(bag), "--ground-truth", "/ground_truth", "--protocol", "plain"]
    status, summary = evaluate(
        with_map, tmp_path / "bag.json", *options, "--image", "/camera/image_raw"
    )
    assert status == 0
    check(summary, 2)
    assert summary["trivial_mean_map"]["abs_rel"] < 0.002


def _lidar_mount(bag):
    """Mount the LiDAR (forward, left, up) half a metre above the camera (right, down, forward)."""
    make = bag.messages.make
    transform = make(
        "geometry_msgs/msg/Transform",
        translation=make("geometry_msgs/msg/Vector3", y=-0.5),
        rotation=make("geometry_msgs/msg/Quaternion", x=0.5, y=-0.5, z=0.5, w=0.5),
    )
    stamped = make(
        "geometry_msgs/msg/TransformStamped",
        header=bag.header(stamp(0)),
        child_frame_id="lidar",
        transform=transform,
    )
    return make("tf2_msgs/msg/TFMessage", transforms=[stamped])


def _cloud(make, header):
    v, u = np.indices(DEPTH.shape)
    x, y = (u - WIDTH / 2) / 80 * DEPTH, (v - HEIGHT / 2) / 80 * DEPTH
    lidar = np.stack([DEPTH, -x, -(y + 0.5)], axis=-1).astype(np.float32)  # seen from the mount
    fields = [
        make("sensor_msgs/msg/PointField", name=n, offset=4 * i, datatype=7, count=1)
        for i, n in enumerate("xyz")
    ]
    return make(
        "sensor_msgs/msg/PointCloud2",
        header=header,
        height=1,
        width=DEPTH.size,
        fields=fields,
        point_step=12,
        row_step=12 * DEPTH.size,
        data=lidar.reshape(-1).view(np.uint8),
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "add exactly one of --world, --bag and --dataset"),
        (["--world", "room", "--bag", "x"], "add exactly one of --world, --bag and --dataset"),
        (["--bag", "IN"], "--bag needs --ground-truth"),
        (["--dataset", "kitti"], "--dataset needs --root"),
        (["--world", "room", "--image", "/a"], "--image has no effect with --world"),
        (["--world", "room", "--ground-truth", "/a"], "--ground-truth has no effect with --world"),
        (["--world", "room", "--workers", "2"], "--workers has no effect with --world"),
        (["--world", "room", "--engine", "ray"], "--engine has no effect with --world"),
        (["--world", "room", "--root", "."], "--root has no effect with --world"),
        (["--bag", "IN", "--ground-truth", "/a", "--frames", "9"], "--frames has no effect"),
        (["--dataset", "kitti", "--root", ".", "--seed", "3"], "--seed has no effect"),
        (["--dataset", "sunny", "--root", ".", "--split", "x"], "--split has no effect"),
        (["--dataset", "kitti", "--root", ".", "--ground-truth", "x"], "has no effect"),
        (["--world", "street", "--seed", "-1000"], "--seed is -1000; it must be 0 or more"),
        (["--autoencoder", ""], "--autoencoder is empty"),
        (["--autoencoder", "x", "--temporal", "fuse"], "--temporal has no effect"),
        (["--dataset", "kitti", "--root", "."], "--split FILE"),
        (["--dataset", "cityscapes", "--root", ".", "--split", "x"], "--ground-truth DIR"),
        (["--dataset", "sunny", "--root", "."], "sunny"),
        (
            ["--bag", "IN", "--ground-truth", "/nowhere"],
            "neither a folder nor a depth or LiDAR topic",
        ),
        (["--world", "street", "--frames", "0"], "--frames is 0"),
        (["--world", "street", "--show", "-3"], "--show is -3"),
        (["--world", "street", "--seed", str(1 << 64)], f"--seed is {1 << 64}; it must be between"),
        (["--bag", "IN", "--ground-truth", "/x", "--bits", "17"], "--bits is 17"),
        (["--bag", "IN", "--ground-truth", "/x", "--max-image-pixels", "0"], "pixels is 0"),
        (["--world", "street", "--alignment", "none"], "up-to-scale"),
        (["--world", "street", "--protocol", "magic"], "'magic'"),
    ],
)
def test_wrong_requests_give_one_clear_error(with_map, tmp_path, capsys, options, words):
    bag = write_bag(tmp_path / "in", frames(1))
    options = [str(bag) if option == "IN" else option for option in options]
    status, summary = evaluate(with_map, tmp_path / "out.json", *options)
    error = capsys.readouterr().err
    assert status == 1 and summary is None and words in error and "Traceback" not in error


def test_files_of_the_user_in_the_place_of_a_report_are_kept(with_map, tmp_path, capsys):
    """An earlier report is replaced; the checks come before any work."""
    options = ["--world", "street", "--frames", "1"]
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "notes.json").write_text('{"mine": 1}')
    (tmp_path / "link.png").symlink_to(tmp_path / "notes.json")
    (tmp_path / "folder.json").mkdir()
    for name, words in (
        ("README.json", "README.md is in the place of a report"),
        ("notes.json", "notes.json is in the place of a report"),
        ("link.json", "link.png is in the place of a report"),
        ("folder.json", "folder.json, which cannot be written: it is a directory"),
        ("x.png", "the name of another file of the report"),
        ("notes.json/x.json", "notes.json is not a directory"),
        ("..", "which cannot be written: it is a directory"),
        ("/proc/x.json", "--json is /proc/x.json, which cannot be written"),
    ):
        assert evaluate_into(with_map, tmp_path / name, *options) == 1
        assert words in capsys.readouterr().err
    assert (tmp_path / "README.md").read_text() == "mine"
    assert (tmp_path / "notes.json").read_text() == '{"mine": 1}'
    for _ in range(2):
        assert evaluate_into(with_map, tmp_path / "new.json", *options) == 0


def test_both_kinds_of_reports_have_names_of_their_own():
    assert EvaluateRequest(world="room").file == Path("evaluation.json")
    assert EvaluateRequest(autoencoder="x").file == Path("autoencoder.json")
    assert EvaluateRequest(autoencoder="x", json=Path("a.json")).file == Path("a.json")


def test_a_report_of_another_kind_is_kept(with_map, tmp_path, capsys):
    file = tmp_path / "own.json"
    own = ["evaluate", "--autoencoder", str(with_map), "--frames", "1", "--json", str(file)]
    for _ in range(2):  # One of the same kind is replaced.
        assert main(own) == 0
    before = file.read_bytes()
    options = ["--world", "street", "--frames", "1"]
    assert evaluate_into(with_map, file, *options) == 1
    assert "own.json is in the place of a report, but is not part" in capsys.readouterr().err
    assert file.read_bytes() == before and len(list(tmp_path.glob("own.*"))) == 1
    assert main([*own, "--baseline", "none"]) == 1
    assert "--baseline has no effect with --autoencoder" in capsys.readouterr().err


def test_scores_on_a_published_set_with_its_usual_protocol(with_map, tmp_path):
    """Folders as in DrivingStereo, with the mean map as ground truth."""
    for index in range(2):
        left, depth = ("left-image-full-size", "depth-map-full-size")
        for name, values in ((left, pixels(index)), (depth, (256 * DEPTH).astype(np.uint16))):
            file = tmp_path / "foggy" / name / f"{index:04d}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(file), values)
    options = ["--dataset", "foggy", "--root", str(tmp_path)]
    status, summary = evaluate(with_map, tmp_path / "foggy.json", *options)
    assert status == 0
    check(summary, 2)
    assert summary["model"]["protocol"] == "driving_stereo"
    assert summary["trivial_mean_map"]["abs_rel"] < 0.002
