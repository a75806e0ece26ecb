# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Limit of the size of the cached exports: the oldest are deleted."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from jasmine_core.artifacts.card import CARD_FILE

MAX_EXPORTS = 20 << 30  # [bytes] of all exports in the cache

_log = logging.getLogger(__name__)


def delete_oldest(exports: Path, keep: Path, most: int = MAX_EXPORTS) -> None:
    """Delete the oldest exports of a cache HASH/SIZE/ until it has at most `most` bytes.

    Only folders with the card of an export are deleted, and never `keep`.
    """
    cards = [card for card in exports.glob(f"*/*/{CARD_FILE}") if not card.parent.is_symlink()]
    sizes = {card: _bytes(card.parent) for card in cards}
    total = sum(sizes.values())
    for card in sorted(cards, key=lambda card: card.stat().st_mtime):
        if total <= most:
            return
        if card.parent.resolve() != keep.resolve():
            _log.warning("%s: deleted, because the cache of exports is full", card.parent)
            shutil.rmtree(card.parent, ignore_errors=True)
            total -= sizes[card]


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
