# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Generated files of the repository, compared with their generator."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from jasmine_core.config import to_mapping
from jasmine_ros.node.generate_docs import FILES
from jasmine_ros.node.parameters import DepthParameters, NodeParameters
from jasmine_ros.node.topics import MEANINGS, OUTPUTS, SERVICES, info_beside

ROOT = Path(__file__).parents[2]
PARAMETERS = (*fields(DepthParameters), *fields(NodeParameters))


@pytest.mark.parametrize("name", FILES)
def test_generated_files_are_up_to_date(name):
    assert (ROOT / name).read_text() == FILES[name](), (
        "run python -m jasmine_ros.node.generate_docs"
    )


def test_the_parameter_file_holds_the_defaults():
    values = yaml.safe_load((ROOT / "config" / "depth.yaml").read_text())["/**"]["ros__parameters"]
    assert values == to_mapping(DepthParameters()) | to_mapping(NodeParameters())


def test_every_parameter_of_the_file_has_a_comment_above_it():
    lines = (ROOT / "config" / "depth.yaml").read_text().splitlines()
    begin = lines.index("  ros__parameters:") + 1
    for above, line in zip(lines[begin:], lines[begin + 1 :], strict=False):
        if not line.lstrip().startswith("#"):
            assert above.startswith("    # "), line


def test_every_number_has_a_range():
    for spec in fields(DepthParameters):
        if spec.type in ("int", "float"):
            assert spec.metadata["minimum"] < spec.metadata["maximum"], spec.name


def test_every_description_is_a_sentence():
    texts = {spec.name: spec.metadata["description"] for spec in PARAMETERS} | MEANINGS
    wrong = [name for name, text in texts.items() if not (text[0].isupper() and text[-1] == ".")]
    assert wrong == []


def test_a_physical_parameter_names_its_unit():
    units = {
        "[m]": {"camera_height"},
        "[m, or units if up-to-scale]": {"min_depth", "max_depth", "points_max_range"},
        "[rad]": {"camera_pitch"},
        "[s]": {"scale_time_constant", "latency_warn", "latency_error"},
        "[Hz]": {"rate_warn", "rate_error"},
        "[px]": {"network_width", "network_height", "points_stride"},
    }
    texts = {spec.name: spec.metadata["description"] for spec in PARAMETERS}
    for unit, names in units.items():
        assert {name for name, text in texts.items() if unit in text} == names, unit


def test_descriptions_name_no_parameter_or_choice_that_does_not_exist():
    names = {spec.name for spec in PARAMETERS}
    choices = {choice for spec in PARAMETERS for choice in spec.metadata["choices"]}
    for spec in PARAMETERS:
        for word in re.findall(r"[a-z]+_[a-z_]+", spec.metadata["description"]):
            assert word in names | choices, f"{spec.name}: {word}"


def test_every_topic_has_a_description():
    assert {"image", "camera_info", *OUTPUTS, *SERVICES} == MEANINGS.keys()


def test_the_camera_info_has_the_namespace_of_its_images():
    assert info_beside("/cam/image_raw") == "/cam/camera_info"
    assert info_beside("/cam/image_raw/compressed") == "/cam/camera_info"
    assert info_beside("image") == "camera_info"
    assert info_beside("/image") == "/camera_info"
