"""The pictures of tools/analysis/token_maps.py, drawn as a user draws them."""

import sys
from pathlib import Path

import pytest
import torch
from analysis import token_maps
from mmengine.config import Config
from mmseg.registry import MODELS

CONFIG = Path(__file__).parents[3] / 'configs/demo/segformer_tokens_synthetic.py'


@pytest.mark.parametrize('mode', ['whole', 'slide'])
def test_each_modality_has_a_map_of_replaced_tokens_for_each_stage(
    tmp_path, monkeypatch, mode
):
    cfg = Config.fromfile(CONFIG)
    cfg.model.test_cfg = dict(mode=mode, crop_size=(32, 32), stride=(32, 32))
    cfg.model.backbone.exchange.threshold = 0.5
    cfg.test_dataloader.dataset.update(num_samples=1, image_size=(64, 96))
    cfg.dump(tmp_path / 'config.py')
    model = MODELS.build(cfg.model)
    torch.save({'state_dict': model.state_dict()}, tmp_path / 'checkpoint.pth')
    grids, sizes = [], []
    draw_grid, as_map = token_maps.draw_grid, token_maps.as_map
    monkeypatch.setattr(
        token_maps, 'draw_grid', lambda rows: grids.append(rows) or draw_grid(rows)
    )
    monkeypatch.setattr(
        token_maps, 'as_map', lambda x, *size: sizes.append(len(x)) or as_map(x, *size)
    )
    paths = [str(tmp_path / name) for name in ('config.py', 'checkpoint.pth')]
    out = ['--out', str(tmp_path / 'out')]
    monkeypatch.setattr(sys, 'argv', ['token_maps', *paths, '0', *out])
    token_maps.main()
    assert [path.name for path in (tmp_path / 'out').iterdir()] == ['000000_tokens.png']
    tokens = [16 * 24, 8 * 12, 4 * 6, 2 * 3]  # of 64x96 pixels
    assert sizes == 2 * tokens
    for name, row in zip(('rgb', 'depth'), grids[0], strict=True):
        assert [panel.title for panel in row] == [
            name,
            *(f'layers.{stage}.1.0' for stage in range(4)),
        ]
        assert all(panel.caption.endswith('% replaced') for panel in row[1:])


def test_tokens_are_laid_out_as_the_image_is():
    assert token_maps.as_map(torch.arange(24), 64, 96).shape == (4, 6)
    assert token_maps.as_map(torch.arange(24), 96, 64).shape == (6, 4)
    assert token_maps.as_map(torch.arange(24), 64, 96)[1, 2] == 8


def test_a_model_without_such_exchange_is_refused():
    with pytest.raises(ValueError, match='must be of a model that exchanges tokens'):
        token_maps.ReplacedTokens(torch.nn.Linear(2, 2))
