# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine pack`: tar shards from prepared sequences."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tqdm import tqdm
from tyro.conf import Positional, arg

from jasmine_core.commands.options import Output, option
from jasmine_core.errors import ConfigError
from jasmine_core.interrupt import Interrupt
from jasmine_core.locks import exclusive
from jasmine_core.outputs import expect_outside

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PackRequest:
    """Pack prepared sequences into tar shards, which a training reads from a disk or a store.

    A store such as S3 answers few requests for large objects much faster than one for each image.
    Name OUT in data.sequences of the recipe. The shards can also be read with webdataset.
    """

    #: Folders of jasmine prepare, jasmine render or jasmine pack, or folders of these.
    sequences: Annotated[
        Positional[tuple[Path, ...]],
        arg(metavar="DIR [DIR ...]", help_behavior_hint="(required)"),
    ]
    #: Folder of the shards.
    output: Output
    #: Size after which a shard ends [MB].
    shard_size: Annotated[int, option("MB")] = 256
    #: Whether an earlier packed data set in OUT is replaced.
    overwrite: bool = False

    def __post_init__(self) -> None:
        if not self.sequences:
            raise ConfigError("no sequence is given; add one or more folders")
        if self.shard_size < 1:
            raise ConfigError(f"--shard-size is {self.shard_size}; it must be at least 1 MB")


def pack(request: PackRequest) -> int:
    """Pack the sequences, and print the number and size of the shards."""
    from jasmine_core.dataset.pack import pack
    from jasmine_core.dataset.packed import PACKED
    from jasmine_core.dataset.sequences import open_sequences
    from jasmine_core.store.paths import exists, is_remote, url_of
    from jasmine_core.store.results import staged

    output = request.output
    if exists(output / PACKED) and not request.overwrite:
        raise ConfigError(
            f"{url_of(output)} has packed sequences already; add --overwrite, or choose another "
            "folder with -o"
        )
    expect_outside(output, *(path for path in request.sequences if not is_remote(path)))
    sequences = [sequence for path in request.sequences for sequence in open_sequences(path)]
    total = sum(len(sequence.index.frames) for sequence in sequences)
    with (
        Interrupt() as interrupt,
        staged(output, PACKED) as folder,
        exclusive(folder, shown=output),
        tqdm(total=total, unit="image", desc="pack", leave=False) as bar,
    ):
        finished = pack(
            sequences,
            folder,
            request.shard_size * 10**6,
            lambda images: bar.update(images),
            lambda: interrupt.requested,
        )
        shards = [file.stat().st_size for file in folder.glob("*.tar")]
    if not finished:
        _log.info("interrupted; nothing was written")
        return interrupt.status
    print(
        f"{url_of(output)}: {total} images of {len(sequences)} sequences in {len(shards)} shards, "
        f"{sum(shards) / 1e6:.1f} MB"
    )
    return 0
