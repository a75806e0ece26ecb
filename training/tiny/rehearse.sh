#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
#
# Rehearsal of tiny.sh before its hours of training: training/tiny/rehearse.sh FOLDER BAG...
#
# BAG... are the recordings for tiny.sh. FOLDER gets a copy of the tracked files. tiny.sh runs in this copy to its end, with one scene and one
# training step of a hundred, so that the checkpoint is useless and nothing outside FOLDER changes.
set -euo pipefail
usage="usage: training/tiny/rehearse.sh FOLDER BAG...   (FOLDER is new or empty; BAG... are recordings)"
[[ ${1:-} == -h || ${1:-} == --help ]] && { echo "$usage"; exit 0; }
(($# >= 2)) || { echo "$usage" >&2; exit 2; }
root=$(realpath "$(dirname "$0")/../..")
git -C "$root" ls-files --error-unmatch training/tiny/tiny.sh > /dev/null 2>&1 ||
  { echo "rehearse.sh: $root is not a git checkout; clone the repository" >&2; exit 2; }
mkdir -p -- "$1" || { echo "rehearse.sh: $1 cannot be made; choose a new folder" >&2; exit 2; }
[[ -z $(ls -A "$1") ]] || { echo "rehearse.sh: $1 is not empty; choose a new folder" >&2; exit 2; }
folder=$(realpath "$1")
shift

(cd "$root" && git ls-files -z | xargs -0 cp --parents --no-dereference -t "$folder")
# An autoencoder of a few steps is above the limit of its error.
python - "$folder" <<'END'
import re
import sys
from pathlib import Path

for recipe in Path(sys.argv[1], "training/tiny").glob("??_*.yaml"):
    text = re.sub(r"steps: (\d+)", lambda m: f"steps: {-(-int(m[1]) // 100)}", recipe.read_text())
    recipe.write_text(re.sub(r"autoencoder_limit: [\d.]+", "autoencoder_limit: 0.0", text))
END
export DIVISOR=100 FRAMES=4 PYTHONPATH=$folder
"$folder/training/tiny/tiny.sh" "$@"
