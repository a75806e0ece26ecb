# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Types, ranges and choices of parameters."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from jasmine_core.errors import ConfigError
from jasmine_ros.node.parameter_fields import check_values, parameter, typed_values


@dataclass(frozen=True)
class Parameters:
    rate: float = parameter(1.0, "Rate [Hz].", minimum=0.0, maximum=10.0)
    stride: int = parameter(1, "Stride [px].", minimum=1, maximum=8)
    mode: str = parameter("a", "Mode.", choices=("a", "b"))
    enabled: bool = parameter(False, "Whether it is enabled.")


def test_an_integer_becomes_a_float():
    values = typed_values(Parameters(), {"rate": 2, "stride": 3, "mode": "b", "enabled": True})
    assert values == {"rate": 2.0, "stride": 3, "mode": "b", "enabled": True}
    assert type(values["rate"]) is float


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rate": True}, "rate is True; it must be of type float"),
        ({"rate": "2"}, "rate is '2'; it must be of type float"),
        ({"stride": 1.0}, "stride is 1.0; it must be of type int"),
        ({"stride": True}, "stride is True; it must be of type int"),
        ({"enabled": 1}, "enabled is 1; it must be of type bool"),
        ({"speed": 1, "rat": 1}, "parameter 'rat', 'speed' is unknown; known are rate, stride"),
    ],
)
def test_wrong_types_and_unknown_names_are_refused(changes, words):
    with pytest.raises(ConfigError, match=words):
        typed_values(Parameters(), changes)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"rate": -0.1}, r"rate is -0.1; it must be 0.0\.\.10.0"),
        ({"rate": float("nan")}, "rate is nan"),
        ({"stride": 9}, r"stride is 9; it must be 1\.\.8"),
        ({"mode": "c"}, "mode is 'c'; choose one of a, b"),
    ],
)
def test_values_out_of_range_are_refused(values, words):
    with pytest.raises(ConfigError, match=words):
        check_values(Parameters(**values))


def test_limits_are_valid_values():
    check_values(Parameters(rate=10.0, stride=1))
