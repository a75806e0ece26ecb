# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine view` in its own process: the messages of a robot are in the file that it writes."""

from __future__ import annotations

import resource
import signal
import sys
import time

import cv2
import numpy as np
import pytest
from helpers.camera_bags import HEIGHT, WIDTH, Recorder, pixels, stamp
from helpers.live_topics import TIMEOUT, until, until_line
from helpers.rerun_files import read
from helpers.tf_messages import tf

from jasmine_core.errors import ConfigError, FrameError, JasmineError
from jasmine_core.geometry.rigid import rigid
from jasmine_ros.cli import main
from jasmine_ros.commands.view import ViewRequest, require_rerun, show_topics
from jasmine_ros.commands.view_messages import Converter
from jasmine_ros.msgs.images import encode_image
from jasmine_ros.msgs.messages import make_header
from jasmine_ros.msgs.point_clouds import make_cloud

# A viewer that makes a file when it has shown enough messages of each topic.
VIEW = """
import sys
from pathlib import Path
from jasmine_ros.commands import view

class Counting(view.Viewer):
    def receive(self):
        super().receive()
        if all(self.shown[topic] >= 3 for topic in sys.argv[4].split()):
            Path(sys.argv[3]).touch()

view.Viewer = Counting
request = view.ViewRequest(tuple(sys.argv[5:]), save=Path(sys.argv[2]), domain=int(sys.argv[1]))
print(view.show_topics(request))
"""
VIEW_COMMAND = """
import sys
from jasmine_ros.cli import main
sys.exit(main(["view", *sys.argv[1:]]))
"""
UNLIMITED = resource.RLIM_INFINITY
MOST_FRAMES = 3000  # until the viewer has shown enough, on a busy machine
TYPES = {
    "/camera/image_raw": "sensor_msgs/msg/Image",
    "/camera/image_raw/compressed": "sensor_msgs/msg/CompressedImage",
    "/camera/camera_info": "sensor_msgs/msg/CameraInfo",
    "/depth/image_rect": "sensor_msgs/msg/Image",
    "/depth/points": "sensor_msgs/msg/PointCloud2",
    "/tf": "tf2_msgs/msg/TFMessage",
    "/tf_static": "tf2_msgs/msg/TFMessage",
    "/note": "std_msgs/msg/String",
}
POINTS = np.array([[[1, 2, 3], [4, 5, 6], [np.nan, 0, 0]]], np.float32)
COLOURS = np.array([[[10, 20, 30], [40, 50, 60], [0, 0, 0]]], np.uint8)
WORD = rigid(np.eye(3), [1.0, 2.0, 3.0])

rerun = pytest.importorskip("rerun", reason="rerun-sdk is not installed (the extra 'viz')")


class Robot:
    """Publishers of all topics of a robot, in this process."""

    def __init__(self, participant, messages):
        self.participant, self.messages = participant, messages
        store = messages.typestore
        self.writers = {
            topic: participant.writer(f"rt{topic}", kind, transient=topic == "/tf_static")
            for topic, kind in TYPES.items()
        }
        self.send = lambda topic, message: self.writers[topic].write(
            store.serialize_cdr(message, TYPES[topic])
        )
        self.recorder = Recorder(lambda topic, kind, at, m: self.send(topic, m), messages)
        self.send("/tf_static", tf(("base_link", "camera_optical_frame", WORD, stamp(0))))

    def frame(self, index):
        header = make_header(self.messages, stamp(index), "camera_optical_frame")
        depth = np.full((HEIGHT, WIDTH), 2.5 + index, np.float32)
        self.recorder.info(stamp(index))
        self.recorder.image(stamp(index), pixels(index))
        self.recorder.jpeg(stamp(index), pixels(index))
        self.recorder.string(stamp(index), "nothing to see")
        self.send("/depth/image_rect", encode_image(self.messages, header, depth, "32FC1"))
        self.send("/depth/points", make_cloud(self.messages, header, POINTS, COLOURS))
        self.send("/tf", tf(("odom", "base_link", WORD, stamp(index))))

    def leave(self):
        for writer in self.writers.values():
            self.participant.remove_writer(writer)


def readable(file):
    """Return what can be read of a file that is still written."""
    try:
        return read(file)
    except Exception:  # Rerun has no error class of its own for an incomplete file.
        return {}


@pytest.fixture
def watch(start, participant, messages, domain, tmp_path):
    """Return a function that publishes frames and returns the file and the output of a viewer."""

    def watch(*topics, leave=False, number=signal.SIGINT):
        robot, file = Robot(participant, messages), tmp_path / "some" / "drive.rrd"
        expected = [t for t in topics or TYPES if t != "/note" and t != "/tf_static"]
        enough = tmp_path / "enough"
        process = start(VIEW, domain, file, enough, " ".join(expected), *topics)
        until(lambda: all(robot.writers[t].matched for t in expected), "viewer")
        for index in range(MOST_FRAMES):
            robot.frame(index)
            time.sleep(0.1)
            if enough.exists():
                break
        assert enough.exists() and process.poll() is None
        if leave:
            robot.leave()
            time.sleep(1.5)  # longer than the search period of the viewer
            assert process.poll() is None
        if number == signal.SIGKILL:  # Rerun hands data over with a delay.
            until(lambda: all(topic in readable(file) for topic in expected), "data in the file")
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
        assert process.returncode == (0 if number == signal.SIGINT else -number), err
        return read(file), out, err

    return watch


def test_all_messages_of_a_robot_are_in_the_file(watch):
    found, out, err = watch()
    assert "Traceback" not in err and "warn" not in err

    image = found["/camera/image_raw"]
    assert len(image["Image:buffer"]) >= 3
    index = [stamp(i) for i in range(MOST_FRAMES)].index(image["stamp"][0])
    np.testing.assert_array_equal(
        np.array(image["Image:buffer"][0][0], np.uint8).reshape(HEIGHT, WIDTH, 3), pixels(index)
    )

    jpeg = np.array(found["/camera/image_raw/compressed"]["EncodedImage:blob"][0][0], np.uint8)
    assert cv2.imdecode(jpeg, cv2.IMREAD_COLOR).shape == (HEIGHT, WIDTH, 3)

    depth = np.array(found["/depth/image_rect"]["DepthImage:buffer"][0][0], np.uint8)
    assert set(depth.view(np.float32)) <= {2.5 + i for i in range(MOST_FRAMES)}
    assert found["/depth/image_rect"]["DepthImage:meter"][0] == [1.0]

    points = found["/depth/points"]
    np.testing.assert_array_equal(points["Points3D:positions"][0], POINTS[0, :2])
    assert points["Points3D:colors"][0] == [0x0A141EFF, 0x28323CFF]
    assert points["CoordinateFrame:frame"] == [["camera_optical_frame"]]

    pinhole = found["/camera/camera_info"]
    assert pinhole["Pinhole:parent_frame"][0] == ["camera_optical_frame"]
    assert pinhole["Pinhole:child_frame"][0] == ["/camera/camera_info"]
    assert image["CoordinateFrame:frame"] == [["/camera/camera_info"]]
    np.testing.assert_allclose(
        np.array(pinhole["Pinhole:image_from_camera"][0][0]).reshape(3, 3).T,
        [[80, 0, WIDTH / 2], [0, 80, HEIGHT / 2], [0, 0, 1]],
    )

    for entity, parent in (("/tf/base_link", "odom"), ("/tf_static/camera_optical_frame", None)):
        frames = found[entity]
        assert frames["Transform3D:parent_frame"][0] == [parent or "base_link"]
        np.testing.assert_allclose(frames["Transform3D:translation"][0][0], [1, 2, 3])
    assert "/note" not in found and "'/depth/points': " in out


def test_only_requested_topics_are_shown_and_a_robot_may_disappear(watch):
    found, _, _ = watch("/depth/points", leave=True)
    assert "/depth/points" in found
    assert not any(entity.startswith(("/camera", "/tf", "/depth/image")) for entity in found)


def test_a_full_disk_ends_the_viewer_with_an_error(start, participant, messages, domain, tmp_path):
    """The limit of the size of a file acts as a full disk."""
    robot, file = Robot(participant, messages), tmp_path / "drive.rrd"
    limit = f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (50_000, {UNLIMITED}))"
    process = start(limit + VIEW, domain, file, tmp_path / "enough", "/never")
    until(lambda: robot.writers["/camera/image_raw"].matched, "viewer")
    for index in range(MOST_FRAMES):
        robot.frame(index)
        time.sleep(0.1)
        if process.poll() is not None:
            break
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1 and f"{file}'" in err and "File too large" in err
    assert list(tmp_path.iterdir()) == [file]  # with what was received


def test_a_file_of_the_user_is_kept(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("mine")
    with pytest.raises(JasmineError, match=r"notes\.txt exists and is not a file of Rerun"):
        show_topics(ViewRequest(save=file))
    assert file.read_text() == "mine"


def view_once(start, domain, *arguments):
    """Run `jasmine view` in another process to its end; return status, output and error."""
    process = start(VIEW_COMMAND, *arguments, "--domain", domain)
    out, err = process.communicate(timeout=TIMEOUT)
    return process.returncode, out, err


def test_without_messages_an_earlier_file_remains(start, domain, tmp_path):
    """The topics are typing errors of a path, or have no publisher."""
    file = tmp_path / "drive.rrd"
    file.write_bytes(b"RRF2 earlier")
    options = ("--save", file, "--seconds", "0.5")
    status, out, err = view_once(start, domain, "outt", "/usr/outt", "/none", *options)
    assert status == 1 and "see " not in out
    for name, shown in (("outt", "/outt"), ("/usr/outt", "/usr/outt")):
        assert f"{name} does not exist on the disk and is shown as the live topic {shown}\n" in err
        assert f"WARNING: no message received on {shown}\n" in err
    assert "/none does not exist" not in err and "no message received on /none\n" in err
    assert f"{file} is not written, because no message was received" in err
    assert file.read_bytes() == b"RRF2 earlier" and list(tmp_path.iterdir()) == [file]
    status, _, err = view_once(start, domain, *options)
    assert status == 1 and f"no message received on any topic of domain {domain}" in err


def test_a_topic_of_another_type_is_named(start, participant, messages, domain, tmp_path):
    Robot(participant, messages)
    options = ("--save", tmp_path / "drive.rrd", "--seconds", TIMEOUT, "--domain", domain)
    process = start(VIEW_COMMAND, "/note", *options)
    until_line(process, "/note has the type std_msgs/msg/String, which cannot be shown")
    process.send_signal(signal.SIGINT)
    assert "no message received on /note" not in process.communicate(timeout=TIMEOUT)[1]


def test_an_earlier_file_is_replaced_when_messages_arrive(watch, tmp_path):
    """The received messages are readable after a kill too, and no other file is left."""
    file = tmp_path / "some" / "drive.rrd"
    file.parent.mkdir()
    file.write_bytes(b"RRF2 earlier")
    found, _, _ = watch("/depth/points", number=signal.SIGKILL)
    assert "/depth/points" in found and list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("seconds", ["0", "-3"])
def test_a_duration_that_is_not_above_zero_is_refused(capsys, seconds):
    assert main(["view", "/none", "--seconds", seconds]) == 1
    assert f"--seconds is {seconds}; it must be above 0" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_refused_first(capsys):
    for option in ("--save", "--rrd"):
        assert main(["view", option, "/proc/x.rrd"]) == 1
        err = capsys.readouterr().err
        assert "--save is /proc/x.rrd, which cannot be written" in err and "partial" not in err


def test_an_error_names_the_topic_of_a_damaged_message(messages):
    header = make_header(messages, stamp(0), "lidar")
    convert, cloud = Converter(rerun), make_cloud(messages, header, POINTS, COLOURS)
    cloud.point_step = 3
    with pytest.raises(FrameError, match="/scan"):
        list(convert("/scan", TYPES["/depth/points"], cloud))


def test_without_rerun_the_error_names_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "rerun", None)
    with pytest.raises(ConfigError, match=r"jasmine_ros\[viz\]"):
        require_rerun()
