# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Depth of one image, in colours: python examples/depth_of_an_image.py IMAGE DEPTH.png."""

import sys

import cv2

from jasmine_core import DepthPredictor
from jasmine_core.runtime.colorize import colorize

predictor = DepthPredictor.from_pretrained("jasmine-tiny")
image = cv2.cvtColor(cv2.imread(sys.argv[1]), cv2.COLOR_BGR2RGB)  # [H,W,3] uint8
scale = predictor.scale  # without the focal length of the camera, that of a car's camera is assumed
depth = predictor(image).depth * scale.metres_per_unit  # [H,W] float32 along the optical axis
print(f"nearest {depth.min():.2f}, farthest {depth.max():.2f} m, {scale.state}")
cv2.imwrite(sys.argv[2], cv2.cvtColor(colorize(depth), cv2.COLOR_RGB2BGR))
