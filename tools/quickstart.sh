#!/usr/bin/env bash
# From a fresh clone to a trained network, its figures and a picture of its predictions;
# needs nothing but Python >= 3.10. Arguments go to tools/quickstart.py.
. "$(dirname "$0")/_setup.sh"
exec python tools/quickstart.py "$@"
