"""Read the MATLAB files of official downloads."""

from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HDF5 = b'\x89HDF\r\n\x1a\n'  # MATLAB writes 512 bytes before it


def open_hdf5(path: str | Path) -> Any:
    """Open a MATLAB file of version 7.3 for reading.

    Raises:
        ValueError: If the file is damaged, or h5py is missing.
    """
    try:
        import h5py
    except ImportError as error:
        raise ValueError(
            'h5py must be installed to read MATLAB 7.3 files, got none: '
            "pip install 'mmseg-cen[data]'"
        ) from error
    try:
        return h5py.File(path, 'r')
    except OSError as error:
        raise ValueError(
            f'{path} must be a complete MATLAB 7.3 (HDF5) file, got another or a '
            f'damaged one ({error}): download it again'
        ) from error


def load_mat(path: str | Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Read variables of a MATLAB file; of version 7.3, only numbers.

    Raises:
        ValueError: If the file is damaged or lacks a variable, or scipy is missing.
    """
    try:
        import scipy.io
    except ImportError as error:
        raise ValueError(
            'scipy must be installed to read MATLAB files, got none: '
            "pip install 'mmseg-cen[data]'"
        ) from error
    try:
        mat = scipy.io.loadmat(str(path), variable_names=list(names))
    except Exception as error:  # scipy has dozens of ways to fail on a damaged file
        with open(path, 'rb') as file:
            is_hdf5 = HDF5 in file.read(512 + len(HDF5))
        if is_hdf5:
            return _load_hdf5(path, names)
        raise ValueError(
            f'{path} must be a complete MATLAB file, got another or a damaged one '
            f'({error!r}): download it again'
        ) from error
    require_variables(path, names, mat)
    return {name: np.asarray(mat[name]) for name in names}


def load_integers(path: str | Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Read variables that hold whole numbers, of whatever type, as int64 (n,).

    Raises:
        ValueError: If :func:`load_mat` fails, or there are other values.
    """
    values = load_mat(path, names)
    for name, array in values.items():
        if (
            array.dtype.kind not in 'buif'
            or not np.isfinite(array).all()
            or (array != np.rint(array)).any()
        ):
            raise ValueError(
                f'{path}: `{name}` must hold whole numbers, got {array.dtype} '
                f'{array.ravel()[:5]}: download the official file'
            )
    return {name: array.ravel().astype(np.int64) for name, array in values.items()}


def require_variables(
    path: str | Path, names: Sequence[str], variables: Container[str]
) -> None:
    """Refuse a MATLAB file that lacks variables.

    Raises:
        ValueError: If any of the ``names`` is not among the ``variables``.
    """
    if absent := [name for name in names if name not in variables]:
        raise ValueError(
            f'{path} must hold {list(names)}, got no {absent}: download the official '
            'file'
        )


def _load_hdf5(path: str | Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    with open_hdf5(path) as file:
        require_variables(path, names, file)
        for name in names:
            if getattr(file[name], 'dtype', np.dtype(object)).kind not in 'buif':
                raise ValueError(
                    f'{path}: `{name}` must hold numbers to be read from a MATLAB 7.3 '
                    "file, got another type: save it with save(..., '-v7')"
                )
        # MATLAB's columns come first there.
        return {name: np.asarray(file[name]).T for name in names}
