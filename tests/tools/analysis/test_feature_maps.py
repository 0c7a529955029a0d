"""The pictures of tools/analysis/feature_maps.py, drawn as a user draws them."""

import sys
from pathlib import Path

import pytest
import torch
from analysis import feature_maps
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

ROOT = Path(__file__).parents[3]


def call(tool, monkeypatch, *args):
    monkeypatch.setattr(sys, 'argv', [tool.__name__, *map(str, args)])
    tool.main()


@pytest.mark.slow
def test_feature_maps_of_a_translation_have_a_row_for_each_source(
    tmp_path, monkeypatch
):
    init_default_scope('mmseg')
    cfg = Config.fromfile(ROOT / 'configs/translation/demo/cen_synthetic.py')
    cfg.model.generator.base_channels = cfg.model.discriminator.base_channels = 4
    cfg.dump(tmp_path / 'config.py')
    state = MODELS.build(cfg.model).state_dict()
    torch.save({'state_dict': state}, tmp_path / 'checkpoint.pth')
    paths = (tmp_path / 'config.py', tmp_path / 'checkpoint.pth')
    grids = []
    draw_grid = feature_maps.draw_grid
    monkeypatch.setattr(
        feature_maps, 'draw_grid', lambda rows: grids.append(rows) or draw_grid(rows)
    )
    call(feature_maps, monkeypatch, *paths, '0', '--out', tmp_path / 'out')
    assert len([*(tmp_path / 'out').iterdir()]) == 1
    for source, row in zip(cfg.model.sources, grids[0], strict=True):
        assert [(panel.title, panel.caption) for panel in row] == [
            (source, ''),
            ('depth kept, rgb ~ 0', '0 channels'),
            ('rgb kept, depth ~ 0', '0 channels'),
            ('rgb, depth kept', '8 channels'),
        ]


@pytest.mark.parametrize(
    ('config', 'streams'),
    [
        ('demo/cen_synthetic.py', ['rgb', 'depth']),
        ('multitask/rooms_exchange.py', ['segmentation', 'depth', 'normals']),
    ],
)
def test_feature_maps_have_a_row_for_each_stream_and_are_of_the_whole_image(
    config, streams, tmp_path, monkeypatch
):
    cfg = Config.fromfile(ROOT / 'configs' / config)
    cfg.model.test_cfg = dict(mode='slide', crop_size=(32, 32), stride=(32, 32))
    cfg.test_dataloader.dataset.update(num_samples=1, image_size=(64, 96))
    cfg.dump(tmp_path / 'config.py')
    state = MODELS.build(cfg.model).state_dict()
    torch.save({'state_dict': state}, tmp_path / 'checkpoint.pth')
    grids, sizes = [], []
    averaged = feature_maps.averaged_maps
    monkeypatch.setattr(feature_maps, 'draw_grid', grids.append)
    monkeypatch.setattr(feature_maps, 'write_picture', lambda *_: None)
    monkeypatch.setattr(
        feature_maps,
        'averaged_maps',
        lambda x, groups: sizes.append(x.shape[-2:]) or averaged(x, groups),
    )
    paths = (tmp_path / 'config.py', tmp_path / 'checkpoint.pth')
    call(feature_maps, monkeypatch, *paths, '0', '--layer', 'backbone.layer1.0.bn1')
    assert [row[0].title for row in grids[0]] == streams
    assert grids[0][0][1].title == f'{streams[-1]} kept, {", ".join(streams[:-1])} ~ 0'
    assert sizes == [(16, 24)]  # of 64x96 pixels


def test_a_network_that_exchanges_no_channels_has_no_such_maps():
    with pytest.raises(ValueError, match='got none: set an exchange_threshold'):
        feature_maps.choose_layer(torch.nn.Linear(2, 2), None)


class Samples:
    def __init__(self, *paths):
        self.paths = paths

    def __len__(self):
        return len(self.paths)

    def get_data_info(self, index):
        return dict(img_path=f'data/{self.paths[index]}.png')


def test_a_sample_is_found_by_number_name_and_folder():
    data = Samples('a/0001', 'a/0002', 'b/0001', 'b/x')
    found = {wanted: feature_maps.find_sample(data, wanted) for wanted in (
        '0', '3', 'a/0001', 'b/0001', '0002', 'x', '00003'
    )}  # fmt: skip
    assert [*found.values()] == [0, 3, 0, 2, 1, 3, 3]
    with pytest.raises(ValueError, match=r"which is \['a/0001', 'b/0001'\]: name it"):
        feature_maps.find_sample(data, '0001')
    for wanted in ('4', 'y', '-1'):
        with pytest.raises(ValueError, match='must be numbers below 4 or names'):
            feature_maps.find_sample(data, wanted)
