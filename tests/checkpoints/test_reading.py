import pickle
import shutil
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.model import BaseModule
from mmengine.runner import CheckpointLoader
from torch import nn

from mmseg_cen.checkpoints import read_checkpoint
from mmseg_cen.models.pretrained import check_pretrained


class Evil:
    """Touches a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, 'w')


def save_zip(value, path):
    torch.save(value, path)


def save_old(value, path):
    torch.save(value, path, _use_new_zipfile_serialization=False)


def save_pickle(value, path):
    path.write_bytes(pickle.dumps(value, protocol=4))


@pytest.fixture(params=[save_zip, save_old, save_pickle])
def evil(request, tmp_path):
    path = tmp_path / 'evil.pth'
    request.param({'state_dict': {}, 'evil': Evil(tmp_path / 'ran')}, path)
    return path


class Network(BaseModule):
    def __init__(self, path):
        super().__init__(dict(type='Pretrained', checkpoint=str(path)))
        self.layer = nn.Linear(1, 1)


@pytest.mark.parametrize('default', ['0', '1'])
@pytest.mark.parametrize(
    'load',
    [
        read_checkpoint,
        CheckpointLoader.load_checkpoint,
        lambda path: check_pretrained(nn.Linear(1, 1), path),
        lambda path: Network(path).init_weights(),
        lambda path: CheckpointLoader.load_checkpoint(f'file://{path}'),
    ],
    ids=['ours', 'mmengine', 'backbone', 'init_cfg', 'address'],
)
def test_code_in_a_checkpoint_is_never_run_and_called_code(
    load, default, evil, tmp_path, monkeypatch
):
    monkeypatch.setenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', default)
    with pytest.raises(
        (ValueError, FileNotFoundError), match=r'objects|must be a file'
    ):
        load(str(evil))
    assert not (tmp_path / 'ran').exists()


def test_code_in_a_download_is_never_run(evil, tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    monkeypatch.setenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', '1')
    for load in (
        lambda: CheckpointLoader.load_checkpoint(evil.as_uri().replace('file', 'http')),
        lambda: CheckpointLoader.load_checkpoint('torchvision://resnet50'),
    ):
        monkeypatch.setattr(
            'torch.hub.download_url_to_file',
            lambda url, path, *_, **__: shutil.copy(evil, path),
        )
        monkeypatch.setattr(
            'mmengine.runner.checkpoint.get_torchvision_models',
            lambda: {'resnet50': 'https://nowhere/resnet50.pth'},
        )
        with pytest.raises(ValueError, match=r'objects|damaged'):
            load()
    assert not (tmp_path / 'ran').exists()


@pytest.mark.parametrize(
    'content', [b'', b'text', b'PK\x03\x04damaged', b'\x80\x02', bytes(99)]
)
def test_what_is_damaged_is_not_called_code(content, tmp_path):
    path = tmp_path / 'file.pth'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r'file\.pth.*cannot be read: it is damaged'):
        read_checkpoint(str(path))


def test_a_truncated_checkpoint_is_called_damaged(tmp_path):
    path = tmp_path / 'file.pth'
    torch.save({'weight': torch.zeros(1000)}, path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match='it is damaged'):
        read_checkpoint(str(path))


def test_a_file_of_safetensors_is_not_called_damaged(tmp_path):
    path = tmp_path / 'model.safetensors'
    path.write_bytes(b'\x02\0\0\0\0\0\0\0{}')
    with pytest.raises(ValueError, match=r'of safetensors: save its tensors by torch'):
        read_checkpoint(str(path))


def test_a_damaged_download_is_named_where_it_is_kept(tmp_path, monkeypatch):
    """A page that asks for a password is kept like a checkpoint, and read again."""
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    monkeypatch.setattr(
        'torch.hub.download_url_to_file',
        lambda url, path, *_, **__: Path(path).write_text('<html></html>'),
    )
    kept = tmp_path / 'hub' / 'checkpoints' / 'a.pth'
    with pytest.raises(ValueError, match=f'damaged .* remove {str(kept)!r}'):
        CheckpointLoader.load_checkpoint('https://nowhere/a.pth?x=1')
    assert kept.exists()


def test_tensors_of_a_device_that_is_not_here_are_not_called_damaged(
    tmp_path, monkeypatch
):
    def load(*args, **kwargs):
        raise RuntimeError(
            'Attempting to deserialize object on a CUDA device but '
            'torch.cuda.is_available() is False.'
        )

    (tmp_path / 'file.pth').touch()
    monkeypatch.setattr('torch.load', load)
    with pytest.raises(ValueError, match='tensors of a GPU: read it with map_location'):
        read_checkpoint(str(tmp_path / 'file.pth'))


def test_a_program_of_torchscript_is_named(tmp_path):
    path = tmp_path / 'traced.pth'
    with torch.no_grad():
        torch.jit.trace(nn.Linear(1, 1), torch.zeros(1, 1)).save(str(path))
    with pytest.raises(ValueError, match='TorchScript program'):
        read_checkpoint(str(path))


def test_text_that_a_resuming_runner_would_execute_is_left_out(tmp_path):
    path = tmp_path / 'file.pth'
    torch.save({'meta': {'config': 'import os', 'iter': 1}}, path)
    assert CheckpointLoader.load_checkpoint(str(path))['meta'] == {'iter': 1}


def test_tags_of_yaml_make_no_objects(tmp_path):
    path = tmp_path / 'config.yaml'
    path.write_text(f'a: !!python/object/apply:builtins.open [{tmp_path}/ran, w]')
    with pytest.raises(ValueError, match=r'plain values, got a tag .*open.*line 1'):
        Config.fromfile(path)
    assert not (tmp_path / 'ran').exists()


def test_the_yaml_of_mmengine_is_read(tmp_path):
    cfg = Config(dict(a=(1, 2, (3,)), b=dict(c=[0.5, None, True], d='x')))
    cfg.dump(tmp_path / 'config.yaml')
    assert Config.fromfile(tmp_path / 'config.yaml').to_dict() == cfg.to_dict()
