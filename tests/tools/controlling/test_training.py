"""Trainings of controls are planned again as they were."""

from argparse import Namespace

import pytest
from controlling.training import plan, require_epochs

from mmseg_cen.launch import build_runner


@pytest.mark.parametrize('listed', [False, True])
def test_a_repeated_call_finds_its_trainings(demo, tmp_path, listed):
    """The runner's copy of a config has a mode as a hook, and no pinned memory."""
    demo.val_evaluator = [demo.val_evaluator] if listed else demo.val_evaluator
    demo.channels_last = True
    demo.train_dataloader.pin_memory = True
    args = Namespace(seeds=[0], config='demo.py')
    (task,) = plan({'real': demo}, args, tmp_path)
    cfg = task.cfg.copy()
    cfg.work_dir = str(task.work_dir)
    cfg.log_level = 'ERROR'
    (task.work_dir / 'a/vis_data').mkdir(parents=True)
    (task.work_dir / 'a/vis_data/scalars.json').touch()
    build_runner(cfg).dump_config()
    assert plan({'real': demo}, args, tmp_path)
    demo.train_dataloader.batch_size += 1
    with pytest.raises(
        ValueError, match='got others of train_dataloader: take another'
    ):
        plan({'real': demo}, args, tmp_path)


def test_a_training_that_is_not_validated_is_refused(demo):
    require_epochs(demo)
    demo.val_evaluator.prefix = 'seg'
    with pytest.raises(ValueError, match=r"'prefix': 'seg'.*leave out the pref"):
        require_epochs(demo)
    demo.val_evaluator.prefix = None
    demo.val_evaluator.format_only = True
    with pytest.raises(ValueError, match=r'leave out the prefix and format_only'):
        require_epochs(demo)
    demo.val_evaluator.format_only = False
    demo.visualizer.vis_backends = [dict(type='mmengine.LocalVisBackend')]
    require_epochs(demo)
    demo.visualizer.vis_backends = [dict(type='TensorboardVisBackend')]
    with pytest.raises(ValueError, match=r"got \['TensorboardVisBackend'\]: add"):
        require_epochs(demo)
    demo.val_evaluator = None
    with pytest.raises(
        ValueError, match='must measure a training for --train, got None'
    ):
        require_epochs(demo)
