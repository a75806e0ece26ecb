# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Line about the progress of the node, from its counters."""

from jasmine_ros.node.frame_counts import FrameCounts


def test_the_rate_is_that_of_the_time_since_the_last_line():
    counts = FrameCounts(received=30, processed=20, dropped=7)
    assert counts.progress(10, 0, 5.0) == (
        "2.0 frames/s; 30 received, 20 processed, 7 dropped for newer images, 0 skipped"
    )


def test_a_node_without_a_subscriber_is_idle_and_not_slow():
    counts = FrameCounts(received=30, processed=10, ignored=20)
    assert counts.progress(10, 5, 5.0).startswith("idle, because no output has a subscriber")
    assert counts.progress(10, 20, 5.0).startswith("0.0 frames/s")
    assert counts.progress(5, 5, 5.0).startswith("1.0 frames/s")
