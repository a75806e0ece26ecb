# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Rendered recordings of a fleet."""

from __future__ import annotations

import json

import pytest

from jasmine_core.errors import BagError
from jasmine_ros.bags import fleet
from jasmine_ros.bags.find import find_recordings
from jasmine_ros.bags.fleet import Member, members, write_fleet
from jasmine_ros.bags.reader import Bag
from jasmine_ros.bags.synthetic import IMAGE, ODOM


def test_a_fleet_has_all_kinds_and_faults_and_grows_at_its_end():
    many = members(200, 3)
    assert {m.kind for m in many} == set(fleet.KINDS)
    assert {m.fault for m in many} == set(fleet.FAULTS)
    assert 0.1 < sum(m.fault != "none" for m in many) / 200 < 0.3
    assert many[:20] == members(20, 3)
    assert many != members(200, 4)
    assert len({m.name for m in many}) == 200


def test_most_recordings_of_a_fleet_can_be_of_one_world():
    many = members(200, 3, "road")
    others = [m.kind for m in many[9::10] if m.fault != "standing"]
    assert {m.kind for m in many[:9]} == {"road"} and set(others) == {"street", "indoor", "room"}
    assert sum(m.kind == "road" for m in many) >= 180
    assert many[:20] == members(20, 3, "road")


@pytest.fixture
def small(monkeypatch):
    """Let a fleet have one small recording for each fault."""
    found = [
        Member(f"road_{i}", i, "road", fault, (64, 32), 10.0, storage)
        for i, (fault, storage) in enumerate(
            [
                ("none", "sqlite3"),
                ("standing", "mcap"),
                ("truncated", "mcap"),
                ("no_metadata", "mcap"),
            ]
        )
    ]
    monkeypatch.setattr(fleet, "members", lambda count, seed, common: found[:count])
    return found


def test_recordings_have_the_faults_of_their_members(small, tmp_path):
    assert write_fleet(4, 0, 3, tmp_path)
    listed = json.loads((tmp_path / "fleet.json").read_text())
    assert [m["fault"] for m in listed] == ["none", "standing", "truncated", "no_metadata"]
    assert [one.name for one in find_recordings([tmp_path])] == [m.name for m in small]
    for number, moves in ((0, True), (1, False)):
        with Bag(tmp_path / small[number].name) as bag:
            assert len(bag.stamps(IMAGE)) == 3
            places = [bag.decode(m).pose.pose.position.x for m in bag.messages([ODOM])]
            assert (places[-1] > 0.1) == moves
    with pytest.raises(BagError), Bag(tmp_path / "road_2") as bag:
        bag.stamps(IMAGE)
    assert not (tmp_path / "road_3/metadata.yaml").exists()
    with Bag(tmp_path / "road_3") as bag:
        assert len(bag.stamps(IMAGE)) == 3


def test_an_interrupted_fleet_continues(small, tmp_path):
    answers = iter([False, True])
    assert not write_fleet(2, 0, 2, tmp_path, lambda: next(answers))
    before = (tmp_path / "road_0/metadata.yaml").stat().st_mtime_ns
    assert not (tmp_path / "road_1").exists()
    assert write_fleet(2, 0, 2, tmp_path)
    assert (tmp_path / "road_1").exists()
    assert (tmp_path / "road_0/metadata.yaml").stat().st_mtime_ns == before
