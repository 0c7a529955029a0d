# Sourced by dist_train.sh and dist_test.sh, which set GPUS.

torchrun_python() {
    if ! [[ $GPUS =~ ^([1-9][0-9]*|auto|gpu|cpu)$ ]]; then
        echo "error: GPUS must be a number of processes, got '$GPUS': write it behind" \
            'the config (and the checkpoint of a test)' >&2
        exit 2
    fi
    local rendezvous=(--standalone)
    if [ -n "${NNODES:-}${PORT:-}${MASTER_ADDR:-}" ]; then
        rendezvous=(
            --nnodes "${NNODES:-1}"
            --node_rank "${NODE_RANK:-0}"
            --master_addr "${MASTER_ADDR:-127.0.0.1}"
            --master_port "${PORT:-29500}"
        )
    fi
    # Of the Python that is active (or of PYTHON). `exec`: this shell becomes the launcher,
    # so that a signal to it ends the processes, too.
    exec "${PYTHON:-python}" "$(dirname "$0")/_ranks.py" "${rendezvous[@]}" \
        --nproc_per_node "$GPUS" "$@"
}
