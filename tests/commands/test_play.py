# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine play`: the wait for a subscriber, and its options."""

from __future__ import annotations

import signal

import pytest
from helpers.camera_bags import IMAGE_TOPIC, frames, write_bag
from helpers.live_topics import TIMEOUT, until_line

from jasmine_ros.cli import main

pytest.importorskip("cyclonedds", reason="no wheel of cyclonedds here")
PLAY = """
import sys
from jasmine_ros.cli import main
sys.exit(main(["play", *sys.argv[1:]]))
"""


def test_the_wait_for_a_subscriber_is_logged_once_and_ctrl_c_ends_it(tmp_path, domain, start):
    bag = write_bag(tmp_path / "bag", frames(2))
    play = start(PLAY, bag, "--domain", domain, "--wait", TIMEOUT)
    waiting = f"waiting for a subscriber to {IMAGE_TOPIC}, at most {TIMEOUT:g} s; Ctrl-C ends"
    until_line(play, waiting)
    play.send_signal(signal.SIGINT)
    out, err = play.communicate(timeout=TIMEOUT)
    assert play.returncode == 0 and out == "0 messages published\n"
    assert f"ended before {IMAGE_TOPIC} had a subscriber" in err
    assert "waiting" not in err and "Traceback" not in err


def test_images_are_published_without_a_subscriber_after_the_wait(tmp_path, domain, start):
    bag = write_bag(tmp_path / "bag", frames(2))
    play = start(PLAY, bag, "--domain", domain, "--wait", "0.2")
    out, err = play.communicate(timeout=TIMEOUT)
    assert play.returncode == 0 and out == "4 messages published\n"
    assert f"{IMAGE_TOPIC} has no subscriber after 0.2 s; publishing without one" in err


def test_a_negative_wait_is_refused(capsys):
    assert main(["play", "bag", "--wait", "-1"]) == 1
    assert "--wait is -1; it must be 0 or more" in capsys.readouterr().err
