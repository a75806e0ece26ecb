# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Object stores: paths that are URLs of fsspec, such as `s3://bucket/key`."""
