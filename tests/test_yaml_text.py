# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""YAML of users and strangers: numbers, aliases and nesting."""

from __future__ import annotations

import pytest
import yaml

from jasmine_core.yaml_text import MAX_YAML, parse_yaml


@pytest.mark.parametrize("text", ["2e-05", "1e-3", "-1E+2", "1.5e3", ".5e-3", "+2.e1", "1.0e-3"])
def test_numbers_with_an_exponent_are_numbers(text):
    assert parse_yaml(text) == float(text)
    assert parse_yaml(f"[0, {text}]") == [0, float(text)]


@pytest.mark.parametrize("text", ["e5", "1e", "1e-3m", "'1e-3'", "a1e-3"])
def test_other_words_are_text(text):
    assert isinstance(parse_yaml(text), str)


def test_aliases_are_refused():
    bomb = "a: &a [x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    with pytest.raises(yaml.YAMLError, match=r"alias .*is not supported; repeat the value"):
        parse_yaml(bomb)


@pytest.mark.parametrize("text", ["12:30", "1:2:3.5", ":".join(["1"] * 300_000)])
def test_numbers_to_the_base_of_60_are_text(text):
    assert parse_yaml(text) == text


def test_text_that_costs_too_much_is_refused():
    with pytest.raises(yaml.YAMLError, match="it has 1048577 characters, 1048576 are read"):
        parse_yaml("#" * (MAX_YAML + 1))
    assert parse_yaml("#" * MAX_YAML) is None


@pytest.mark.parametrize(
    "text",
    [
        *("[" * 5000, "a: " + "{a: " * 5000, "2026-99-99", "9" * 10_000),
        *("!!bool abc", "!!int ''", "!!float ''", "!!timestamp abc", '"\\UFFFFFFFF"'),
        *("!!set [a]", "{[1]: 2}", "!!python/object:os.system x", "a: <<"),
    ],
)
def test_text_that_breaks_the_parser_is_one_error(text):
    with pytest.raises(yaml.YAMLError):
        parse_yaml(text)
