import os

import pytest
from mmengine.config import Config

from mmseg_cen.config_files import (
    configs_in,
    merge_options,
    read_config,
    require_test,
)


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('a = (1,\n', 'SyntaxError'),
        ('a = 1\nb = a + c\n', "NameError in line 2: name 'c' is not defined"),
        ("custom_imports = dict(imports=['no_module'])", "No module named 'no_module'"),
    ],
)
def test_a_config_that_cannot_be_read_is_named_with_the_reason(tmp_path, text, words):
    path = tmp_path / "it's.py"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"mmengine reads, got .*it's\.py") as error:
        read_config(str(path))
    assert words in str(error.value)
    assert len(str(error.value)) < 800


def test_a_missing_base_is_named_with_the_config(tmp_path):
    path = tmp_path / 'a.py'
    path.write_text("_base_ = 'none.py'")
    with pytest.raises(FileNotFoundError, match=r"none\.py.* in '.*a\.py': correct"):
        read_config(str(path))
    with pytest.raises(FileNotFoundError, match='which is a folder'):
        read_config(str(tmp_path))


def test_a_config_of_mmseg_0_is_named_as_one(tmp_path):
    path = tmp_path / 'old.py'
    path.write_text('data = dict()\nrunner = dict()\noptimizer = dict()')
    with pytest.raises(ValueError, match=r'with data, runner, names of mmseg 0\.x'):
        read_config(str(path))
    path.write_text('data = dict()\nrunner = dict()\ntrain_dataloader = None')
    assert 'data' in read_config(str(path)), 'variables of a newer one'


def test_options_that_nothing_reads_are_refused():
    cfg = Config(dict(train_cfg=dict(hooks=[1])))
    with pytest.raises(
        ValueError, match=r"got 'tran_cfg\.max_epochs': write 'train_cf"
    ):
        merge_options(cfg, {'tran_cfg.max_epochs': 2})
    with pytest.raises(ValueError, match='must lead to a place in the config'):
        merge_options(cfg, {'train_cfg.hooks.4': 2})
    merge_options(cfg, {'randomness.seed': 1, 'train_cfg.new': 2})
    assert (cfg.randomness.seed, cfg.train_cfg.new) == (1, 2)


def test_copies_that_were_set_aside_are_no_configs_of_a_training(tmp_path):
    for name in ('cen.py', 'cen.old.py', 'cen.old2.py', 'an.older.py', 'note.txt'):
        (tmp_path / name).touch()
    os.utime(tmp_path / 'cen.py', (1, 1))
    assert [path.name for path in configs_in(tmp_path)] == ['cen.py', 'an.older.py']


@pytest.mark.parametrize('missing', [None, 'test_dataloader', 'test_evaluator'])
def test_a_config_of_a_training_alone_tests_nothing(missing):
    """Trainings without a validation set the parts of it and of the test to None."""
    cfg = Config(dict(test_dataloader={}, test_cfg={}, test_evaluator=[]))
    require_test(cfg)
    if missing is None:
        cfg = Config({})
    else:
        cfg[missing] = None
    with pytest.raises(ValueError, match=f"got none of .*{missing or 'test_cfg'}'"):
        require_test(cfg)
