# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Part of a recording that is processed, counted from its first image."""

from __future__ import annotations

import re

import pytest
from helpers.camera_bags import IMAGE_TOPIC, KINDS, frames, pixels, several, stamp, write_bag

from jasmine_core.errors import BagError
from jasmine_ros.bags.reader import Bag, without_strays
from jasmine_ros.commands.run_window import window_of


def window(path, start=None, stop=None):
    with Bag(path) as bag:
        found = window_of(bag, IMAGE_TOPIC, start, stop)
        count = sum(1 for _ in bag.messages([IMAGE_TOPIC], found.start, found.stop))
        assert found.images == count
        return found


STRAYS = {
    "a message at time 0": lambda bag: bag.string(0, "stray"),
    "a message a day later": lambda bag: bag.string(stamp(0) + 86_400 * 10**9, "stray"),
    "an image at time 0": lambda bag: bag.image(stamp(-1), pixels(), log=0),
    "an image a day later": lambda bag: bag.image(
        stamp(20), pixels(), log=stamp(0) + 86_400 * 10**9
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stray", STRAYS)
def test_time_counts_from_the_first_image(tmp_path, kind, stray):
    path = write_bag(tmp_path / "in", several([frames(12), STRAYS[stray]]), kind)
    whole = window(path)
    assert whole.first == stamp(0) and (whole.start, whole.stop) == (None, None)
    assert whole.images == 12 + ("image" in stray)
    part = window(path, 0.3, 0.75)
    assert (part.start, part.stop, part.images) == (stamp(3), stamp(7.5), 5)
    with pytest.raises(BagError, match=re.escape("whose images are 1.10 s long")):
        window(path, 1.2)


def test_a_wrong_start_in_the_metadata_changes_nothing(tmp_path):
    path = write_bag(tmp_path / "in", frames(12))
    file = path / "metadata.yaml"
    file.write_text(file.read_text().replace(str(stamp(0)), str(stamp(9))))
    assert window(path, 0.5).images == 7


def test_an_empty_part_and_a_topic_without_images_are_refused(tmp_path):
    path = write_bag(tmp_path / "in", frames(3))
    with pytest.raises(BagError, match=re.escape("--from 0.2 is not before --to 0.1")):
        window(path, 0.2, 0.1)
    assert window(path, 0.05, 0.08).images == 0


def test_only_single_times_far_from_all_others_are_strays():
    burst = [10**18 + i for i in range(200)]
    assert without_strays([0, *burst]) == burst
    assert without_strays([*burst, 2 * 10**18]) == burst
    assert without_strays([0, 1, *burst, 10**18 * 2]) == burst
    early = list(range(50))
    assert without_strays([*early, *burst]) == [*early, *burst], "a second half is not stray"
    slow = [i * 86_400 * 10**9 for i in range(9)]
    assert without_strays(slow) == slow, "one image a day is a usual recording"
    assert without_strays([0, 10**18]) == [0, 10**18]
    assert without_strays([]) == []
