# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Files beside a checkpoint that can be read without torch: cards, fingerprints and the cache."""
