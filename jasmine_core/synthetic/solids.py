# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The objects of a scene: unit solids under affine maps, collected one by one and used as arrays.

Every solid is the image of a unit solid inside [-1,1]^3: p = centre + R diag(half) q. Under the
inverse map a ray keeps its parameter t, so one formula per unit solid gives exact depth:

    BOX        |x|, |y|, |z| <= 1
    TAPER      a box whose top (y = -1) is narrower: |x| <= 1 - taper_x (1 - y)/2, z alike;
               a gabled roof, a car's cabin, a lamp shade
    CYLINDER   x^2 + z^2 <= 1, |y| <= 1
    ELLIPSOID  x^2 + y^2 + z^2 <= 1
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace

import torch
from torch import Tensor

from jasmine_core.synthetic.config import Rng
from jasmine_core.synthetic.paint import Paint
from jasmine_core.synthetic.textures import VARIANTS

BOX, TAPER, CYLINDER, ELLIPSOID, NOTHING = 0, 1, 2, 3, 4
Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Solids:
    """Objects of B scenes, padded with NOTHING to equal count M."""

    shape: Tensor  # [B,M] one of the constants above
    centre: Tensor  # [B,M,3] at time 0 [m]
    half: Tensor  # [B,M,3] half sizes [m]
    rotation: Tensor  # [B,M,3,3] object to world
    taper: Tensor  # [B,M,2]
    velocity: Tensor  # [B,M,3] [m/s]
    casts: Tensor  # [B,M] bool, throws a shadow
    texture: Tensor  # [B,M,2] of the upright and of the horizontal faces
    palette: Tensor  # [B,M,9] three colours
    tiling: Tensor  # [B,M,3] tile size [m], offset of u and v [tiles]
    sheen: Tensor  # [B,M,3] glow, gloss, clear

    def to(self, device: torch.device) -> Solids:
        """Return a copy on a device."""
        return Solids(*(getattr(self, f.name).to(device) for f in fields(self)))

    @property
    def moving(self) -> Tensor:
        """Return which objects move, [B,M]."""
        return self.velocity.abs().sum(-1) > 0

    @property
    def clear(self) -> Tensor:
        """Return the share of light that passes through each object, [B,M]."""
        return self.sheen[..., 2]

    def opaque(self) -> Solids:
        """Return the objects without those that light passes through."""
        return replace(self, shape=torch.where(self.clear > 0, NOTHING, self.shape))

    @property
    def shrink(self) -> Tensor:
        """Return the linear part of world to unit solid, [B,M,3,3]."""
        return self.rotation.transpose(-1, -2) / self.half[..., None]


def stack(scenes: Sequence[Solids]) -> Solids:
    """Join scenes along the batch, padding each to the largest number of objects."""
    count = max(s.shape.shape[1] for s in scenes)

    def join(name: str) -> Tensor:
        parts = []
        for s in scenes:
            part: Tensor = getattr(s, name)
            padding = part[:, :1].expand(-1, count - part.shape[1], *part.shape[2:])
            if name == "shape":
                padding = torch.full_like(padding, NOTHING)
            parts.append(torch.cat([part, padding], dim=1))
        return torch.cat(parts)

    return Solids(*(join(f.name) for f in fields(Solids)))


def turn(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> list[list[float]]:
    """Return R_y(yaw) R_x(pitch) R_z(roll) [rad]; a positive yaw turns z towards x."""
    cy, sy, cp, sp = math.cos(yaw), math.sin(yaw), math.cos(pitch), math.sin(pitch)
    cr, sr = math.cos(roll), math.sin(roll)
    return [
        [cy * cr + sy * sp * sr, -cy * sr + sy * sp * cr, sy * cp],
        [cp * sr, cp * cr, -sp],
        [-sy * cr + cy * sp * sr, sy * sr + cy * sp * cr, cy * cp],
    ]


@dataclass
class Sketch:
    """Builder of one scene's objects; heights are given upwards from the ground."""

    rng: Rng
    origin: Vector = (0.0, 0.0, 0.0)  # x, height, z of the group that is being drawn
    yaw: float = 0.0  # of the group [rad]
    velocity: Vector = (0.0, 0.0, 0.0)  # of the group [m/s], world axes
    _rows: dict[str, list[object]] = field(
        default_factory=lambda: {f.name: [] for f in fields(Solids)}
    )

    def at(
        self,
        x: float,
        z: float,
        yaw: float = 0.0,
        height: float = 0.0,
        velocity: Vector = (0, 0, 0),
    ) -> Sketch:
        """Return a sketch of the same scene with a new origin in the world."""
        return Sketch(self.rng, (x, height, z), yaw, velocity, self._rows)

    def add(
        self,
        shape: int,
        place: Vector,
        size: Vector,
        paint: Paint,
        *,
        yaw: float = 0.0,
        pitch: float = 0.0,
        roll: float = 0.0,
        taper: tuple[float, float] = (0.0, 0.0),
        casts: bool = True,
    ) -> None:
        """Add a solid of `size` (width, height, length) with its underside at `place`."""
        x, low, z = place  # low = height of the underside
        c, s = math.cos(self.yaw), math.sin(self.yaw)
        centre = (
            self.origin[0] + c * x + s * z,
            -(self.origin[1] + low + size[1] / 2),
            self.origin[2] - s * x + c * z,
        )
        self.append(
            shape, centre, size, turn(self.yaw + yaw, pitch, roll), paint, self.look(paint),
            velocity=self.velocity, taper=taper, casts=casts,
        )  # fmt: skip

    def look(self, paint: Paint) -> tuple[int, int, float, float]:
        """Sample the textures of the upright and the horizontal faces, and the pattern's offset."""
        variant = self.rng.choice(VARIANTS[paint.pattern])
        top = variant if paint.top is None else self.rng.choice(VARIANTS[paint.top])
        shift = (0.0, 0.0) if paint.aligned else (self.rng.random(), self.rng.random())
        return variant, top, *shift

    def append(
        self, shape: int, centre: Vector, size: Vector, rotation: list[list[float]], paint: Paint,
        look: tuple[int, int, float, float], *, velocity: Vector = (0.0, 0.0, 0.0),
        taper: tuple[float, float] = (0.0, 0.0), casts: bool = True,
    ) -> None:  # fmt: skip
        """Add a solid whose centre and rotation are given in the world."""
        row = {
            "shape": shape,
            "centre": centre,
            "half": tuple(max(v, 1e-3) / 2 for v in size),
            "rotation": rotation,
            "taper": taper,
            "velocity": velocity,
            "casts": casts,
            "texture": look[:2],
            "palette": [channel for colour in paint.colours for channel in colour],
            "tiling": (paint.span, *look[2:]),
            "sheen": (paint.glow, paint.gloss, paint.clear),
        }
        for name, value in row.items():
            self._rows[name].append(value)

    def box(self, place: Vector, size: Vector, paint: Paint, **how: float) -> None:
        """Add an upright box."""
        self.add(BOX, place, size, paint, **how)  # type: ignore[arg-type]

    def pole(self, place: Vector, height: float, width: float, paint: Paint) -> None:
        """Add an upright cylinder."""
        self.add(CYLINDER, place, (width, height, width), paint)

    def ball(self, place: Vector, size: Vector, paint: Paint) -> None:
        """Add an ellipsoid."""
        self.add(ELLIPSOID, place, size, paint)

    def solids(self) -> Solids:
        """Return the objects as arrays with B = 1."""
        integers, flags = ("shape", "texture"), ("casts",)
        return Solids(
            **{
                name: torch.tensor(
                    [rows],
                    dtype=torch.int64
                    if name in integers
                    else (torch.bool if name in flags else torch.float32),
                )
                for name, rows in self._rows.items()
            }
        )
