# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Ray tracing by tiles: each tile of the image tests its own solids from front to back.

The ray of pixel (u, v) is o + t R K^-1 (u, v, 1), so t is the depth along the camera's Z axis and
no conversion is needed. A solid concerns a tile when it reaches into the tile's frustum. Each round
tests the next few solids of all tiles at once; a tile drops those behind everything it has hit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from jasmine_core.synthetic.intersect import INTERSECT, Triple, spread
from jasmine_core.synthetic.solids import NOTHING, Solids

TILE = 16  # [px]
GROUP = 128  # points whose shadow rays are tested at once
SLACK = 1e-4  # relative, for rounding
NEAR = 0.02  # near plane [m]
_NO_KEY = torch.iinfo(torch.int32).max
_BATCH = {"cpu": 1 << 18, "cuda": 1 << 25}  # ray-solid tests at once: a cache, or all of a GPU


@dataclass(frozen=True)
class View:
    """F cameras with their poses and times."""

    scene: Tensor  # [F] index into Solids
    rotation: Tensor  # [F,3,3] camera to world
    position: Tensor  # [F,3] [m]
    time: Tensor  # [F] [s]
    K: Tensor  # [F,3,3] [px]
    width: int
    height: int
    offsets: Tensor  # [S,2] places (u, v) inside a pixel; the first is its centre [px]

    @property
    def grid(self) -> tuple[int, int]:
        """Return the number of tiles (rows, columns)."""
        return -(-self.height // TILE), -(-self.width // TILE)

    def slopes(self) -> tuple[Tensor, Tensor]:
        """Return x/z of every tile column and y/z of every tile row, [F,C,R] and [F,Rows,R]."""
        rows, columns = self.grid
        side = torch.arange(TILE, device=self.K.device)
        one = torch.ones(TILE, device=self.K.device)
        u = self.offsets[:, 0, None, None] + one[:, None] * side  # [S,TILE,TILE]
        v = self.offsets[:, 1, None, None] + side[:, None] * one
        left = torch.arange(columns, device=u.device)[:, None] * TILE + u.flatten()
        top = torch.arange(rows, device=u.device)[:, None] * TILE + v.flatten()
        fx, fy, cx, cy = (self.K[:, i, j, None, None] for i, j in ((0, 0), (1, 1), (0, 2), (1, 2)))
        return (left - cx) / fx, (top - cy) / fy

    def image(self, values: Tensor) -> Tensor:
        """Return the values [F,tiles,R] of the rays at pixel centres as images [F,1,H,W]."""
        rows, columns = self.grid
        grid = values[:, :, : TILE * TILE].view(-1, rows, columns, TILE, TILE).transpose(2, 3)
        whole = grid.reshape(-1, 1, rows * TILE, columns * TILE)
        return whole[..., : self.height, : self.width]


@dataclass(frozen=True)
class Hits:
    """Hits of all rays; a tile's R rays are S offsets of TILE x TILE pixels each."""

    t: Tensor  # [F,tiles,R] depth [m], inf where nothing was met
    key: Tensor  # [F,tiles,R] object * 4 + face, -1 where nothing was met


def centres(solids: Solids, scene: Tensor, time: Tensor) -> Tensor:
    """Return where the objects are, [F,M,3]."""
    return solids.centre[scene] + solids.velocity[scene] * time[:, None, None]


def to_unit(solids: Solids, view: View) -> tuple[Tensor, Tensor]:
    """Return each object's map from camera to unit solid: linear [F,M,3,3], origin [F,M,3]."""
    shrink = solids.shrink[view.scene]
    linear = (shrink[..., :, :, None] * view.rotation[:, None, None]).sum(-2)
    away = view.position[:, None] - centres(solids, view.scene, view.time)
    return linear, (shrink * away[:, :, None]).sum(-1)


def trace(view: View, solids: Solids) -> Hits:
    """Return depth and object of every ray."""
    (rows, columns), (X, Y) = view.grid, view.slopes()
    shape = solids.shape[view.scene]  # [F,M]

    # 1. Objects in the camera's frame, and which tiles they reach into.
    R = view.rotation
    away = centres(solids, view.scene, view.time) - view.position[:, None]
    centre = (R[:, None] * away[..., None]).sum(-2)  # [F,M,3] = R^T away
    axes = solids.rotation[view.scene] * solids.half[view.scene][:, :, None]
    axes = (R[:, None, :, :, None] * axes[:, :, :, None]).sum(2)  # [F,M,3 camera,3 half axes]
    nearest = centre[..., 2] - spread(axes[:, :, 2], shape)
    seen = (shape != NOTHING) & (centre[..., 2] + spread(axes[:, :, 2], shape) > NEAR)

    def reaches(axis: int, low: Tensor, high: Tensor) -> Tensor:
        """Tell which objects are not beyond either side plane of each strip, [F,strips,M]."""
        flags = torch.ones(1, dtype=torch.bool, device=low.device)
        for sign, slope in ((1, low), (-1, high)):
            across = axes[:, None, :, axis] - slope[..., None, None] * axes[:, None, :, 2]
            middle = centre[:, None, :, axis] - slope[..., None] * centre[:, None, :, 2]
            flags = flags & (sign * middle + spread(across, shape[:, None]) >= 0)
        return flags

    in_column = reaches(0, X.amin(-1), X.amax(-1)) & seen[:, None]
    in_row = reaches(1, Y.amin(-1), Y.amax(-1))

    # 2. All (tile, object) pairs, the objects of a tile from front to back.
    order = nearest.argsort(dim=1, stable=True)
    in_column, in_row = (
        torch.gather(f, 2, order[:, None].expand_as(f)) for f in (in_column, in_row)
    )
    frame, row, column, place = (in_row[:, :, None] & in_column[:, None]).nonzero(as_tuple=True)
    tile, thing = (frame * rows + row) * columns + column, order[frame, place]
    count = shape.shape[1]
    thing = frame * count + thing
    linear, origin = (x.flatten(0, 1) for x in to_unit(solids, view))
    taper = solids.taper[view.scene].flatten(0, 1)
    X, Y, nearest = X.flatten(0, 1), Y.flatten(0, 1), nearest.flatten()
    at_column, at_row = frame * columns + column, frame * rows + row
    # A taper that widens upwards reaches out of its unit cube.
    reach = 1 + torch.nn.functional.pad(-taper, (0, 1)).clamp_min(0)[:, [0, 2, 1]]
    enters, leaves = bounds(
        (linear / reach[..., None])[thing],
        (origin / reach)[thing],
        torch.stack([X.amin(1), X.amax(1)], -1)[at_column],
        torch.stack([Y.amin(1), Y.amax(1)], -1)[at_row],
    )
    enters = torch.where(enters <= leaves, enters, torch.inf)  # inf: no ray meets the solid

    # 3. The nearest hit of every ray, in rounds that reach deeper and deeper.
    tiles, rays = len(view.scene) * rows * columns, X.shape[1]
    size = max(1, _BATCH[X.device.type] // rays)
    t = torch.full((tiles, rays), torch.inf, device=X.device)
    key = torch.full_like(t, -1, dtype=torch.int32)
    kinds = shape.flatten()[thing]
    for kind, pairs in _rounds(_depth_of_round(tile), kinds):
        farthest = t.amax(1)
        pairs = pairs[nearest[thing[pairs]] < farthest[tile[pairs]]]
        useful = enters[pairs] < farthest[tile[pairs]]
        # Batches are cut before the useless pairs are dropped: which of two coincident faces is
        # seen depends on the batch, and scenes must not change with the speed of this function.
        for part, keep in zip(torch.split(pairs, size), torch.split(useful, size), strict=True):
            p = part[keep]
            if not len(p):
                continue
            which, where = thing[p], tile[p]
            A, o = linear[which], origin[which]
            x, y = X.index_select(0, at_column[p]), Y.index_select(0, at_row[p])
            d: Triple = tuple(  # type: ignore[assignment]
                torch.addcmul(torch.addcmul(A[:, i, 2:], A[:, i, :1], x), A[:, i, 1:2], y)
                for i in range(3)
            )
            near, far, face = INTERSECT[kind]((o[:, :1], o[:, 1:2], o[:, 2:]), d, taper[which])
            hit = (near < far) & (near > NEAR) & (near < t.index_select(0, where))
            near = torch.where(hit, near, torch.inf)
            label = (which % count).int()[:, None] * 4 + face
            # A tile may occur more than once, so minima are scattered; where two faces of a batch
            # coincide the larger key wins, whatever the order, which keeps a GPU deterministic.
            into = where[:, None].expand_as(near)
            t.scatter_reduce_(0, into, near, "amin")
            best = hit & (near == t.index_select(0, where))
            key.scatter_reduce_(
                0, into, torch.full_like(label, _NO_KEY).masked_fill(hit, -1), "amin"
            )
            key.scatter_reduce_(0, into, label.masked_fill(~best, -1), "amax")
    shaped = (len(view.scene), rows * columns, -1)
    return Hits(t.view(shaped), key.view(shaped))


def bounds(linear: Tensor, origin: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return between which t the rays of a tile can be inside the cube around a unit solid.

    Interval arithmetic over all rays of the tile: no hit lies outside of the bounds, and where
    the first exceeds the second there is none.

    Args:
        linear: [P,3,3] camera to unit solid.
        origin: [P,3] the camera in the unit solid's frame.
        x: [P,2] smallest and largest x/z of the tile's rays.
        y: [P,2] smallest and largest y/z.
    """
    a, b = (linear[:, :, i, None] * ends[:, None] for i, ends in enumerate((x, y)))
    rounding = SLACK / 10 * linear.abs().sum(-1)
    low = linear[:, :, 2] + a.amin(-1) + b.amin(-1) - rounding  # [P,3] in the solid's frame
    high = linear[:, :, 2] + a.amax(-1) + b.amax(-1) + rounding
    # Mirror each axis so that the camera lies on the positive side.
    mirror = origin < 0
    low, high = torch.where(mirror, -high, low), torch.where(mirror, -low, high)
    away = origin.abs()
    outside = away > 1
    approaches = low < 0
    enter = torch.where(outside, torch.where(approaches, (1 - away) / low, torch.inf), 0.0)
    # A ray leaves through the far side, or through the near one if it moves outwards.
    backwards = torch.where(high < 0, (-1 - away) / high, torch.inf)
    leave = torch.where(~outside & (low > 0), (1 - away) / low, backwards)
    return enter.amax(1) * (1 - SLACK), leave.amin(1) * (1 + SLACK)


def _depth_of_round(tile: Tensor) -> Tensor:
    """Return the round of each pair: the first takes a tile's 2 nearest solids, the next 4, 8.."""
    place = torch.arange(len(tile), device=tile.device)
    first = torch.ones_like(tile, dtype=torch.bool)
    first[1:] = tile[1:] != tile[:-1]
    rank = place - torch.cummax(torch.where(first, place, 0), dim=0).values
    return torch.log2(rank + 2.0).long() - 1


def _rounds(turn: Tensor, shape: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Split pairs by round and shape: yield (shape, numbers of the pairs), early rounds first."""
    label = turn * NOTHING + shape
    order = label.argsort(stable=True)
    for number, part in enumerate(torch.split(order, torch.bincount(label).tolist())):
        if len(part):
            yield number % NOTHING, part


def shadow(
    solids: Solids, scene: Tensor, time: Tensor, light: Tensor, frame: Tensor, point: Tensor,
    softness: float,
) -> Tensor:  # fmt: skip
    """Return the share of the light that reaches points, [n] in 0..1.

    Args:
        solids: the objects; those that do not cast are ignored.
        scene: [F] scene of each frame.
        time: [F] [s].
        light: [F,3] unit vector towards the light.
        frame: [n] frame of each point, ascending; neighbours should lie near each other.
        point: [n,3] world [m].
        softness: way of a ray inside a solid that takes all its light [m]. The way is zero at an
            outline, so this also softens the edge.
    """
    if not len(point):
        return point.new_ones(0)
    # 1. Groups of consecutive points of one frame.
    per_frame = torch.bincount(frame, minlength=len(scene))
    start = per_frame.cumsum(0) - per_frame
    groups = (per_frame + GROUP - 1) // GROUP
    base = groups.cumsum(0) - groups
    rank = torch.arange(len(frame), device=frame.device) - start[frame]
    slot = (base[frame] + rank // GROUP) * GROUP + rank % GROUP
    total = int(groups.sum())
    owner = torch.repeat_interleave(torch.arange(len(scene), device=frame.device), groups)  # [G]
    filled = torch.zeros(total * GROUP, dtype=torch.int64, device=frame.device)
    filled[slot] = torch.arange(len(frame), device=frame.device)
    # Empty slots of a frame's last group repeat the group's first point.
    lead = filled.view(total, GROUP)[:, :1].expand(-1, GROUP).flatten().clone()
    lead[slot] = filled[slot]
    points = point[lead].view(total, GROUP, 3)

    # 2. Bounds across and along the light, of groups and of objects.
    helper = light.new_tensor([0.0, 0.0, 1.0]).expand_as(light)
    e1 = torch.nn.functional.normalize(torch.linalg.cross(light, helper), dim=-1)
    frame_axes = torch.stack([e1, torch.linalg.cross(light, e1), light], dim=1)  # [F,3,3]
    middle = centres(solids, scene, time)
    shape = solids.shape[scene]
    axes = (solids.rotation * solids.half[:, :, None])[scene]  # [F,M,3,3]
    reach = spread((frame_axes[:, None, :, :, None] * axes[:, :, None]).sum(3), shape[..., None])
    along = (frame_axes[:, None] * middle[:, :, None]).sum(-1)  # [F,M,3]
    own = (frame_axes[owner][:, None] * points[:, :, None]).sum(-1)  # [G,GROUP,3]
    low, high = own.amin(1)[:, None], own.amax(1)[:, None]
    touches = (along + reach)[owner] > low  # [G,M,3]
    touches[..., :2] &= (along - reach)[owner][..., :2] < high[..., :2]
    casts = (solids.casts & (solids.shape != NOTHING))[scene]
    group, thing = (touches.all(-1) & casts[owner]).nonzero(as_tuple=True)

    # 3. The darkest shade of every point.
    shade = torch.zeros(total, GROUP, device=point.device)
    thing = owner[group] * shape.shape[1] + thing
    shrink = solids.shrink[scene].flatten(0, 1)
    middle = middle.flatten(0, 1)
    direction = (shrink * light.repeat_interleave(shape.shape[1], 0)[:, None]).sum(-1)  # [F*M,3]
    taper = solids.taper[scene].flatten(0, 1)
    for kind, pairs in _rounds(torch.zeros_like(thing), shape.flatten()[thing]):
        for p in torch.split(pairs, max(1, _BATCH[point.device.type] // GROUP)):
            which, where = thing[p], group[p]
            A, away = (
                shrink[which],
                (points.index_select(0, where) - middle[which][:, None]).unbind(-1),
            )
            o: Triple = tuple(  # type: ignore[assignment]
                A[:, i, :1] * away[0] + A[:, i, 1:2] * away[1] + A[:, i, 2:] * away[2]
                for i in range(3)
            )
            d: Triple = direction[which][:, :, None].unbind(1)  # type: ignore[assignment]
            near, far, _ = INTERSECT[kind](o, d, taper[which])
            dark = ((far - near.clamp_min(0)) / softness).clamp(0, 1)
            shade.scatter_reduce_(0, where[:, None].expand_as(dark), dark, "amax")
    return 1 - shade.flatten()[slot]
