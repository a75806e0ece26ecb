#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
#
# Train jasmine-tiny from random weights: training/tiny/bundled/tiny.sh BAG...
#
# BAG... are recordings of real cameras whose licence allows training. The recipes in this folder run
# in the order of their numbers: the run of NN_NAME.yaml is runs/tiny/NAME. The same command continues
# after an interruption.
set -euo pipefail
cd "$(dirname "$0")/../../.."
(($#)) || { echo "usage: training/tiny/bundled/tiny.sh BAG...   (recordings of real cameras)" >&2; exit 2; }

jasmine render -o data/world --kind street --scenes 1340
jasmine render -o data/world --kind room --scenes 600
jasmine prepare "$@" -o data/real --width 320 --height 96 --resize crop

for recipe in training/tiny/bundled/??_*.yaml; do
  name=$(basename "$recipe" .yaml)
  out=runs/tiny/${name#??_}
  [[ -d $out/final ]] && continue
  resume=$([[ -d $out ]] && echo --resume || true)
  jasmine train "$recipe" -o "$out" $resume
done

python training/tiny/bundle.py runs/tiny/video_third/final jasmine_core/checkpoints/jasmine-tiny
jasmine evaluate --checkpoint jasmine-tiny --baseline runs/tiny/teacher_again_large/final --world street --json runs/tiny/street.json
