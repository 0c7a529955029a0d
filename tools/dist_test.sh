#!/usr/bin/env bash
# Test with several processes:
#     bash tools/dist_test.sh CONFIG CHECKPOINT GPUS [arguments of test.py]
# Without a GPU: as many processes on CPU. Several machines: as in dist_train.sh.
set -euo pipefail
if [ $# -lt 3 ]; then
    echo "usage: $0 CONFIG CHECKPOINT GPUS [arguments of test.py]" >&2
    exit 2
fi
CONFIG=$1
CHECKPOINT=$2
GPUS=$3
shift 3
. "$(dirname "$0")/_torchrun.sh"
torchrun_python "$(dirname "$0")/test.py" "$CONFIG" "$CHECKPOINT" --launcher pytorch "$@"
