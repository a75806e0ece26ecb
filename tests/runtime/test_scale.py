# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jasmine_core.runtime.scale import Scale, fixed_scale

factors = st.floats(1e-3, 1e3)


@given(factors, st.none() | factors)
def test_the_users_word_comes_first(parameter, checkpoint):
    scale = fixed_scale(parameter, checkpoint)
    assert scale == Scale(parameter, "parameter") and scale.state == "metric"


@given(factors)
def test_the_checkpoint_comes_second(checkpoint):
    scale = fixed_scale(None, checkpoint)
    assert scale == Scale(checkpoint, "checkpoint") and scale.state == "metric"


def test_an_unknown_scale_does_not_pretend():
    scale = fixed_scale(None, None)
    assert scale == Scale(1.0, "unknown") and scale.state == "up-to-scale"


def test_a_scale_of_one_that_somebody_gave_is_metric():
    assert fixed_scale(1.0, None).state == "metric"
