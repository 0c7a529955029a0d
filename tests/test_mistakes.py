import errno
from urllib.error import URLError

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope, Registry
from mmseg.registry import MODELS as MMSEG_MODELS
from torch import nn
from torch.utils.data import DataLoader

from mmseg_cen import mistakes
from mmseg_cen.mistakes import describe

PARTS = Registry('part')


@PARTS.register_module()
class Part:
    def __init__(self, size, below=None, path=None):
        if below is not None:
            PARTS.build(below)
        if path is not None:
            open(path).close()
        if size < 0:
            raise ValueError(f'`size` must be positive, got {size}: give another')
        self.layers = [None] * int(size)


def caught(function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except Exception as error:
        return error
    return pytest.fail(f'{function} must raise an error')


def build(**kwargs):
    return describe(caught(PARTS.build, dict(type='Part', **kwargs)))


def test_what_a_part_of_a_config_must_be_is_said_without_where_it_was_built():
    assert build(size=-1) == '`size` must be positive, got -1: give another'
    below = dict(type='Part', size=-1)
    assert build(size=1, below=below) == '`size` must be positive, got -1: give another'
    assert build(size=1, path='no.txt').startswith("'no.txt' must exist, got")


def test_a_config_that_cannot_be_built_is_said():
    assert "Part has, got 'width': correct" in build(size=1, width=2)
    assert 'must give the arguments' in build()
    assert "'size'" in build()
    assert "got 'Prt', which is not in" in build(size=1, below=dict(type='Prt'))
    with DefaultScope.overwrite_default_scope('mmengine'):
        error = caught(MODELS.build, dict(type='CENSegmentor'))
    assert "not in mmengine::model: set default_scope='mmseg'" in describe(error)
    assert 'must have `type`' in build(size=1, below=dict(size=1))
    assert 'must give Part arguments that it takes' in build(size='many')


def test_what_a_config_lacks_is_said():
    cfg = Config(dict(a=1))
    for read in (lambda: cfg.b, lambda: cfg['b']):
        assert describe(caught(read)) == "the config must have 'b', got none: add it"


def test_sides_that_a_backbone_does_not_take_are_said():
    unet = MMSEG_MODELS.build(dict(type='UNet', base_channels=2))
    line = describe(caught(unet, torch.zeros(1, 3, 32, 40)))
    assert 'that 16 divides for this backbone, got (32, 40)' in line
    assert line.endswith('and its test_cfg=dict(size_divisor=16)')


def test_a_prefix_that_no_name_has_is_said():
    error = AssertionError('bone. is not in the pretrained model')
    assert describe(error).startswith('`prefix` of an `init_cfg` must be')


def test_a_batch_of_one_value_is_said():
    line = describe(caught(nn.BatchNorm2d(3), torch.zeros(1, 3, 1, 1)))
    assert 'batch_size to 2 or more' in line


class Samples:
    def __init__(self, error):
        self.error = error

    def __len__(self):
        return 1

    def __getitem__(self, index):
        raise self.error


def caught_of_process(error):
    """The error without its frames, which would keep the process for a while."""
    loader = DataLoader(Samples(error), num_workers=1)
    return caught(list, loader).with_traceback(None)


@pytest.mark.parametrize(
    ('error', 'line'),
    [
        (ValueError('a.png must be gray, got RGB: convert it'), 'a.png must be gray'),
        (OSError('b.png must be an image, got text: replace it'), 'b.png must be'),
    ],
)
def test_errors_of_processes_that_load_data_are_said_alike(error, line):
    text = describe(caught_of_process(error))
    assert text.startswith(line)
    assert 'Caught' not in text


def test_other_errors_of_processes_that_load_data_are_unexpected():
    assert describe(caught_of_process(IndexError('x'))) is None


@pytest.mark.parametrize(
    ('code', 'words'),
    [
        (errno.ENOSPC, "space for 'd/f', got a full one"),
        (errno.ENOENT, "'d/f' must exist"),
        (errno.EEXIST, "'d/f' must be a folder"),
        (errno.EACCES, "'d/f' must be permitted"),
        (errno.EIO, "'d/f' must be readable"),
    ],
)
def test_errors_of_the_system_name_the_file_and_a_remedy(code, words):
    line = describe(OSError(code, 'why', 'd/f'))
    assert words in line
    assert line.count(': ') >= 1


def test_a_full_disk_without_a_name_is_looked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(mistakes.sys, 'argv', ['tool', '--work-dir', str(tmp_path)])
    full = type('Stat', (), dict(f_bavail=0, f_frsize=4096))
    free = type('Stat', (), dict(f_bavail=10**6, f_frsize=4096))
    monkeypatch.setattr(
        mistakes.os, 'statvfs', lambda p: full if p == str(tmp_path) else free
    )
    line = describe(OSError(errno.ENOSPC, 'No space left on device'))
    assert f'(full: {tmp_path})' in line
    assert '--resume' in line


def test_what_a_machine_lacks_is_said():
    line = describe(ModuleNotFoundError("No module named 'torchvision'"))
    assert 'pip install torchvision' in line
    assert "'einops' must be" in describe(
        ModuleNotFoundError("No module named 'einops'")
    )
    assert 'name the file in the config' in describe(URLError('no route'))
    line = describe(FileNotFoundError('no.pth can not be found.'))
    assert "got 'no.pth': correct `checkpoint`" in line
    line = describe(FileNotFoundError('the list must exist, got a.txt: add it'))
    assert line == 'the list must exist, got a.txt: add it'
    line = describe(torch.cuda.OutOfMemoryError('CUDA out of memory. Tried to'))
    assert 'smaller batch_size' in line
