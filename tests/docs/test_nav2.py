# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Costmap parameters of docs/nav2.md, compared with those that Nav2 declares on each ROS 2."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.markdown import ROOT, blocks

from jasmine_ros.node.topics import OUTPUTS, POINTS

DOCUMENT = ROOT / "docs" / "nav2.md"
DECLARED = yaml.safe_load((Path(__file__).parents[1] / "data" / "nav2_costmap_2d.yaml").read_text())
VOXELS, INFLATION = "nav2_costmap_2d::VoxelLayer", "inflation_layer"
DISTRIBUTIONS = ["jazzy", "kilted"]
MOST_VOXELS = 16  # of a column


def declared(part: str, distribution: str) -> dict[str, Any]:
    """Return {parameter: default} of the costmap, of a layer or of a source."""
    return DECLARED[part] | DECLARED.get(distribution, {}).get(part, {})


@pytest.fixture(scope="module")
def costmap() -> dict[str, Any]:
    """Return the parameters of the costmap in the document."""
    (block,) = [block for block in blocks(DOCUMENT) if block.language == "yaml"]
    return yaml.safe_load(block.text)["local_costmap"]["local_costmap"]["ros__parameters"]


@pytest.fixture(scope="module")
def layer(costmap) -> dict[str, Any]:
    (name,) = set(costmap["plugins"]) - {INFLATION}
    return costmap[name]


@pytest.fixture(scope="module")
def source(layer) -> dict[str, Any]:
    (name,) = layer["observation_sources"].split()
    return layer[name]


def assert_declared(given: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Assert the names and types; ROS 2 refuses an integer for a parameter of type double."""
    assert given.keys() <= known.keys(), f"not declared: {given.keys() - known.keys()}"
    types = {name: type(known[name]) for name in given}
    assert {name: type(value) for name, value in given.items()} == types


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_the_parameters_of_the_costmap_are_declared_by_nav2(costmap, layer, source, distribution):
    layers = set(costmap["plugins"])
    own = {name: value for name, value in costmap.items() if name not in layers}
    assert_declared(own, declared("costmap", distribution))
    assert costmap.keys() - own.keys() == layers - {INFLATION}, "Nav2's file has the other layer"

    assert layer["plugin"] == VOXELS
    sources = set(layer["observation_sources"].split())
    own = {name: v for name, v in layer.items() if name not in sources | {"plugin"}}
    assert_declared(own, declared(VOXELS, distribution))
    assert_declared(source, declared("source", distribution))


def test_the_source_reads_the_cloud_of_the_node(source):
    assert source["topic"] == f"/{POINTS}"
    assert OUTPUTS[POINTS] == f"sensor_msgs/msg/{source['data_type']}"


def test_heights_and_ranges_fit_each_other_and_the_node(layer, source):
    text = (ROOT / "config" / "nav2_depth.yaml").read_text()
    node = yaml.safe_load(text)["/**"]["ros__parameters"]
    assert source["obstacle_max_range"] < source["raytrace_max_range"] <= node["points_max_range"]
    assert node["min_depth"] <= source["raytrace_min_range"] < source["obstacle_min_range"]
    assert layer["z_voxels"] <= MOST_VOXELS
    height = layer["origin_z"] + layer["z_voxels"] * layer["z_resolution"]
    assert source["max_obstacle_height"] == layer["max_obstacle_height"] == pytest.approx(height)
    assert layer["mark_threshold"] < layer["z_voxels"]


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_the_defaults_in_the_document_are_those_of_nav2(layer, source, distribution):
    rows = re.findall(r"^\| `(.+?)` \| `(.+?)` \| .+ \|$", DOCUMENT.read_text(), re.MULTILINE)
    assert rows
    name = layer["observation_sources"]
    for row, default in rows:
        group, _, parameter = row.rpartition(".")
        part, used = {"": (VOXELS, layer), name: ("source", source)}[group]
        assert declared(part, distribution)[parameter] == yaml.safe_load(default), row
        assert used[parameter] != yaml.safe_load(default), f"{row} is set to another value"
