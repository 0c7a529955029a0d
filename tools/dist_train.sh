#!/usr/bin/env bash
# Train with several processes: bash tools/dist_train.sh CONFIG GPUS [arguments of train.py]
# Without a GPU: as many processes on CPU. Several machines: set NNODES, NODE_RANK,
# MASTER_ADDR and PORT alike on each; on one machine a free port is found by itself.
set -euo pipefail
if [ $# -lt 2 ]; then
    echo "usage: $0 CONFIG GPUS [arguments of train.py]" >&2
    exit 2
fi
CONFIG=$1
GPUS=$2
shift 2
. "$(dirname "$0")/_torchrun.sh"
torchrun_python "$(dirname "$0")/train.py" "$CONFIG" --launcher pytorch "$@"
