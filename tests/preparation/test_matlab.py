import sys

import numpy as np
import pytest

from mmseg_cen.preparation.matlab import load_integers, load_mat, open_hdf5

h5py = pytest.importorskip('h5py')
savemat = pytest.importorskip('scipy.io').savemat


@pytest.mark.parametrize('header', [0, 512])
def test_files_of_version_7_3_are_read_like_earlier_ones(tmp_path, header):
    array = np.arange(6.0).reshape(2, 3)
    savemat(tmp_path / '7.mat', dict(a=array))
    with h5py.File(tmp_path / '7.3.mat', 'w', userblock_size=header) as file:
        file['a'] = array.T
    for name in ('7.mat', '7.3.mat'):
        np.testing.assert_array_equal(load_mat(tmp_path / name, ['a'])['a'], array)


def test_integers_of_any_type_are_read_and_other_values_refused(tmp_path):
    path = tmp_path / 'a.mat'
    savemat(path, dict(a=[[1.0], [3.0]], b=np.array([[True]])))
    values = load_integers(path, ['a', 'b'])
    assert {k: (v.dtype, v.tolist()) for k, v in values.items()} == dict(
        a=(np.int64, [1, 3]), b=(np.int64, [1])
    )
    for wrong in ([1.5], [np.nan], ['text']):
        savemat(path, dict(a=wrong))
        with pytest.raises(ValueError, match=r'a\.mat: `a` must hold whole numbers'):
            load_integers(path, ['a'])


def test_files_that_cannot_be_read_and_absent_variables_are_named(tmp_path):
    path = tmp_path / 'a.mat'
    path.write_bytes(b'MATLAB 5.0 MAT-file')
    for read in (open_hdf5, lambda path: load_mat(path, ['a'])):
        with pytest.raises(ValueError, match=r'a\.mat must be a complete MATLAB'):
            read(path)
    savemat(path, dict(b=1))
    with h5py.File(tmp_path / 'b.mat', 'w') as file:
        file['b'] = 1
        file.create_group('a')
    for name in ('a.mat', 'b.mat'):
        with pytest.raises(ValueError, match=rf"{name} must hold .*got no \['c'\]"):
            load_mat(tmp_path / name, ['b', 'c'])
    with pytest.raises(ValueError, match=r"`a` must hold numbers.*save\(\.\.\., '-v7"):
        load_mat(tmp_path / 'b.mat', ['a'])


@pytest.mark.parametrize('package', ['h5py', 'scipy'])
def test_a_missing_package_is_named(tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setitem(sys.modules, f'{package}.io', None)
    read = open_hdf5 if package == 'h5py' else lambda path: load_mat(path, ['a'])
    with pytest.raises(ValueError, match=rf'{package} must be installed.*pip install'):
        read(tmp_path)
