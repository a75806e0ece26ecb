#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
#
# Train jasmine-tiny from ImageNet weights: training/tiny/tiny.sh BAG...
#
# BAG... are recordings of real cameras whose licence allows training. The recipes in this folder run
# in the order of their numbers: the run of NAME.yaml is runs/tiny/NAME. The same command continues
# after an interruption.
set -euo pipefail
cd "$(dirname "$0")/../.."
(($#)) || { echo "usage: training/tiny/tiny.sh BAG...   (recordings of real cameras)" >&2; exit 2; }

jasmine render -o data/outdoors --kind street --scenes 1440
jasmine render -o data/outdoors --kind road --scenes 1160
jasmine render -o data/indoors --kind indoor --scenes 120
jasmine render -o data/indoors --kind room --scenes 80
for kind in road indoor room; do
  jasmine render -o data/tall --kind $kind --width 192 --height 160 --first 100000 \
    --scenes "$([[ $kind == indoor ]] && echo 60 || echo 25)"
done
jasmine render -o data/tall_rooms --kind indoor --width 192 --height 160 --first 200000 --scenes 240
jasmine render -o data/tall_rooms --kind room --width 192 --height 160 --first 200000 --scenes 120
jasmine prepare "$@" -o data/real --width 320 --height 96 --resize crop

for recipe in training/tiny/??_*.yaml; do
  name=$(basename "$recipe" .yaml)
  out=runs/tiny/$name
  [[ -d $out/final ]] && continue
  resume=$([[ -d $out ]] && echo --resume || true)
  jasmine train "$recipe" -o "$out" $resume
done

tiny=runs/tiny/jasmine-tiny bundled=jasmine_core/checkpoints/jasmine-tiny
[[ -d $tiny ]] || python training/tiny/mean.py $tiny \
  runs/tiny/{12_prior_tall,12_prior_tall,12_prior_tall,11_prior_zoom}/final  # three parts of 12, one of 11
python training/tiny/bundle.py $tiny runs/tiny/14_teacher_video/final/posenet 0.3 $bundled
jasmine calibrate jasmine-tiny
training/tiny/score.sh runs/tiny/scores runs/tiny/13_teacher/final
