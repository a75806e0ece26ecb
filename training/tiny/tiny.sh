#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
#
# Train jasmine-tiny from ImageNet weights: training/tiny/tiny.sh BAG...
#
# BAG... are recordings of real cameras whose licence allows training. The recipes in this folder run
# in the order of their numbers: the run of NAME.yaml is runs/tiny/NAME. The same command continues
# after an interruption. rehearse.sh runs all of it in some minutes, with little data.
set -euo pipefail
(($#)) || { echo "usage: training/tiny/tiny.sh BAG...   (recordings of real cameras)" >&2; exit 2; }
bags=("$@")
for i in "${!bags[@]}"; do
  [[ ${bags[i]} == *://* ]] && continue
  [[ -e ${bags[i]} ]] || { echo "tiny.sh: ${bags[i]} does not exist; give a recording" >&2; exit 2; }
  bags[i]=$(realpath -- "${bags[i]}")
done
cd "$(dirname "$0")/../.."

render() {  # FOLDER KIND SCENES [OPTION...]
  local scenes=$((($3 + ${DIVISOR:-1} - 1) / ${DIVISOR:-1}))  # rehearse.sh sets DIVISOR
  jasmine render -o "data/$1" --kind "$2" --scenes $scenes "${@:4}"
}

render outdoors street 1440
render outdoors road 1160
render indoors indoor 120
render indoors room 80
tall=(--width 192 --height 160)
render tall road 25 "${tall[@]}" --first 100000
render tall indoor 60 "${tall[@]}" --first 100000
render tall room 25 "${tall[@]}" --first 100000
render tall_rooms indoor 240 "${tall[@]}" --first 200000
render tall_rooms room 120 "${tall[@]}" --first 200000
jasmine prepare "${bags[@]}" -o data/real --width 320 --height 96 --resize crop

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
