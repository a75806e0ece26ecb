# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Commands on video: the same results as on the same raw images."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from helpers.camera_bags import HEIGHT, WIDTH, stamp, write_bag
from helpers.corridor import CAMERA, look, pose
from helpers.live_topics import TIMEOUT, receive
from helpers.video_bags import FFMPEG_TOPIC, encode, psnr, record, view

from jasmine_core.dataset.sequences import Sequence
from jasmine_ros.bags.camera_topics import choose_camera
from jasmine_ros.bags.reader import IMAGE, Bag
from jasmine_ros.cli import main
from jasmine_ros.msgs.messages import stamp_ns

DEPTH = "/depth/image_rect"
PLAY = "import sys; from jasmine_ros.cli import main; sys.exit(main(['play', *sys.argv[1:]]))"


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


def test_the_depth_of_video_is_that_of_its_images(run, tmp_path):
    """The same images as raw messages give the same depth, with the same stamps in order."""
    _, _, depths = run("video", record(encode("h264", 5, reorder=True)))

    def raw(bag):
        with Bag(tmp_path / "video") as source:
            camera = choose_camera(source)
            for index, message in enumerate(source.messages([camera.image])):
                rgb = source.decode(message).data.reshape(HEIGHT, WIDTH, 3)
                assert psnr(rgb, view(index)) > 40
                bag.info(stamp(index))
                bag.image(stamp(index), rgb)

    _, _, expected = run("raw", raw)
    assert list(depths) == [stamp(i) for i in range(5)] == list(expected)
    for at, depth in depths.items():
        np.testing.assert_array_equal(depth, expected[at])


def test_skipped_packets_are_counted_in_the_report(run):
    packets = encode("h264", 12)[2:]
    status, report, depths = run("video", record(packets))
    assert status == 0 and list(depths) == [stamp(i) for i in range(8, 12)]
    assert report["frames"]["received"] == 10 and report["frames"]["processed"] == 4
    (reason,) = report["frames"]["skipped"]
    assert "depends on one that is missing" in json.dumps(report["frames"]["skipped"]), reason


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


@pytest.fixture
def positive(make_model, tmp_path):
    """Return a checkpoint whose random depth is positive."""
    import torch

    model = make_model()
    with torch.no_grad():
        model.ssg.ss_head.shift_head[2].bias += 1
    model.save_pretrained(tmp_path / "positive")
    return tmp_path / "positive"


def test_evaluate_gives_the_scores_of_the_images(positive, moving, tmp_path):
    packets = encode("h264", 6, size=(CAMERA.width, CAMERA.height), reorder=True)
    video = write_bag(tmp_path / "video", record(packets, others=corridor))

    def raw(bag):
        with Bag(video) as source:
            camera = choose_camera(source)
            for index, message in enumerate(source.messages([camera.image])):
                corridor(bag, stamp(index))
                rgb = source.decode(message).data.reshape(CAMERA.height, CAMERA.width, 3)
                bag.image(stamp(index), rgb)

    (tmp_path / "depth").mkdir()
    for index in range(1, 6):
        depth = look(pose(0.08 * index))[1]
        cv2.imwrite(str(tmp_path / "depth" / f"{stamp(index)}.png"), np.uint16(depth * 256))
    scores = []
    for bag in (video, write_bag(tmp_path / "raw", raw)):
        out = tmp_path / f"{bag.name}.json"
        given = ["evaluate", "--bag", str(bag), "--ground-truth", str(tmp_path / "depth")]
        given += ["--checkpoint", str(positive), "--protocol", "plain", "--json", str(out)]
        assert main(given) == 0
        scores.append(json.loads(out.read_text()))
    assert scores[0]["frames"] == 5 and scores[0]["damaged_messages"] == {}
    assert scores[0]["model"] == scores[1]["model"]


def test_play_publishes_the_images_of_video(tmp_path, domain, participant, start):
    """Packets before the first keyframe hold no image, and are counted."""
    bag = write_bag(tmp_path / "bag", record(encode("h264", 11)[5:]))
    reader = participant.reader("rt/camera/image_raw", IMAGE, reliable=True, depth=10)
    play = start(PLAY, bag, "--domain", domain, "--wait", 60)
    payloads = receive(participant, reader, 3)
    images = [participant.typestore.deserialize_cdr(bytes(p), IMAGE) for p in payloads]
    assert [stamp_ns(m.header.stamp) for m in images] == [stamp(i) for i in range(8, 11)]
    for number, image in enumerate(images):
        rgb = image.data.reshape(image.height, image.width, 3)
        assert image.encoding == "rgb8" and psnr(rgb, view(8 + number)) > 40
    _, error = play.communicate(timeout=TIMEOUT)
    assert play.returncode == 0 and f"3 packets of {FFMPEG_TOPIC} hold no image" in error
