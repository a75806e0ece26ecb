#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
#
# Train jasmine-tiny from random weights: training/tiny/tiny.sh BAG...
#
# BAG... are recordings of real cameras whose licence allows training. The same command continues
# after an interruption.
set -euo pipefail
cd "$(dirname "$0")/../.."
(($#)) || { echo "usage: training/tiny/tiny.sh BAG...   (recordings of real cameras)" >&2; exit 2; }

jasmine render -o data/world --kind street --scenes 1340
jasmine render -o data/world --kind room --scenes 600
jasmine prepare "$@" -o data/real --width 320 --height 96 --resize crop

first=(vae prior prior_more prior_large teacher teacher_large video video_more)
again=(teacher_again teacher_again_large prior_again prior_again_large video_again)
third=(prior_third prior_third_large video_third)
for part in "${first[@]}" "${again[@]}" "${third[@]}"; do
  out=runs/tiny/$part
  [[ -d $out/final ]] && continue
  resume=$([[ -d $out ]] && echo --resume || true)
  jasmine train training/tiny/$part.yaml -o "$out" $resume
done

python training/tiny/bundle.py runs/tiny/video_third/final jasmine_core/checkpoints/jasmine-tiny
jasmine evaluate --checkpoint jasmine-tiny --baseline runs/tiny/teacher_again_large/final --world street --json runs/tiny/street.json
