# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Writer of bags, which stay readable after an error or on a full disk."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from helpers.camera_bags import IMAGE_TOPIC, KINDS, Recorder, frames, pixels, stamp, write_bag

from jasmine_core.errors import BagError
from jasmine_ros.bags.reader import Bag
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.bags.writer import STORAGES, BagWriter

TOPIC, KIND = "/depth", "sensor_msgs/msg/Image"


def depth_message(index, size=256):
    messages = RosbagsMessages()
    header = Recorder(None, messages).header(stamp(index))
    data = np.random.default_rng(index).integers(0, 255, 4 * size * size, np.uint8)
    return messages.make(
        KIND, header=header, height=size, width=size, encoding="32FC1", step=4 * size, data=data
    )


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("compress", [False, True])
def test_written_messages_are_read_again(tmp_path, storage, compress):
    with BagWriter(tmp_path / "out", storage, compress) as writer:
        writer.add(TOPIC, KIND)
        for index in range(12):
            writer.write(TOPIC, stamp(index), depth_message(index))
    assert {f.suffix for f in (tmp_path / "out").iterdir()} == {
        ".yaml",
        ".mcap" if storage == "mcap" else ".db3",
    }
    with Bag(tmp_path / "out") as bag:
        read = [(m.stamp, bag.decode(m)) for m in bag.messages()]
    assert [at for at, _ in read] == [stamp(i) for i in range(12)]
    for index, (_, message) in enumerate(read):
        np.testing.assert_array_equal(message.data, depth_message(index).data)


@pytest.mark.parametrize("storage", STORAGES)
def test_a_bag_is_readable_after_an_error_in_its_block(tmp_path, storage):
    with pytest.raises(KeyboardInterrupt), BagWriter(tmp_path / "out", storage) as writer:
        writer.add(TOPIC, KIND)
        for index in range(9):
            writer.write(TOPIC, stamp(index), depth_message(index))
        raise KeyboardInterrupt
    with Bag(tmp_path / "out") as bag:
        assert len(list(bag.messages())) == 9


@pytest.mark.parametrize("kind", KINDS)
def test_messages_of_every_storage_are_copied_to_ros_2(tmp_path, kind):
    def fill(bag):
        frames(3)(bag)
        bag.string(stamp(1), "kept")

    source = write_bag(tmp_path / "in", fill, kind)
    with Bag(source) as bag, BagWriter(tmp_path / "out") as writer:
        for message in bag.messages():
            writer.copy(message, bag)
    with Bag(tmp_path / "out") as bag:
        read = {(m.topic, m.stamp): bag.decode(m) for m in bag.messages()}
    assert len(read) == 7
    assert read["/note", stamp(1)].data == "kept"
    image = read[IMAGE_TOPIC, stamp(2)]
    np.testing.assert_array_equal(np.asarray(image.data).reshape(pixels().shape), pixels(2))
    assert image.header.stamp.nanosec == stamp(2) % 10**9
    assert not hasattr(image.header, "seq")


def test_an_existing_folder_and_an_unknown_storage_are_refused(tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(BagError, match="exists already"):
        BagWriter(tmp_path / "out")
    with pytest.raises(BagError, match="storage 'tape'"):
        BagWriter(tmp_path / "new", "tape")


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("limit_mb", [1.1, 3.05, 5.0, 6.4])
def test_a_bag_is_readable_after_its_file_could_not_grow(tmp_path, storage, limit_mb):
    """The limit of the file size makes write(2) fail, as a full disk does."""
    script = textwrap.dedent(
        """
        import resource, signal, sys
        from pathlib import Path
        import numpy as np
        from jasmine_ros.bags.writer import BagWriter
        from jasmine_core.errors import BagError
        from jasmine_ros.bags.rosbags_messages import RosbagsMessages

        out, storage, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        message = RosbagsMessages().make(
            "sensor_msgs/msg/Image", height=256, width=256, encoding="32FC1", step=1024,
            data=np.random.default_rng(0).integers(0, 255, 256 * 1024, np.uint8),
        )
        written = 0
        try:
            with BagWriter(out, storage) as writer:
                writer.add("/depth", "sensor_msgs/msg/Image")
                for written in range(100):
                    writer.write("/depth", written, message)
        except BagError as err:
            print(written, err)
            sys.exit(7)
        """
    )
    limit = int(limit_mb * 2**20)
    command = [sys.executable, "-c", script, str(tmp_path / "out"), storage, str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 7, done.stderr
    assert "stay readable" in done.stdout
    with Bag(tmp_path / "out") as bag:
        stamps = [m.stamp for m in bag.messages()]
        promised = int(re.search(r"the first (\d+) messages stay readable", done.stdout)[1])
        assert stamps == list(range(len(stamps)))
        assert len(stamps) == bag.topics["/depth"].count == promised
    lost = int(done.stdout.split()[0]) - len(stamps)
    assert lost <= 10, "more than two chunks were lost"
