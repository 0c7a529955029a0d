from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.registry import MODELS

from mmseg_cen.loops.subsets import (
    all_subsets,
    first_without,
    segmentor_of,
    without,
)

CONFIG = 'configs/demo/modality_dropout_synthetic.py'


def test_all_subsets_but_the_empty_one_come_largest_first():
    assert all_subsets(('rgb', 'depth')) == [('rgb', 'depth'), ('rgb',), ('depth',)]
    assert len(all_subsets(range(4))) == 15


@pytest.fixture
def cfg(tmp_path):
    cfg = Config.fromfile(CONFIG)
    cfg.merge_from_dict(
        {
            'model.backbone.base_channels': 4,
            'model.backbone.stem_channels': 4,
            'model.decode_head.head.in_channels': [4, 8, 16, 32],
            'test_dataloader.dataset.num_samples': 3,
            'test_dataloader.dataset.image_size': (32, 48),
            'work_dir': str(tmp_path),
            'log_level': 'ERROR',
            'visualizer.name': tmp_path.name,
            'randomness': dict(seed=0),
        }
    )
    cfg.pop('train_dataloader')
    for key in ('train_cfg', 'optim_wrapper', 'param_scheduler'):
        cfg.pop(key)
    for key in ('val_dataloader', 'val_cfg', 'val_evaluator'):
        cfg.pop(key)
    cfg.custom_hooks = []
    return cfg


def test_each_subset_is_measured_as_by_a_test_of_its_own(cfg):
    whole = cfg.copy()
    whole.test_cfg = dict(type='SubsetTestLoop')
    metrics = Runner.from_cfg(whole).test()
    expected = {}
    for present, absent in [('rgb+depth', ()), ('rgb', ['depth']), ('depth', ['rgb'])]:
        own = cfg.copy()
        own.model.test_cfg.absent = absent
        own.visualizer.name += present
        values = Runner.from_cfg(own).test()
        assert all(f'{name}/mIoU' not in values for name in absent)
        expected |= {f'{present}/{key}': value for key, value in values.items()}
    assert metrics == pytest.approx(expected, nan_ok=True)
    assert metrics['rgb/mIoU'] == metrics['rgb/rgb/mIoU']


def test_chosen_subsets_of_known_names_are_measured(cfg):
    cfg.test_cfg = dict(type='SubsetTestLoop', subsets=[['depth']])
    cfg.test_evaluator.output_dir = cfg.work_dir + '/out'
    cfg.test_evaluator.per_image_file = cfg.work_dir + '/files/images.npz'
    dump = dict(type='DumpResults', out_file_path=cfg.work_dir + '/files/all.pkl')
    cfg.test_evaluator = [cfg.test_evaluator, dump]
    metrics = Runner.from_cfg(cfg).test()
    assert {key.split('/')[0] for key in metrics} == {'depth'}
    assert [path.name for path in Path(cfg.work_dir, 'out').iterdir()] == ['depth']
    assert len(list(Path(cfg.work_dir, 'out', 'depth').iterdir())) == 3
    assert Path(cfg.work_dir, 'files/depth/images.npz').is_file()
    assert Path(cfg.work_dir, 'files/depth/all.pkl').is_file()
    cfg.test_cfg.subsets = [['depth', 'lidar']]
    cfg.visualizer.name += '2'
    with pytest.raises(ValueError, match=r"got \['lidar'\]"):
        Runner.from_cfg(cfg).test()


def test_samples_without_a_modality_of_a_subset_are_found():
    class Data(list):
        def get_data_info(self, index):
            return dict(img_path=f'{index}.png', absent=self[index])

    data = Data([(), ('depth',)])
    found = first_without(data, all_subsets(('rgb', 'depth')))
    assert (found.image, found.absent) == ('1.png', ('depth',))
    assert found.subset == ('depth',)
    assert first_without(data, [('rgb', 'depth'), ('rgb',)]) is None
    assert first_without([(), ('depth',)], [('depth',)]) is None, 'not told'


@pytest.mark.parametrize(
    ('loop', 'message'),
    [
        (
            dict(type='SubsetTestLoop'),
            r"without \('depth',\) and the subset \('depth',",
        ),
        (dict(type='ProtocolTestLoop', protocol='emm'), r"ies for a .*\('depth',\): l"),
    ],
)
def test_what_cannot_be_tested_is_refused_before_anything_is_loaded(
    cfg, monkeypatch, loop, message
):
    cfg.test_cfg = loop
    runner = Runner.from_cfg(cfg)
    dataset = runner.test_loop.dataloader.dataset
    infos = [
        {**dataset.get_data_info(i), 'absent': ('depth',) if i == 2 else ()}
        for i in range(3)
    ]
    monkeypatch.setattr(dataset, 'get_data_info', lambda i: infos[i])
    monkeypatch.setattr(dataset, 'prepare_data', lambda i: pytest.fail('it loads'))
    with pytest.raises(ValueError, match=message):
        runner.test()


def test_the_model_is_left_as_it_was(cfg):
    model = MODELS.build(cfg.model)
    before = model.test_cfg
    with without(segmentor_of(torch.nn.ModuleList([model])), ['rgb']):
        assert model.absent == ('rgb',)
        assert model.test_cfg.mode == 'whole'
    assert model.test_cfg is before
    with pytest.raises(ValueError, match="'CENSegmentor', got ReLU"):
        segmentor_of(torch.nn.ReLU())


@pytest.mark.parametrize(
    ('merges', 'streams'), [(True, r"\('fused',\)"), (False, r"\('rgb', 'depth'\)")]
)
def test_fused_streams_cannot_be_left_out(cfg, merges, streams):
    cfg.model.modalities = ('rgb', 'depth')
    cfg.model.backbone |= dict(
        convs='private', exchange_threshold=0,
        fusion=dict(type='ConcatFusion', stages=('layer4',), merges=merges),
    )  # fmt: skip
    cfg.test_cfg = dict(type='SubsetTestLoop')
    with pytest.raises(ValueError, match=f'got {streams}, which a fusion has mixed'):
        Runner.from_cfg(cfg).test()
