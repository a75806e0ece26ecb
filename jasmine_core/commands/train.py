# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine train`: checkpoints from a recipe."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from jasmine_core.commands.options import Output
from jasmine_core.interrupt import Interrupt
from jasmine_core.store.paths import exists, url_of

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainRequest:
    """Train a model with a recipe; the checkpoints are OUT/final and OUT/best."""

    #: YAML file of the recipe; the folder training/ of the project has several.
    recipe: Annotated[Positional[Path], arg(metavar="RECIPE")]
    #: Folder of the run: checkpoints, states, log and figures.
    output: Output
    #: Whether the run in OUT continues from its last saved state.
    resume: bool = False


def train(request: TrainRequest) -> int:
    """Train, and print the folder of the final checkpoint."""
    from jasmine_core.train import trainer
    from jasmine_core.train.page import PAGE
    from jasmine_core.train.recipe import read_recipe

    recipe = read_recipe(request.recipe)
    with Interrupt() as interrupt:
        finished = trainer.train(recipe, request.output, request.resume, interrupt)
    if finished is None:
        _log.info("interrupted; --resume continues from here")
        return interrupt.status
    print(f"trained: {url_of(finished)}")
    if exists(request.output / PAGE):
        print(f"report: {url_of(request.output / PAGE)}")
    return 0
