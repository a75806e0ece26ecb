# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine run` on video: skipped images are counted, and copied packets keep their bytes."""

from __future__ import annotations

import json

import numpy as np
import pytest
from helpers.camera_bags import stamp, write_bag
from helpers.video_bags import FFMPEG_TOPIC, encode, record

from jasmine_ros.bags.reader import Bag
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
