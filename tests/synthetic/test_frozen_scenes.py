# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The world of `jasmine evaluate --world` never changes, or scores could not be compared."""

import pytest
import torch

from jasmine_core.evaluate import world
from jasmine_core.evaluate.world import FIRST_TEST_SEED
from jasmine_core.synthetic.drive import render_clips

INF = float("inf")
# For each seed, medians of depth [m] and of brightness over 2 x 4 parts of the first frame.
FROZEN = {
    "street": {
        0: (
            [16.3158, INF, INF, 15.5243, 7.9379, 10.4258, 9.8814, 3.8375],
            [0.33, 0.757, 0.745, 0.372, 0.494, 0.478, 0.475, 0.405],
        ),
        7: (
            [11.1997, 33.9828, INF, 512.0192, 10.0184, 8.7801, 12.6571, 9.3782],
            [0.343, 0.72, 0.903, 0.86, 0.635, 0.432, 0.452, 0.435],
        ),
        1003: (
            [15.7524, 60.1789, 23.0247, 3.2958, 8.5707, 8.6444, 6.3337, 3.0921],
            [0.388, 0.628, 0.516, 0.426, 0.521, 0.484, 0.446, 0.386],
        ),
    },
    "room": {
        0: (
            [3.2559, 3.7043, 4.2098, 4.3714, 1.9765, 2.0636, 2.1588, 1.7674],
            [0.477, 0.516, 0.51, 0.617, 0.665, 0.698, 0.693, 0.6],
        ),
        7: (
            [3.2264, 3.8476, 3.2639, 2.502, 2.505, 2.7461, 2.1268, 2.4628],
            [0.396, 0.455, 0.384, 0.316, 0.324, 0.378, 0.402, 0.345],
        ),
        1003: (
            [3.1592, 3.0295, 2.91, 2.7996, 3.2665, 4.1173, 3.8017, 3.278],
            [0.645, 0.686, 0.66, 0.627, 0.565, 0.763, 0.626, 0.584],
        ),
    },
}


def parts(values):
    """Return medians over 2 x 4 parts of [C,H,W]."""
    rows = values.chunk(2, dim=1)
    return torch.stack(
        [part.flatten(1).median(1).values for row in rows for part in row.chunk(4, dim=2)], dim=1
    )


@pytest.mark.parametrize("kind", ["street", "room"])
def test_scenes_are_those_that_earlier_checkpoints_were_scored_on(kind):
    for seed, (depth, image) in FROZEN[kind].items():
        seeds, start = [FIRST_TEST_SEED + seed], torch.zeros(1, 1, dtype=torch.float64)
        clips = render_clips(seeds, start, world.test_config(kind))
        assert parts(clips.depths[0, 0])[0].tolist() == pytest.approx(depth, rel=1e-3), seed
        assert parts(clips.images[0, 0]).mean(0).tolist() == pytest.approx(image, abs=4e-3), seed
