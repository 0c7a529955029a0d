#!/usr/bin/env bash
# All checks, from a fresh clone; needs nothing but Python >= 3.10. Arguments go to pytest.
. "$(dirname "$0")/_setup.sh"
ruff check .
ruff format --check .
mypy
python -m pytest "$@"
