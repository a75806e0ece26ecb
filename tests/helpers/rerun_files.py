# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Contents of the files of Rerun, read by its SDK."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

TIMES = ("log_time", "stamp")


def read(file: Path) -> dict[str, dict[str, list[Any]]]:
    """Return {entity: {column: [values of each row]}} of a recording; times are in [ns]."""
    rerun: Any = import_module("rerun")
    found: dict[str, dict[str, list[Any]]] = {}
    for chunk in rerun.chunk.RrdReader(file).stream():
        batch = chunk.to_record_batch()
        columns = found.setdefault(chunk.entity_path, {})
        for name, values in zip(batch.schema.names, batch.columns, strict=True):
            # datetime cannot hold nanoseconds.
            rows = (values.cast("int64") if name in TIMES else values).to_pylist()
            columns.setdefault(name, []).extend(rows)
    return found
