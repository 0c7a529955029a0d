# Sourced by quickstart.sh and run_tests.sh: goes to the root of the repository and puts
# a virtual environment, .venv, first on PATH. It is made on the first call; later calls
# find it complete and take no time.
#
#   PYTHON      the Python to make it with (default: the first suitable one on PATH)
#   TORCH_SPEC  what to install as torch, e.g. 'torch==2.6.0'
#   PIP_*       pip's own variables, such as PIP_INDEX_URL for another package index

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

suitable() {
    # mmengine 0.10 needs pkgutil.find_loader, which Python 3.14 removed.
    "$1" -c 'import ensurepip, sys, venv; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' \
        >/dev/null 2>&1
}

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.10}; do
        if suitable "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    echo "No suitable Python among: ${PYTHON:-python3 python3.13 ... python3.10}." \
        'Install Python 3.10 to 3.13 with its venv module (on Debian and Ubuntu:' \
        'apt install python3-venv), or set PYTHON to one.' >&2
    return 1
}

if [ -z "${TORCH_SPEC:-}" ]; then
    TORCH_SPEC='torch==2.13.0'
    # `===` leaves out builds with a local version such as 2.13.0+cpu.
    if nvidia-smi >/dev/null 2>&1; then
        TORCH_SPEC='torch===2.13.0'
    fi
fi

stamp="$(cat requirements/*.txt pyproject.toml | cksum) $TORCH_SPEC"
if [ "$(cat .venv/installed 2>/dev/null)" != "$stamp" ]; then
    if [ ! -x .venv/bin/python ]; then
        python=$(find_python)
        echo "Making .venv with $("$python" --version) ..."
        "$python" -m venv .venv
    fi
    echo 'Installing the requirements (some minutes) ...'
    export PIP_DISABLE_PIP_VERSION_CHECK=1
    .venv/bin/python -m pip install --quiet "$TORCH_SPEC" -r requirements/tested.txt
    .venv/bin/python -m pip install --quiet --no-deps \
        -r requirements/without_dependencies.txt
    if ! .venv/bin/python -c 'import cv2' 2>/dev/null; then
        # A machine without libGL cannot load OpenCV's windows; it can do without them.
        opencv=$(grep -o '^opencv-python==[0-9.]*' requirements/tested.txt)
        .venv/bin/python -m pip install --quiet --no-deps --force-reinstall \
            "${opencv/python/python-headless}"
    fi
    .venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
    echo "$stamp" >.venv/installed
fi
export PATH="$PWD/.venv/bin:$PATH"
