"""MATLAB files of official downloads."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def open_hdf5(path: str | Path) -> Any:
    """Open a MATLAB file of version 7.3 for reading.

    Raises:
        ValueError: If the file is damaged, or h5py is missing.
    """
    try:
        import h5py
    except ImportError as error:
        raise ValueError("needs h5py: pip install 'mmseg-cen[data]'") from error
    try:
        return h5py.File(path, 'r')
    except OSError as error:
        raise ValueError(
            f'{path} is no complete MATLAB 7.3 (HDF5) file: download it again ({error})'
        ) from error


def load_mat(path: str | Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Read variables of a MATLAB file up to version 7.

    Raises:
        ValueError: If the file is damaged or lacks a variable, or scipy is missing.
    """
    try:
        import scipy.io
    except ImportError as error:
        raise ValueError("needs scipy: pip install 'mmseg-cen[data]'") from error
    try:
        mat = scipy.io.loadmat(str(path), variable_names=list(names))
    except Exception as error:  # scipy has dozens of ways to fail on a damaged file
        raise ValueError(
            f'{path} is no complete MATLAB file: download it again ({error!r})'
        ) from error
    if absent := [name for name in names if name not in mat]:
        raise ValueError(f'{path} has no {absent}: is it the official file?')
    return {name: np.asarray(mat[name]) for name in names}
