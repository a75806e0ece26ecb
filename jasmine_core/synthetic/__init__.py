# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""A procedural world with exact depth: streets and rooms made of unit solids, traced in torch.

Frames: the world is x right, y down, z along the street, with the ground at y = 0 and therefore a
camera at negative y; the camera is the optical frame of REP 103 (x right, y down, z forward).
Layout, from the content to the picture:

    config.py   what to render, and dice       solids.py     the objects of a scene as arrays
    street.py   houses.py   props.py           room.py       furniture.py
    paint.py    patterns with colours          noise.py      patterns.py   textures.py (mip-maps)
    light.py    sun, sky, haze, film           motion.py     where the camera is at a time
    intersect.py  ray against unit solid       trace.py      tiles of rays against all solids
    shade.py    colour of what was hit         render.py     scenes and times to pictures
"""
