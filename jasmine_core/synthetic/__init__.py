# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Procedural world with exact depth: streets and rooms made of unit solids, traced in torch.

Frames: the world is x right, y down, z along the street, with the ground at y = 0 and therefore a
camera at negative y; the camera is the optical frame of REP 103 (x right, y down, z forward).
`street` and `room` are the world of `jasmine evaluate --world`; `road` and `indoor` are larger.
Layout, from the content to the image:

    config.py      configuration, random numbers   solids.py     objects of a scene as arrays
    street.py      street_plan.py                  room.py       room_plan.py
    houses.py      props.py                        furniture.py
    road.py        cross_section.py  course.py     indoor.py     interior.py  interior_styles.py
    roadside.py    structures.py     built_up.py   tabletop.py   furnishing.py
    vehicles.py    traffic.py        carrier.py    hand_held.py  camera_motion.py
    landscape.py   terrain.py  far_trees.py        far_buildings.py
    paint.py       patterns with colours           noise.py      patterns.py   textures.py
    light.py       sun, sky, camera response       weather.py    blur.py (motion blur)
    intersect.py   ray against unit solid          trace.py      tiles of rays against all solids
    shade.py       colour of hits                  render.py     scenes and times to images
    drive.py       one scene or a batch            sequences.py  scenes as sequences on disk
"""
