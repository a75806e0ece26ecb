# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Camera poses at any time from smooth closed formulas, so that velocities are exact as well."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from jasmine_core.synthetic.config import Rng, WorldConfig

STEP = 1e-3  # of the difference quotient [s]; its error is about STEP^2 times the jerk


@dataclass(frozen=True)
class Wobble:
    """Sum of sines: (amplitude, angular frequency [rad/s], phase [rad]) each."""

    terms: tuple[tuple[float, float, float], ...] = ()

    def __call__(self, time: Tensor) -> Tensor:
        """Return the value at times [N]."""
        waves = (a * torch.sin(w * time + phase) for a, w, phase in self.terms)
        return sum(waves, torch.zeros_like(time))


def wobble(rng: Rng, amplitude: float, hertz: tuple[float, float], count: int = 2) -> Wobble:
    """Sample a wobble whose terms share an amplitude."""
    return Wobble(
        tuple(
            (amplitude / count, 2 * math.pi * rng.within(hertz), rng.uniform(0, 2 * math.pi))
            for _ in range(count)
        )
    )


@dataclass(frozen=True)
class Motion:
    """Motion of a camera: steady motion plus wobbles, in metres and radians of the world frame."""

    start: tuple[float, float, float]  # x, y, z at time 0 without the wobbles [m]
    speed: float  # along z [m/s]
    heading: float  # yaw without the wobbles [rad]
    tilt: float  # pitch without the wobbles, positive = up [rad]
    x: Wobble
    y: Wobble
    z: Wobble
    yaw: Wobble
    pitch: Wobble
    roll: Wobble
    steer: bool  # look along the path, as a vehicle does

    def pose(self, time: Tensor) -> Tensor:
        """Return T_world_camera [N,4,4] at times [N] [s], in float64."""
        time = time.double()
        x, y, z = (p + w(time) for p, w in zip(self.start, (self.x, self.y, self.z), strict=True))
        yaw = self.heading + self.yaw(time)
        if self.steer and self.speed > 0:
            sideways = (self.x(time + STEP) - self.x(time - STEP)) / (2 * STEP)
            forward = self.speed + (self.z(time + STEP) - self.z(time - STEP)) / (2 * STEP)
            yaw = yaw + torch.atan2(sideways, forward)
        pitch, roll = self.tilt + self.pitch(time), self.roll(time)
        T = torch.eye(4, dtype=torch.float64).repeat(len(time), 1, 1)
        T[:, :3, :3] = _rotation(yaw, pitch, roll)
        T[:, :3, 3] = torch.stack([x, y, z + self.speed * time], dim=-1)
        return T

    def velocity(self, time: Tensor) -> tuple[Tensor, Tensor]:
        """Return linear [m/s] and angular velocity [rad/s], [N,3] each, in the camera frame."""
        time = time.double()
        before, now, after = (self.pose(time + s) for s in (-STEP, 0.0, STEP))
        R = now[:, :3, :3].transpose(1, 2)  # world to camera
        linear = R @ (after - before)[:, :3, 3:] / (2 * STEP)
        spin = R @ (after - before)[:, :3, :3] / (2 * STEP)  # R^T dR/dt is skew-symmetric
        angular = torch.stack([spin[:, 2, 1], spin[:, 0, 2], spin[:, 1, 0]], dim=-1)
        return linear[..., 0], angular


def _rotation(yaw: Tensor, pitch: Tensor, roll: Tensor) -> Tensor:
    """Return R_y(yaw) R_x(pitch) R_z(roll), [N,3,3]; see solids.turn."""
    cy, sy, cp, sp = yaw.cos(), yaw.sin(), pitch.cos(), pitch.sin()
    cr, sr = roll.cos(), roll.sin()
    rows = [
        [cy * cr + sy * sp * sr, -cy * sr + sy * sp * cr, sy * cp],
        [cp * sr, cp * cr, -sp],
        [-sy * cr + cy * sp * sr, sy * sr + cy * sp * cr, cy * cp],
    ]
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def vehicle(rng: Rng, config: WorldConfig, lane: float) -> Motion:
    """Sample a drive along a street: lane keeping, gentle turns, a body that pitches and rolls."""
    speed = 0.0 if rng.chance(config.standing) else rng.within(config.speed)
    moving = min(speed / 5, 1.0)
    swing = rng.uniform(0.0, 0.5)  # [m]; wide swings are slow
    return Motion(
        start=(lane + rng.uniform(-0.3, 0.3), -rng.uniform(1.2, 1.9), 0.0),
        speed=speed,
        heading=rng.gauss(0, 0.02),
        tilt=rng.gauss(0, 0.012),
        x=wobble(rng, swing * moving, (0.05, 0.2)),
        y=wobble(rng, 0.02 * moving, (0.8, 2.0)),
        z=wobble(rng, 0.15 * speed, (0.03, 0.12)),
        yaw=wobble(rng, rng.uniform(0, 0.06) * moving, (0.05, 0.25)),
        pitch=wobble(rng, 0.008 * moving, (0.7, 1.8)),
        roll=wobble(rng, 0.008 * moving, (0.4, 1.5)),
        steer=True,
    )


def hand(rng: Rng, config: WorldConfig, place: tuple[float, float], towards: float) -> Motion:
    """Sample a hand-held walk around `place` (x, z) that keeps looking about `towards` [rad]."""
    speed = rng.within(config.hand_speed)

    def sway(share: float) -> Wobble:
        rate = 2 * math.pi * rng.uniform(0.15, 0.3)
        fast = 2 * math.pi * rng.uniform(0.8, 1.5)
        terms = (
            (share * speed / rate, rate, rng.uniform(0, 2 * math.pi)),
            (0.1 * share * speed / fast, fast, rng.uniform(0, 2 * math.pi)),
        )
        return Wobble(terms)

    return Motion(
        start=(place[0], -rng.uniform(1.0, 1.7), place[1]),
        speed=0.0,
        heading=towards,
        tilt=rng.uniform(-0.25, 0.05),
        x=sway(1.0),
        y=sway(0.3),
        z=sway(1.0),
        yaw=wobble(rng, rng.uniform(0.1, 0.5), (0.1, 0.3)),
        pitch=wobble(rng, rng.uniform(0.05, 0.15), (0.1, 0.4)),
        roll=wobble(rng, rng.uniform(0.02, 0.12), (0.1, 0.4)),
        steer=False,
    )
