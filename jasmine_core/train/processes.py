# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Processes of one training: their set-up, the values that they share, and the loss of one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs, InitProcessGroupKwargs
from accelerate.utils import gather_object
from torch import distributed

from jasmine_core.errors import LostProcessError
from jasmine_core.locks import exclusive
from jasmine_core.loss.objective import Loss
from jasmine_core.train.state import first_line

# A process that waits longer than this for the others gives up. Writing the largest state, for
# which all wait, takes a few minutes.
TIMEOUT = timedelta(minutes=15)


def make_accelerator(precision: str) -> Accelerator:
    """Join the processes that torchrun or accelerate has started; one process needs neither."""
    return Accelerator(
        mixed_precision=precision,
        kwargs_handlers=[
            DistributedDataParallelKwargs(find_unused_parameters=True),
            InitProcessGroupKwargs(timeout=TIMEOUT),
        ],
    )


def sole_writer(output: Path) -> AbstractContextManager[None]:
    """Return the lock of the folder of a run; the first process holds it for all of them."""
    return exclusive(output) if os.environ.get("RANK", "0") == "0" else nullcontext()


def any_process(accelerator: Accelerator, flag: bool) -> bool:
    """Return whether the flag is set in any process; all processes must call this at once."""
    if accelerator.num_processes == 1:
        return flag
    raised = torch.tensor(float(flag), device=accelerator.device)
    return bool(accelerator.reduce(raised, reduction="sum") > 0)


def mean_terms(accelerator: Accelerator, loss: Loss) -> dict[str, float]:
    """Return every term's mean over the processes; one that a process lacks counts as 0 there."""
    everyone = gather_object([{name: float(value) for name, value in loss.terms.items()}])
    names = dict.fromkeys(name for terms in everyone for name in terms)
    return {name: sum(t.get(name, 0.0) for t in everyone) / len(everyone) for name in names}


@contextmanager
def one_line_for_a_lost_process() -> Iterator[None]:
    """Turn the error of a collective operation whose partner has ended into one line."""
    try:
        yield
    except RuntimeError as err:
        if not distributed.is_initialized() or not _is_lost_process(err):
            raise
        raise LostProcessError(
            f"another process of this training ended ({first_line(err)[:120]}); see its own "
            "message, then continue with --resume"
        ) from err


def _is_lost_process(err: RuntimeError) -> bool:
    text = str(err).lower()
    signs = ("gloo", "nccl", "connection closed by peer", "connection reset", "timed out")
    return isinstance(err, distributed.DistError) or any(sign in text for sign in signs)
