# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Depth node of a live host in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from tempfile import TemporaryFile
from typing import Any


class Node:
    """A depth node in another process."""

    def __init__(
        self,
        command: list[str],
        domain: int,
        names: dict[str, str],
        parameters: dict[str, Any],
    ) -> None:
        arguments = ["--ros-args"]
        for before, after in names.items():
            arguments += ["-r", f"{before}:={after}"]
        for name, value in parameters.items():
            arguments += ["-p", f"{name}:={json.dumps(value)}"]  # JSON is valid YAML.
        self._said = TemporaryFile("w+")  # noqa: SIM115  # a pipe that nobody reads would fill up
        self.environment = os.environ | {"OMP_NUM_THREADS": "1", "ROS_DOMAIN_ID": str(domain)}
        self.process = subprocess.Popen(
            [*command, *arguments],
            stdout=self._said,
            stderr=subprocess.STDOUT,
            env=self.environment,
        )

    @property
    def gone(self) -> bool:
        return self.process.poll() is not None

    @property
    def said(self) -> str:
        self._said.seek(0)
        return self._said.read()

    def stop(self) -> float:
        """End the node by SIGINT; return the time until its end [s]."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)
        return time.monotonic() - began

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)
        self._said.close()
