#!/usr/bin/env bash
# All checks, from a fresh clone; needs nothing but Python >= 3.10. Arguments go to pytest.
# A process for each core, of one thread: small networks gain nothing from more.
. "$(dirname "$0")/_setup.sh"
ruff check .
ruff format --check .
mypy
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
# In the order of tests/conftest.py: files with many slow tests do not come last.
python -m pytest --numprocesses auto --maxprocesses 8 --dist loadfile \
    --no-loadscope-reorder "$@"
