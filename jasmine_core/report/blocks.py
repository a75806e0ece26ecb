# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Parts of a report. Texts are plain: the template escapes them. Images are data URIs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

Numbers = Sequence[float] | NDArray[np.floating[Any]]
Level = Literal["good", "note", "warning", "problem"]


@dataclass(frozen=True)
class Text:
    """Paragraph."""

    kind: ClassVar[str] = "text"
    text: str


@dataclass(frozen=True)
class Code:
    """Text of a command or a file, line by line."""

    kind: ClassVar[str] = "code"
    text: str
    caption: str = ""


@dataclass(frozen=True)
class Tiles:
    """Few large numbers, each a value with its label."""

    kind: ClassVar[str] = "tiles"
    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Facts:
    """List of names and values."""

    kind: ClassVar[str] = "facts"
    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Link:
    """Cell of a table that links to a file; with `image`, the file of an image is shown."""

    text: str
    href: str
    image: str = ""


Cell = str | Link


@dataclass(frozen=True)
class Table:
    """Table; columns whose index is in `numbers` are aligned to the right."""

    kind: ClassVar[str] = "table"
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numbers: tuple[int, ...] = ()
    marked: tuple[int, ...] = ()  # indices of the rows that report a failure


@dataclass(frozen=True)
class Figure:
    """Image with a caption."""

    image: str
    caption: str


@dataclass(frozen=True)
class Gallery:
    """Images side by side: as many as fit, or `columns` on every screen."""

    kind: ClassVar[str] = "gallery"
    figures: tuple[Figure, ...]
    columns: int = 0


@dataclass(frozen=True)
class Slider:
    """Two images of one size, one over the other; a slider moves the border between them."""

    kind: ClassVar[str] = "slider"
    left: str
    right: str
    caption: str
    left_name: str = "image"
    right_name: str = "depth"


@dataclass(frozen=True)
class Finding:
    """Finding with its remedy and images that show it."""

    level: Level
    text: str
    remedy: str = ""
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True)
class Findings:
    """List of findings."""

    kind: ClassVar[str] = "findings"
    items: tuple[Finding, ...]


@dataclass(frozen=True)
class Series:
    """Curve of a chart; NaN interrupts it. `low` and `high` are the borders of a band around it."""

    name: str
    x: Numbers
    y: Numbers
    low: Numbers = ()
    high: Numbers = ()


@dataclass(frozen=True)
class Chart:
    """Curves over one axis, with marks at single positions of it, such as dropped images."""

    kind: ClassVar[str] = "chart"
    title: str
    x_label: str
    series: tuple[Series, ...]
    limits: tuple[float, float] | None = None  # of the vertical axis; by default all values fit
    marks: Numbers = ()
    mark_name: str = ""


Block = Text | Code | Tiles | Facts | Table | Gallery | Slider | Findings | Chart


@dataclass(frozen=True)
class Section:
    """Part of a page with a heading."""

    title: str
    blocks: tuple[Block, ...]
    wide: bool = False  # whether the blocks are below each other on a wide screen too
    aside: Block | None = None  # shown beside the blocks on a wide screen, and below them on others


@dataclass(frozen=True)
class Page:
    """Report of one result."""

    title: str
    lead: str  # one sentence: the result
    sections: tuple[Section, ...]
    level: Level = "good"
    verdict: str = ""  # one or two words, coloured by `level`
    linked_images: bool = False  # whether tables show images of files beside the page
    with_origin: bool = True  # whether the command and the versions are listed
