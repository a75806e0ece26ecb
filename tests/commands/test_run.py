# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine run` from end to end, with real bags, the real component and a real small network."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from helpers.camera_bags import (
    HEIGHT,
    IMAGE_TOPIC,
    INFO_TOPIC,
    KINDS,
    START,
    WIDTH,
    frames,
    pixels,
    stamp,
    write_bag,
)
from helpers.raw_mcap import (
    CAMERA,
    Channel,
    camera_with,
    chunk,
    described,
    messages,
    ros2_channel,
    serialised,
    write_mcap,
)

from jasmine_core import DepthPredictor
from jasmine_core.locks import exclusive
from jasmine_ros.bags.reader import Bag
from jasmine_ros.cli import main
from jasmine_ros.msgs.messages import stamp_ns

DEPTH = "/depth/image_rect"


@pytest.fixture
def jasmine(checkpoint, tmp_path, capsys):
    """Run a bag with the smallest checkpoint; return status, standard error, and the report."""

    def run(bag, *options, out=tmp_path / "out"):
        capsys.readouterr()
        status = main(["run", str(bag), "-o", str(out), "--checkpoint", str(checkpoint), *options])
        error = capsys.readouterr().err
        report = out / "report.json"
        return status, error, json.loads(report.read_text()) if report.exists() else None

    return run


def read(path):
    with Bag(path) as bag:
        return [(m.topic, m.stamp, bag.decode(m)) for m in bag.messages()]


def stamps(path, topic=DEPTH):
    return [at for name, at, _ in read(path) if name == topic]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_bag_gives_the_depth_of_the_predictor(jasmine, checkpoint, tmp_path, kind):
    status, _, report = jasmine(write_bag(tmp_path / "in", frames(3), kind))
    assert status == 0 and report["ended_by"] == "end of bag"
    messages = read(tmp_path / "out" / "depth")
    depths = [(at, m) for topic, at, m in messages if topic == DEPTH]
    infos = [m for topic, _, m in messages if topic == "/depth/camera_info"]
    assert [at for at, _ in depths] == [stamp(i) for i in range(3)]
    for index, ((_, depth), info) in enumerate(zip(depths, infos, strict=True)):
        assert stamp_ns(depth.header.stamp) == stamp_ns(info.header.stamp) == stamp(index)
        assert depth.header.frame_id == info.header.frame_id == "camera_optical_frame"
        assert (depth.width, depth.height, depth.encoding) == (WIDTH, HEIGHT, "32FC1")
    predicted = DepthPredictor.from_pretrained(checkpoint)(pixels(2)).depth
    predicted[predicted <= 0] = np.nan
    values = depths[2][1].data.view(np.float32).reshape(HEIGHT, WIDTH)
    np.testing.assert_allclose(values, predicted, rtol=1e-4)


def test_the_report_and_the_preview_are_written(jasmine, tmp_path):
    _, _, report = jasmine(write_bag(tmp_path / "in", frames(8, jpeg=True)))
    assert report["frames"]["processed"] == 8 and report["frames"]["skipped"] == {}
    assert report["camera"] == {"image": f"{IMAGE_TOPIC}/compressed", "camera_info": INFO_TOPIC}
    assert report["scale"]["state"] == "up-to-scale"
    stages = {"read", "rectify", "preprocess", "encode", "denoise", "decode", "refine"}
    assert stages < set(report["latency_ms"])
    for stage in report["latency_ms"].values():
        assert 0 < stage["p50"] <= stage["p95"] <= stage["p99"]
    assert 0 < report["not_network_share"] < 1
    assert 0 < report["depth"]["minimum"] <= report["depth"]["median"]
    preview = cv2.imread(str(tmp_path / "out" / "preview.png"))
    assert preview.shape == (6 * round(640 * HEIGHT / WIDTH), 2 * 640, 3)
    left = cv2.resize(preview[: preview.shape[0] // 6, :640], (WIDTH, HEIGHT))[..., ::-1]
    assert np.abs(left.astype(int) - pixels(0)).mean() < 12, "the first row shows the first image"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--limit", "3"], [0, 1, 2]),
        (["--every", "4"], [0, 4, 8]),
        (["--every", "2", "--limit", "2"], [0, 2]),
        (["--from", "0.35"], [4, 5, 6, 7, 8, 9]),
        (["--to", "0.25"], [0, 1, 2]),
        (["--from", "0.2", "--to", "0.5", "--every", "2"], [2, 4]),
    ],
)
def test_options_select_a_part_of_a_bag(jasmine, tmp_path, options, expected):
    status, _, report = jasmine(write_bag(tmp_path / "in", frames(10)), *options)
    assert status == 0
    assert stamps(tmp_path / "out" / "depth") == [stamp(i) for i in expected]
    assert report["frames"]["processed"] == len(expected)


@pytest.mark.parametrize("kind", ["mcap", "ros1"])
def test_other_topics_are_copied(jasmine, tmp_path, kind):
    def fill(bag):
        frames(2)(bag)
        bag.string(stamp(0), "hello")

    jasmine(write_bag(tmp_path / "in", fill, kind), "--copy", "--namespace", "front")
    topics = {topic for topic, _, _ in read(tmp_path / "out" / "depth")}
    assert topics >= {IMAGE_TOPIC, INFO_TOPIC, "/note", "/front/depth/image_rect", "/diagnostics"}


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_all_outputs_are_written_in_each_storage_format(jasmine, tmp_path, storage):
    wanted = ["--publish-points", "--publish-colorized", "--publish-confidence"]
    options = ["--storage", storage, "--compress", *wanted]
    assert jasmine(write_bag(tmp_path / "in", frames(2)), *options)[0] == 0
    topics = {topic for topic, _, _ in read(tmp_path / "out" / "depth")}
    assert {f"/depth/{n}" for n in ("points", "colorized", "confidence", "image_rect")} < topics


def test_16uc1_of_12_bits_gives_the_depth_of_its_grey_values(jasmine, tmp_path):
    def fill(deep):
        def fill(bag):
            for index in range(2):
                grey = pixels(index)[..., 0]
                bag.info(stamp(index))
                if not deep:
                    bag.image(stamp(index), grey, encoding="mono8", step=WIDTH)
                    continue
                data = (grey.astype("<u2") << 4).view(np.uint8).reshape(-1)
                bag.image(stamp(index), grey, encoding="16UC1", step=2 * WIDTH, data=data)

        return fill

    depths = []
    for name in ("deep", "grey"):
        bag, out = write_bag(tmp_path / name, fill(name == "deep")), tmp_path / f"{name}_out"
        status, error, report = jasmine(bag, out=out)
        assert status == 0 and report["frames"]["processed"] == 2
        depths.append([m.data for topic, _, m in read(out / "depth") if topic == DEPTH])
        if name == "deep":
            expected = "12 of 16 bits (found); 16UC1 taken as grey values, not depth"
            assert report["input"]["input_values"] == expected and expected in error
    np.testing.assert_array_equal(*depths)


def test_options_take_precedence_over_the_parameter_file(jasmine, tmp_path):
    file = tmp_path / "depth.yaml"
    file.write_text(yaml.safe_dump({"metres_per_unit": 20.0, "depth_encoding": "16UC1"}))
    bag = write_bag(tmp_path / "in", frames(1))
    _, _, report = jasmine(bag, "--params", str(file), "--metres-per-unit", "30")
    assert report["scale"] == {"state": "metric", "metres_per_unit": 30.0, "source": "parameter"}
    (depth,) = (m for t, _, m in read(tmp_path / "out" / "depth") if t == DEPTH)
    assert depth.encoding == "16UC1"


def test_the_first_camera_info_may_come_after_the_images(jasmine, tmp_path):
    def fill(bag):
        bag.image(stamp(0), pixels(0))
        bag.image(stamp(1), pixels(1))
        bag.info(stamp(5))

    assert jasmine(write_bag(tmp_path / "in", fill))[2]["frames"]["processed"] == 2


def test_a_calibration_file_replaces_camera_info(jasmine, tmp_path):
    bag = write_bag(tmp_path / "in", lambda bag: bag.image(stamp(0), pixels()))
    status, error, _ = jasmine(bag)
    assert status == 1 and "--calibration" in error
    file = tmp_path / "camera.yaml"
    matrix = {"rows": 3, "cols": 3, "data": [70.0, 0, 48, 0, 70, 32, 0, 0, 1]}
    values = {
        "image_width": WIDTH,
        "image_height": HEIGHT,
        "distortion_model": "plumb_bob",
        "distortion_coefficients": {"rows": 1, "cols": 5, "data": [0.0] * 5},
        "camera_matrix": matrix,
    }
    file.write_text(yaml.safe_dump(values))
    assert jasmine(bag, "--calibration", str(file))[0] == 0
    (info,) = (m for t, _, m in read(tmp_path / "out" / "depth") if t == "/depth/camera_info")
    np.testing.assert_allclose(np.reshape(info.k, (3, 3)), np.reshape(matrix["data"], (3, 3)))
    for broken, words in (
        (values | {"image_width": "wide"}, "image_width is 'wide'"),
        (values | {"camera_matrix": {"data": [1.0]}}, "camera_matrix has 1 numbers"),
        ({}, "camera_calibration of ROS"),  # The formats that are read are named.
    ):
        file.write_text(yaml.safe_dump(broken))
        status, error, _ = jasmine(bag, "--calibration", str(file), "--overwrite")
        assert status == 1 and words in error and str(file) in error


# ---------------------------------------------------------------------- bad input


def test_bad_frames_are_skipped_and_reported(jasmine, tmp_path):
    def fill(bag):
        good = cv2.imencode(".jpg", pixels())[1].reshape(-1)
        bag.info(stamp(0))
        bag.compressed(stamp(0), good)
        bag.compressed(stamp(1), good[: len(good) // 2])
        bag.compressed(stamp(2), np.zeros(10, np.uint8))
        bag.compressed(stamp(3), good)

    status, error, report = jasmine(write_bag(tmp_path / "in", fill))
    assert (status, error.count("error")) == (0, 0)
    assert report["frames"]["processed"] == 2
    skipped = report["frames"]["skipped"]["unusable"]
    assert skipped["count"] == 2
    assert all(f"{IMAGE_TOPIC}/compressed" in example for example in skipped["examples"])
    assert stamps(tmp_path / "out" / "depth") == [stamp(0), stamp(3)]


def test_images_with_stamps_out_of_order_are_processed(jasmine, tmp_path):
    def fill(bag):
        for log, header in enumerate((4, 5, 0, 1)):
            bag.info(stamp(log))
            bag.image(stamp(header), pixels(header), log=stamp(log))

    _, _, report = jasmine(write_bag(tmp_path / "in", fill))
    assert report["frames"]["processed"] == 4 and report["frames"]["stamped_backwards"] == 1
    read_back = [m for t, _, m in read(tmp_path / "out" / "depth") if t == DEPTH]
    assert [stamp_ns(m.header.stamp) for m in read_back] == [stamp(i) for i in (4, 5, 0, 1)]


NO_INFO = "no CameraInfo beside"
BAD_BAGS = {
    "no camera": (lambda bag: bag.string(START, "x"), "no camera topic"),
    "no camera_info": (lambda bag: bag.image(START, pixels()), NO_INFO),
    "zero K": (
        lambda bag: (
            bag.info(START, k=np.zeros((3, 3)), p=np.zeros((3, 4))),
            bag.image(START, pixels()),
        ),
        "not calibrated",
    ),
    "other size": (
        lambda bag: (bag.info(START, width=8, height=8), bag.image(START, pixels())),
        "says 8x8 px",
    ),
    "unknown encoding": (
        lambda bag: (bag.info(START), bag.image(START, pixels(), encoding="rgb24")),
        "'rgb24'",
    ),
}


@pytest.mark.parametrize("name", BAD_BAGS)
def test_an_unusable_bag_gives_one_clear_error(jasmine, tmp_path, name):
    fill, words = BAD_BAGS[name]
    status, error, report = jasmine(write_bag(tmp_path / "in", fill))
    assert status == 1
    assert "Traceback" not in error
    lines = [line for line in error.splitlines() if line.startswith("error:")]
    assert len(lines) == 1
    why = lines[0] + (json.dumps(report) if report else "")
    assert words in why and ("/camera" in why or "std_msgs" in why)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--checkpoint", "/nowhere"], "no checkpoint at /nowhere"),
        (["--device", "cuda:99"], "cuda:99"),
        (["--precision", "fp16", "--device", "cpu"], "precision 'fp16' needs a GPU"),
        (["--network-width", "100", "--network-height", "64"], "multiples of 64"),
        (["--network-width", "64"], "set both or none"),
        (["--limit", "0"], "--limit is 0"),
        (["--every", "0"], "--every is 0"),
        (["--from", "5", "--to", "2"], "not before"),
        (["--from", "1000"], "after the end"),
        (["--from", "nan"], "--from is nan; it must be a number of seconds"),
        (["--to", "1e300"], "--to is 1e+300"),
        (["--namespace", "robot 1"], "--namespace is 'robot 1', which is no name in ROS 2"),
        (["--min-depth", "5", "--max-depth", "2"], "raise max_depth"),
        (["--params", "/nowhere.yaml"], "/nowhere.yaml does not exist"),
        (["--image", "/other"], "no topic /other"),
    ],
)
def test_wrong_options_give_one_clear_error(jasmine, tmp_path, options, words):
    status, error, _ = jasmine(write_bag(tmp_path / "in", frames(2)), *options)
    assert status == 1 and words in error and "Traceback" not in error
    lines = [line for line in error.splitlines() if "has been loading for" not in line]
    assert len(lines) == 1
    assert not (tmp_path / "out" / "depth").exists(), (
        "nothing is written before the options are checked"
    )


@pytest.mark.parametrize(
    "options, words",
    [
        (
            ["--scale-mode", "sparse_depth", "--scale-topic", "/lidarr"],
            "/lidarr, which scale_topic",
        ),
        (["--scale-mode", "odometry", "--odometry-topic", "/o"], "/o, which odometry_topic names"),
        (["--temporal", "fuse", "--odometry-topic", "/o"], "of type nav_msgs/msg/Odometry: none"),
    ],
)
def test_a_topic_that_the_bag_lacks_is_named(jasmine, tmp_path, options, words):
    status, error, report = jasmine(write_bag(tmp_path / "in", frames(2)), *options)
    assert status == 0 and report["frames"]["processed"] == 2
    assert error.count(" has no topic ") == 1 and words in error


def test_debug_shows_the_traceback(jasmine, tmp_path):
    assert "Traceback" in jasmine(tmp_path / "nowhere", "--debug")[1]


def test_results_are_overwritten_only_on_request(jasmine, tmp_path):
    bag = write_bag(tmp_path / "in", frames(1))
    assert jasmine(bag)[0] == 0
    status, error, _ = jasmine(bag)
    assert status == 1 and "--overwrite" in error
    assert jasmine(bag, "--overwrite")[0] == 0
    foreign = tmp_path / "mine" / "depth"
    foreign.mkdir(parents=True)
    (foreign / "thesis.tex").write_text("precious")
    status, error, _ = jasmine(bag, "--overwrite", out=tmp_path / "mine")
    assert status == 1 and (foreign / "thesis.tex").exists()


def test_names_that_are_not_utf_8_are_read_and_written(jasmine, tmp_path):
    name = os.fsdecode(b"caf\xe9")
    bag = write_bag(tmp_path / name, frames(2))
    out = tmp_path / f"{name} out"
    status, error, report = jasmine(bag, out=out)
    assert status == 0, error
    assert report["frames"]["processed"] == 2
    assert (out / "preview.png").stat().st_size > 0 and len(stamps(out / "depth")) == 2


def test_name_that_sqlite_cannot_open_is_refused(jasmine, tmp_path):
    name = os.fsdecode(b"caf\xe9")
    bag = write_bag(tmp_path / "in", frames(1), "sqlite3")
    status, error, _ = jasmine(bag, "--storage", "sqlite3", out=tmp_path / name)
    assert status == 1 and "not a UTF-8 name" in error and "rename it" in error
    status, error, _ = jasmine(bag.rename(tmp_path / name))
    assert status == 1 and "not a UTF-8 name" in error


@pytest.mark.parametrize("kind", ["fifo", "/dev/zero", "/nowhere"])
def test_bag_that_is_no_regular_file_is_refused(jasmine, tmp_path, kind):
    (tmp_path / "in").mkdir()
    for path in (tmp_path / "in" / "in.mcap", tmp_path / "single.mcap"):
        if kind == "fifo":
            os.mkfifo(path)
        else:
            path.symlink_to(kind)
    for bag in (tmp_path / "in", tmp_path / "single.mcap"):
        status, error, _ = jasmine(bag)
        assert status == 1 and "Traceback" not in error and "bug" not in error
        assert "FIFO or a device" in error or "does not exist" in error


def tree(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


@pytest.mark.parametrize("name", ["out/depth", "link", "out/depth/depth.mcap"])
def test_input_that_is_the_output_is_kept(jasmine, tmp_path, name):
    assert jasmine(write_bag(tmp_path / "in", frames(2)), "--copy")[0] == 0
    (tmp_path / "link").symlink_to("out/depth")
    before = tree(tmp_path / "out")
    status, error, _ = jasmine(tmp_path / name, "--overwrite")
    assert status == 1 and "would be replaced" in error and "-o" in error
    assert tree(tmp_path / "out") == before


@pytest.mark.parametrize("options", [["--checkpoint", "/nowhere"], ["--image", "/nowhere"]])
def test_run_that_cannot_start_keeps_the_earlier_result(jasmine, tmp_path, options):
    bag = write_bag(tmp_path / "in", frames(2))
    assert jasmine(bag)[0] == 0
    before = tree(tmp_path / "out")
    assert jasmine(bag, "--overwrite", *options)[0] == 1
    assert tree(tmp_path / "out") == before


@pytest.mark.parametrize("name", ["depth/notes/thesis.txt", "depth/monday.mcap", "preview.png"])
def test_files_of_the_user_among_the_results_are_kept(jasmine, tmp_path, name):
    bag = write_bag(tmp_path / "in", frames(1))
    assert jasmine(bag)[0] == 0
    mine = tmp_path / "out" / name
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("years of work")
    before = tree(tmp_path / "out")
    status, error, _ = jasmine(bag, "--overwrite")
    assert status == 1 and f"{mine} is in the place of a result" in error
    assert tree(tmp_path / "out") == before


def test_folder_that_another_process_writes_is_refused(jasmine, tmp_path):
    with exclusive(tmp_path / "out"):
        status, error, _ = jasmine(write_bag(tmp_path / "in", frames(1)))
    assert status == 1 and f"is being written by process {os.getpid()}" in error


# ---------------------------------------------------------------------- interrupted runs


def command(bag, out, checkpoint, *options):
    arguments = ["run", str(bag), "-o", str(out), "--checkpoint", str(checkpoint), *options]
    return [sys.executable, "-m", "jasmine_ros.cli", *arguments]


def test_ctrl_c_keeps_what_was_written(tmp_path, checkpoint):
    bag, out = write_bag(tmp_path / "in", frames(2000)), tmp_path / "out"
    process = subprocess.Popen(
        command(bag, out, checkpoint), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    while not any(f.stat().st_size > 2e5 for f in out.rglob("depth/*.mcap")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130, error
    assert "Traceback" not in error
    report = json.loads((out / "report.json").read_text())
    assert report["ended_by"] == "interrupted"
    assert 0 < report["frames"]["processed"] < 2000
    assert len(stamps(out / "depth")) == report["frames"]["processed"]
    assert (out / "preview.png").exists() or report["frames"]["processed"] < 167


def test_a_full_disk_keeps_what_was_written(tmp_path, checkpoint):
    """The file-size limit makes write(2) fail as a full disk does."""
    bag, out = write_bag(tmp_path / "in", frames(400)), tmp_path / "out"
    script = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({3 * 2**20}, {3 * 2**20})); "
        "from jasmine_ros.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    arguments = command(bag, out, checkpoint)[3:]
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 1, done.stderr
    assert "stay readable" in done.stderr and "Traceback" not in done.stderr
    kept = stamps(out / "depth")
    assert 50 < len(kept) < 400
    assert kept == [stamp(i) for i in range(len(kept))]
    assert "stay readable" in json.loads((out / "report.json").read_text())["ended_by"]


@pytest.mark.parametrize("kind", ["mcap", "ros1"])
def test_a_truncated_input_is_refused_with_a_remedy(jasmine, tmp_path, kind):
    path = write_bag(tmp_path / "in", frames(5), kind)
    file = path if path.is_file() else next(path.glob("*.mcap"))
    file.write_bytes(file.read_bytes()[:-1000])
    status, error, _ = jasmine(path)
    assert status == 1 and "repairs it" in error and "Traceback" not in error


def test_a_path_that_cannot_be_created_gives_one_clear_error(jasmine, tmp_path):
    (tmp_path / "file").write_text("in the way")
    status, error, _ = jasmine(write_bag(tmp_path / "in", frames(1)), out=tmp_path / "file" / "out")
    assert status == 1 and "file" in error and "bug" not in error and "Traceback" not in error


@pytest.mark.parametrize("topic", [INFO_TOPIC, "/tf_static"])
def test_damaged_messages_are_skipped_and_reported(jasmine, tmp_path, topic):
    static = ros2_channel("/tf_static", "tf2_msgs/msg/TFMessage")
    channels = [*CAMERA, static]
    damaged = [(topic, stamp(i), b"\0\1\0\0cut") for i in (0, 1)]
    body = chunk(described(channels) + messages(channels, [*damaged, *serialised(frames(2))]))
    options = ["--scale-mode", "sparse_depth", "--scale-topic", "/points"]
    status, _, report = jasmine(write_mcap(tmp_path / "in.mcap", body), *options)
    assert status == 0 and report["frames"]["processed"] == 2
    assert report["damaged_messages"][topic]["count"] == 2


def test_a_foreign_topic_is_copied_beside_the_depth(jasmine, tmp_path):
    foreign = Channel("/x", "Odom", "jsonschema", b"{}", "json")
    path = camera_with(tmp_path / "in.mcap", [(foreign, b"{1}")], frames(2))
    status, _, report = jasmine(path, "--copy")
    assert status == 0 and report["frames"]["processed"] == 2
    with Bag(tmp_path / "out" / "depth") as bag:
        (message,) = bag.messages(["/x"])
        assert message.raw == b"{1}" and message.connection.encoding == "json"
        assert bag.topics[DEPTH].count == bag.topics[IMAGE_TOPIC].count == 2
