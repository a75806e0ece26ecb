# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Reading and writing of config dataclasses, and errors for unknown keys and wrong types."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Literal

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from jasmine_core.config import from_mapping, read_config, to_mapping, write_config
from jasmine_core.errors import ConfigError


@dataclass(frozen=True)
class Lens:
    focal: float = 1.0  # [px]
    name: str = ""


@dataclass(frozen=True)
class Rig:
    count: int
    sure: bool = False
    scale: float | None = None
    size: tuple[int, int] = (4, 3)
    kind: Literal["left", "right"] = "left"
    lens: Lens = field(default_factory=Lens)
    lenses: tuple[Lens, ...] = ()


finite = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]))
lenses = st.builds(Lens, finite, texts)
rigs = st.builds(
    Rig,
    st.integers(),
    st.booleans(),
    st.none() | finite,
    st.tuples(st.integers(), st.integers()),
    st.sampled_from(["left", "right"]),
    lenses,
    st.lists(lenses, max_size=3).map(tuple),
)


@given(rigs)
def test_config_is_restored_from_its_mapping(rig):
    assert from_mapping(Rig, to_mapping(rig), "memory") == rig


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_config_is_restored_from_its_file(suffix, tmp_path_factory):
    path = tmp_path_factory.mktemp("config") / f"rig{suffix}"

    @settings(max_examples=40)
    @given(rigs)
    def comes_back(rig):
        write_config(rig, path)
        assert read_config(Rig, path) == rig

    comes_back()
    text = path.read_text()
    assert (json.loads if suffix == ".json" else yaml.safe_load)(text)["count"] is not None
    assert [f.name for f in path.parent.iterdir()] == [path.name]


def test_missing_keys_get_their_defaults():
    assert from_mapping(Rig, {"count": 2}, "f.yaml") == Rig(2)
    assert from_mapping(Rig, {"count": 2, "lens": {"focal": 3}}, "f.yaml").lens == Lens(3.0)


def test_integers_are_accepted_as_floats_but_not_floats_as_integers():
    rig = from_mapping(Rig, {"count": 2, "scale": 30}, "f.yaml")
    assert rig.scale == 30.0 and isinstance(rig.scale, float)
    with pytest.raises(ConfigError):
        from_mapping(Rig, {"count": 2.0}, "f.yaml")


@pytest.mark.parametrize("text", ["3e-5", "3.0e-5", "3E-05", "+0.3e-4", "0.00003"])
def test_all_notations_of_a_small_number_are_numbers(tmp_path, text):
    for suffix in (".yaml", ".json"):
        if suffix == ".yaml" or "+" not in text:
            path = tmp_path / f"lens{suffix}"
            path.write_text(f'{{"focal": {text}}}')
            assert read_config(Lens, path).focal == pytest.approx(3e-5)


@pytest.mark.parametrize("text", ["'3e-5'", "3e-5m", "3e", "run3e5"])
def test_text_that_begins_like_a_number_is_text(tmp_path, text):
    (tmp_path / "lens.yaml").write_text(f"name: {text}")
    assert read_config(Lens, tmp_path / "lens.yaml").name == text.strip("'")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"count": 2, "cuont": 3}, ["unknown key 'cuont'; the nearest known key is count"]),
        (
            {"count": 2, "lens": {"focus": 3}},
            ["unknown key 'focus' in lens; the nearest known key is focal"],
        ),
        (
            {"count": 2, 7: 3},
            ["unknown key 7; known keys are count, sure, scale, size, kind, lens"],
        ),
        (
            {"count": 2, "lens_": 3},
            ["unknown key 'lens_'; the nearest known keys are lens, lenses"],
        ),
        ({}, ["'count' is missing"]),
        ({"count": "2"}, ["count: '2' is not int"]),
        ({"count": True}, ["count: True is not int"]),
        ({"count": None}, ["count: None is not int"]),
        ({"count": 2, "sure": 1}, ["sure: 1 is not bool"]),
        ({"count": 2, "sure": "yes"}, ["'yes' is not bool"]),
        ({"count": 2, "scale": "far"}, ["scale: 'far' is not a number"]),
        ({"count": 2, "scale": False}, ["False is not a number"]),
        ({"count": 2, "size": [1, 2, 3]}, ["size: [1, 2, 3]"]),
        ({"count": 2, "size": "43"}, ["size: '43' is not a list"]),
        ({"count": 2, "size": [4, "3"]}, ["size[1]: '3' is not int"]),
        ({"count": 2, "lenses": "ab"}, ["lenses: 'ab' is not a list"]),
        ({"count": 2, "size": 4}, ["size: 4 is not a list"]),
        ({"count": 2, "kind": "up"}, ["kind: 'up' is not one of left, right"]),
        ({"count": 2, "lens": 5}, ["lens: 5 holds no keys and values"]),
        (
            {"count": 2, "lenses": [{"focal": 1}, {"focal": "x"}]},
            ["lenses[1].focal: 'x' is not a number"],
        ),
        ({"count": "a", "scale": "b"}, ["'a'", "'b'"]),  # all errors are reported at once
    ],
)
def test_errors_name_the_value_and_its_key(values, words):
    with pytest.raises(ConfigError) as refusal:
        from_mapping(Rig, values, "rig.yaml")
    message = str(refusal.value)
    assert message.startswith("rig.yaml: ")
    assert [word for word in words if word not in message] == []
    assert "\n" not in message and "Rig" not in message and "Lens" not in message


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"count: [1", "not valid YAML"),
        (b"count: \xff\xfe", "not valid YAML"),
        (b"- 1\n- 2\n", "holds no keys and values; write them as `key: value`"),
        (b"", "holds no keys and values"),
        (b"cuont: 2", "cuont"),
    ],
)
def test_damaged_file_is_named(tmp_path, content, reason):
    path = tmp_path / "rig.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=reason) as refusal:
        read_config(Rig, path)
    assert str(path) in str(refusal.value)


def test_missing_file_and_folder_are_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.yaml does not exist"):
        read_config(Rig, tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match=f"{tmp_path.name} cannot be read"):
        read_config(Rig, tmp_path)


def test_errors_of_the_dataclass_keep_their_text():
    from jasmine_ros.node.parameters import DepthParameters

    with pytest.raises(ConfigError, match=r"resize is 'foo'; choose one of fit, stretch, crop"):
        from_mapping(DepthParameters, {"resize": "foo"}, "node.yaml")
