# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""What is written from the dataclasses is what stands in the repository."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from jasmine_core.config import to_mapping
from jasmine_ros.node.generate_docs import FILES
from jasmine_ros.node.parameters import DepthParameters, NodeParameters
from jasmine_ros.node.topics import MEANINGS, OUTPUTS, SERVICES, info_beside

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", FILES)
def test_files_are_current(name):
    assert (ROOT / name).read_text() == FILES[name](), (
        "run python -m jasmine_ros.node.generate_docs"
    )


def test_the_parameter_file_holds_the_defaults():
    told = yaml.safe_load((ROOT / "config" / "depth.yaml").read_text())["/**"]["ros__parameters"]
    assert told == to_mapping(DepthParameters()) | to_mapping(NodeParameters())


def test_every_parameter_of_the_file_has_a_comment_above_it():
    lines = (ROOT / "config" / "depth.yaml").read_text().splitlines()
    begin = lines.index("  ros__parameters:") + 1
    for above, line in zip(lines[begin:], lines[begin + 1 :], strict=False):
        if not line.lstrip().startswith("#"):
            assert above.startswith("    # "), line


def test_every_number_has_a_range_and_every_parameter_a_meaning():
    """ROS shows both; a range is for both ends."""
    for spec in (*fields(DepthParameters), *fields(NodeParameters)):
        assert len(spec.metadata["description"]) > 10
        if spec.type in ("int", "float"):
            assert spec.metadata["minimum"] < spec.metadata["maximum"], spec.name


def test_every_topic_has_a_meaning():
    assert {"image", "camera_info", *OUTPUTS, *SERVICES} == MEANINGS.keys()


def test_a_camera_info_is_beside_its_images():
    assert info_beside("/cam/image_raw") == "/cam/camera_info"
    assert info_beside("/cam/image_raw/compressed") == "/cam/camera_info"
    assert info_beside("image") == "camera_info"
    assert info_beside("/image") == "/camera_info"
