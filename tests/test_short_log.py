from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import MODELS
from torch import nn

from mmseg_cen.launch import build_runner
from mmseg_cen.short_log import DETAILS

DUMPED = (
    'System environment', "type='SmallModel'", 'before_run', 'layers.29',
    'paramwise_options -- layers.29.weight:lr=0.2',
)  # fmt: skip


@MODELS.register_module()
class SmallModel(BaseModel):
    def __init__(self):
        super().__init__(init_cfg=dict(type='Constant', layer='Linear', val=1.0))
        self.layers = nn.ModuleList(nn.Linear(1, 1) for _ in range(30))

    def forward(self, inputs=None, mode='loss'):
        return dict(loss=self.layers[0](torch.ones(1)).sum())


def run(folder, source=None, name='run', **settings):
    """Train for an iteration; the text of the log."""
    loader = dict(batch_size=1, dataset=[0], sampler=dict(type='DefaultSampler'))
    cfg = dict(
        model=dict(type='SmallModel'),
        work_dir=str(folder),
        experiment_name=name,
        train_dataloader=loader,
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=1),
        optim_wrapper=dict(
            optimizer=dict(type='SGD', lr=0.1),
            paramwise_cfg=dict(custom_keys=dict(layers=dict(lr_mult=2.0))),
        ),
        launcher='none',
        **settings,
    )
    runner = build_runner(Config(cfg, filename=source))
    runner.train()
    return Path(runner._log_dir)


def log_of(folder):
    return next(p for p in folder.glob('*.log') if p.name != DETAILS).read_text()


def test_a_log_begins_with_a_page_and_the_rest_is_beside_it(tmp_path, capsys):
    folder = run(tmp_path, name='short')
    for text in (log_of(folder), capsys.readouterr().out):
        start = text.partition('Iter(train)')[0]
        assert 'torch' in start
        assert 'LoggerHook' in start
        assert len(start.splitlines()) < 40
        assert str(folder / DETAILS) in start
    details = (folder / DETAILS).read_text()
    for words in (*DUMPED, 'command: python', 'training data: 1 samples'):
        assert words in details


def test_on_request_all_of_it_is_in_the_log(tmp_path):
    folder = run(tmp_path, name='long', log_level='DEBUG')
    assert not (folder / DETAILS).exists()
    log = log_of(folder)
    for words in DUMPED:
        assert words in log


@pytest.mark.parametrize('edited', [True, False])
def test_an_edited_config_in_the_work_directory_is_kept(tmp_path, edited):
    source, copy = tmp_path / 'a.py', tmp_path / 'work' / 'a.py'
    source.write_text('')
    folder = run(tmp_path / 'work', str(source), name=f'first {edited}')
    first = copy.read_text()
    folder.rename(tmp_path / 'work' / 'earlier')  # a run of the same second
    if edited:
        copy.write_text('# mine')
    run(tmp_path / 'work', str(source), f'second {edited}', log_level='WARNING')
    assert copy.read_text() != first
    kept = [path.read_text() for path in copy.parent.glob('a.old*.py')]
    assert kept == (['# mine'] if edited else [])


def test_a_config_that_lies_in_the_work_directory_stays_as_it_is(tmp_path):
    source = tmp_path / 'a.py'
    source.write_text('# mine')
    run(tmp_path, str(source), name='inside')
    assert source.read_text() == '# mine'
