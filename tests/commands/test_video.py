# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`run`, `prepare`, `evaluate` and `play` on video give what they give on the same raw images."""

from __future__ import annotations

import json
import logging

import cv2
import numpy as np
import pytest
from helpers.camera_bags import HEIGHT, WIDTH, stamp, write_bag
from helpers.corridor import CAMERA, look, pose
from helpers.video_bags import FFMPEG, FFMPEG_TOPIC, FOXGLOVE, encode, psnr, record, view

from jasmine_core.dataset.samples import Sequence
from jasmine_ros.bags.reader import IMAGE, Bag
from jasmine_ros.cli import main
from jasmine_ros.msgs.messages import stamp_ns

DEPTH = "/depth/image_rect"


@pytest.fixture
def run(checkpoint, tmp_path):
    """Run a bag; return the report and the depth by stamp."""

    def run(name, fill, *options):
        bag, out = write_bag(tmp_path / name, fill), tmp_path / f"{name}_out"
        given = ["run", str(bag), "-o", str(out), "--checkpoint", str(checkpoint), *options]
        status = main(given)
        depths = {}
        with Bag(out / "depth") as result:
            for message in result.messages([DEPTH]):
                image = result.decode(message)
                depth = image.data.view(np.float32).reshape(image.height, image.width)
                depths[stamp_ns(image.header.stamp)] = depth
        return status, json.loads((out / "report.json").read_text()), depths

    return run


def raw(count):
    def fill(bag):
        for index in range(count):
            bag.info(stamp(index))
            bag.image(stamp(index), view(index))

    return fill


@pytest.mark.parametrize(("kind", "codec"), [(FFMPEG, "h264"), (FOXGLOVE, "hevc")])
def test_the_depth_of_video_is_that_of_raw_images(run, kind, codec):
    _, _, expected = run("raw", raw(9))
    packets = encode(codec, 9, reorder=True)
    status, report, depths = run("video", record(packets, kind, text=codec))
    assert status == 0 and report["frames"]["processed"] == 9
    assert list(depths) == [stamp(i) for i in range(9)] == list(expected)
    for at, depth in depths.items():
        assert depth.shape == (HEIGHT, WIDTH)
        relative = np.abs(depth / expected[at] - 1)
        assert np.nanmedian(relative) < 0.02 and np.isfinite(depth).mean() > 0.99


def test_skipped_packets_are_counted_in_the_report(run):
    packets = encode("h264", 12)[2:]
    status, report, depths = run("video", record(packets))
    assert status == 0 and list(depths) == [stamp(i) for i in range(8, 12)]
    assert report["frames"]["received"] == 10 and report["frames"]["processed"] == 4
    (reason,) = report["frames"]["skipped"]
    assert "depends on one that is missing" in json.dumps(report["frames"]["skipped"]), reason


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--from", "0.5", "--to", "1.05"], [5, 6, 7, 8, 9, 10]),
        (["--every", "4"], [0, 4, 8]),
        (["--limit", "2"], [0, 1]),
    ],
)
def test_a_part_of_a_recording_can_be_chosen(run, options, expected):
    _, report, depths = run("video", record(encode("h264", 12)), *options)
    assert list(depths) == [stamp(i) for i in expected]
    assert report["frames"]["skipped"] == {}


def test_the_limit_of_pixels_is_the_parameter(run):
    status, report, depths = run(
        "video", record(encode("h264", 3)), "-p", f"max_image_pixels:={WIDTH * HEIGHT - 1}"
    )
    assert status != 0 and depths == {}
    assert "more than max_image_pixels 6143" in json.dumps(report["frames"]["skipped"])


def test_copied_packets_keep_their_bytes(run, tmp_path):
    packets = encode("h264", 6, reorder=True)
    run("video", record(packets), "--copy")
    with Bag(tmp_path / "video_out" / "depth") as bag:
        copied = [m.raw for m in bag.messages([FFMPEG_TOPIC])]
    with Bag(tmp_path / "video") as bag:
        assert sorted(copied) == sorted(m.raw for m in bag.messages([FFMPEG_TOPIC]))


def corridor(bag, at):
    K = CAMERA.K
    bag.info(at, width=CAMERA.width, height=CAMERA.height, k=K, p=np.column_stack([K, np.zeros(3)]))


@pytest.fixture
def moving(monkeypatch):
    """Let the encoded images be those of a camera that moves along a corridor."""
    monkeypatch.setattr("helpers.video_bags.view", lambda i, *size: look(pose(0.08 * i))[0])


def test_prepare_stores_the_images_of_video(moving, tmp_path):
    packets = encode("h264", 16, size=(CAMERA.width, CAMERA.height))
    bag = write_bag(tmp_path / "bag", record(packets, others=corridor))
    size = ["--width", "160", "--height", "96"]
    assert main(["prepare", str(bag), "-o", str(tmp_path / "data"), *size]) == 0
    sequence = Sequence(tmp_path / "data" / "bag")
    stamps = [frame.stamp for frame in sequence.index.frames]
    assert len(stamps) >= 3 and set(stamps) <= {stamp(i) for i in range(16)}
    for file in sorted((tmp_path / "data" / "bag" / "images").iterdir()):
        index = round((int(file.stem) - stamp(0)) / (stamp(1) - stamp(0)))
        stored = cv2.imread(str(file))[..., ::-1]
        assert psnr(stored, look(pose(0.08 * index))[0]) > 25


def test_evaluate_pairs_the_images_of_video(checkpoint, moving, tmp_path):
    packets = encode("h264", 6, size=(CAMERA.width, CAMERA.height), reorder=True)
    bag = write_bag(tmp_path / "bag", record(packets, others=corridor))
    (tmp_path / "gt").mkdir()
    for index in range(1, 6):
        depth = look(pose(0.08 * index))[1]
        cv2.imwrite(str(tmp_path / "gt" / f"{stamp(index)}.png"), np.uint16(depth * 256))
    out = tmp_path / "scores.json"
    given = ["evaluate", "--bag", str(bag), "--ground-truth", str(tmp_path / "gt")]
    given += ["--checkpoint", str(checkpoint), "--protocol", "plain", "--json", str(out)]
    assert main(given) == 0
    assert json.loads(out.read_text())["frames"] == 5


def test_play_publishes_the_images_of_video(tmp_path, domain, participant, caplog):
    """Packets before the first keyframe are counted."""
    from helpers.live_topics import receive

    bag = write_bag(tmp_path / "bag", record(encode("h264", 11)[5:]))
    reader = participant.reader("rt/camera/image_raw", IMAGE, reliable=True, depth=10)
    with caplog.at_level(logging.WARNING):
        assert main(["play", str(bag), "--domain", str(domain)]) == 0
    store = participant.typestore
    images = [store.deserialize_cdr(bytes(p), IMAGE) for p in receive(participant, reader, 3)]
    assert [stamp_ns(m.header.stamp) for m in images] == [stamp(i) for i in range(8, 11)]
    for number, image in enumerate(images):
        rgb = image.data.reshape(image.height, image.width, 3)
        assert image.encoding == "rgb8" and psnr(rgb, view(8 + number)) > 40
    assert "3 packets of /camera/image_raw/ffmpeg hold no image" in caplog.text
