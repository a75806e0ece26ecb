#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
#
# Scores for the model card: training/tiny/score.sh OUT BASELINE [NAME BAG GROUND_TRUTH PROTOCOL]...
#
# OUT gets a JSON file and a figure per data set, and the scores and the gallery are written to the
# model card and to docs/. BASELINE is the disparity net of the same training. A finished data set is
# skipped, so that the same command continues after an interruption.
set -euo pipefail
(($# >= 2)) || { echo "usage: score.sh OUT BASELINE [NAME BAG GROUND_TRUTH PROTOCOL]..." >&2; exit 2; }
out=$1 baseline=$2
shift 2
mkdir -p "$out"

score() {  # NAME, and the options of `jasmine evaluate`
  local name=$1
  shift
  [[ -f $out/$name.json ]] || jasmine evaluate --checkpoint jasmine-tiny --json "$out/$name.json" "$@"
}

frames=${FRAMES:-200}  # rehearse.sh sets FRAMES
for world in street room; do
  score $world --world $world --frames $frames --baseline "$baseline" --show 2
  score ${world}_metres --world $world --frames $frames --alignment none
done
while (($# >= 4)); do
  score "$1" --bag "$2" --ground-truth "$3" --protocol "$4" --baseline "$baseline" --show 2
  score "${1}_metres" --bag "$2" --ground-truth "$3" --protocol "$4" --alignment none
  shift 4
done
python "$(dirname "$0")/card.py" "$out"
