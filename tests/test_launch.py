import os

import pytest
import torch
from mmengine.model import BaseTTAModel
from torch import nn

from mmseg_cen.launch import (
    check_checkpoint,
    exit_on_user_error,
    latest_checkpoint,
    load_config,
)


def network(width=3, extra=False):
    layers = [nn.Conv2d(3, width, 1), nn.BatchNorm2d(width)]
    if extra:
        layers.append(nn.Conv2d(width, 2, 1))
    return nn.Sequential(*layers)


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / 'checkpoint.pth'
    torch.save({'state_dict': network().state_dict(), 'meta': {}}, path)
    return str(path)


@pytest.mark.parametrize('strict', [True, False])
def test_a_checkpoint_of_the_same_model_is_accepted(checkpoint, strict):
    check_checkpoint(network(), checkpoint, strict=strict)


def test_wrappers_are_looked_through(checkpoint, tmp_path):
    class Augmented(BaseTTAModel):
        def __init__(self, module):
            nn.Module.__init__(self)
            self.module = module

        def merge_preds(self, data_samples_list):
            return data_samples_list

    check_checkpoint(Augmented(network()), checkpoint, strict=True)
    state = {f'module.{k}': v for k, v in network().state_dict().items()}
    torch.save(state, tmp_path / 'parallel.pth')
    check_checkpoint(network(), str(tmp_path / 'parallel.pth'), strict=True)


@pytest.mark.parametrize('content', [b'', b'text', b'PK\x03\x04damaged'])
def test_what_is_no_checkpoint_is_refused_as_such(content, tmp_path):
    path = tmp_path / 'file.pth'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r'must be .*file.pth.* cannot be read'):
        check_checkpoint(network(), str(path), strict=True)


def test_an_interrupted_training_goes_on_from_the_newest_complete_checkpoint(tmp_path):
    folder = str(tmp_path)
    assert latest_checkpoint(folder) is None
    noted = tmp_path / 'last_checkpoint'
    paths = [tmp_path / f'{name}.pth' for name in ('epoch_9', 'epoch_10', 'epoch_11')]
    for seconds, path in enumerate(paths):
        torch.save(network().state_dict(), path)
        os.utime(path, (seconds, seconds))
    noted.write_text(str(paths[0]))
    assert latest_checkpoint(folder) == str(paths[0]), 'what is noted counts'
    noted.write_text(str(tmp_path / 'epoch_8.pth'))  # removed
    assert latest_checkpoint(folder) == str(paths[2])
    paths[2].write_bytes(paths[2].read_bytes()[:-50])  # not written to its end
    assert latest_checkpoint(folder) == str(paths[1])
    noted.write_text(str(paths[2]))
    assert latest_checkpoint(folder) == str(paths[1])
    for path in paths:
        path.unlink()
    assert latest_checkpoint(folder) == str(paths[2]), 'which is told to be missing'


def test_testing_refuses_what_is_missing_unexpected_or_of_another_shape(checkpoint):
    with pytest.raises(ValueError, match=r'2 missing \(2\.weight, 2\.bias\)\): use'):
        check_checkpoint(network(extra=True), checkpoint, strict=True)
    with pytest.raises(ValueError, match=r'0\.weight \(3, 3, 1, 1\) instead of \(4, 3'):
        check_checkpoint(network(width=4), checkpoint, strict=True)
    with pytest.raises(ValueError, match=r'4 unexpected \(1\.weight, '):
        check_checkpoint(network()[:1], checkpoint, strict=True)


def test_a_start_from_other_weights_needs_one_tensor_that_fits(checkpoint):
    check_checkpoint(network(extra=True), checkpoint, strict=False)
    with pytest.raises(ValueError, match=r'`load_from` .* nothing fits .*init_cfg'):
        check_checkpoint(nn.ModuleDict({'a': network()}), checkpoint, strict=False)


def test_long_lists_of_names_are_cut(checkpoint):
    model = nn.Sequential(*[nn.Linear(1, 1) for _ in range(9)])
    with pytest.raises(ValueError, match=r'missing \((\S+, ){5}\.\.\.\)'):
        check_checkpoint(model, checkpoint, strict=True)


def test_user_errors_end_in_one_line_and_others_in_a_traceback():
    with (
        pytest.raises(
            SystemExit, match=r"error: the config must be a file, got 'nowhere.py'"
        ),
        exit_on_user_error(),
    ):
        load_config('nowhere.py')
    with pytest.raises(SystemExit, match='No space left'), exit_on_user_error():
        raise OSError(28, 'No space left on device')
    with pytest.raises(KeyError), exit_on_user_error():
        raise KeyError


def test_the_command_line_overrides_the_config(tmp_path):
    path = tmp_path / 'small.py'
    path.write_text("a = dict(b=1)\nwork_dir = 'from_config'\n")
    cfg = load_config(str(path), options={'a.b': 2}, launcher='pytorch')
    assert (cfg.a.b, cfg.work_dir, cfg.launcher) == (2, 'from_config', 'pytorch')
    assert load_config(str(path), work_dir='chosen').work_dir == 'chosen'
    path.write_text('a = 1')
    assert load_config(str(path)).work_dir == 'work_dirs/small'
