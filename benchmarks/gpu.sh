#!/usr/bin/env bash
# Everything to measure on a machine with a GPU, in eight minutes at most: bash benchmarks/gpu.sh, with gnl and its extra
# [cluster] installed. Nothing is downloaded: weights are random.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=${PYTHON:-python3}
runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT

command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv
"$python" -c 'import torch; print("PyTorch", torch.__version__, "GPUs", torch.cuda.device_count())'
timeout 300 "$python" -m benchmarks.gpu "$@"

# The same training in one process and, where there are two GPUs, in two: losses and scores to compare.
gpus=$("$python" -c 'import torch; print(min(2, torch.cuda.device_count()))')
for devices in $(seq 1 "$gpus"); do
    timeout 90 "$python" -m gnl_core train --dataset digits --image-size 64 --epochs 2 --device cuda --devices "$devices" \
        --run "$runs/$devices"
    timeout 60 "$python" -m gnl_core score "$runs/$devices" --device cuda
done
