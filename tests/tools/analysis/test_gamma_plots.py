"""The pictures of tools/analysis, drawn as a user draws them."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

from mmseg_cen.hooks.gamma_recorder import RECORD

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / 'tools/analysis'))
import feature_maps  # noqa: E402
import gamma_plots  # noqa: E402


def call(tool, monkeypatch, *args):
    monkeypatch.setattr(sys, 'argv', [tool.__name__, *map(str, args)])
    tool.main()


def finished_run(folder, penalty, miou):
    """What gamma_plots.py reads of a training."""
    (folder / '2020/vis_data').mkdir(parents=True)
    scalars = f'{{"mIoU": {miou}, "step": 1}}\n'
    (folder / '2020/vis_data/scalars.json').write_text(scalars)
    record = {'_steps': np.arange(3), '_modalities': np.array(['rgb', 'depth'])}
    gamma = np.random.default_rng(0).random((3, 2, 8))
    np.savez(folder / RECORD, _threshold=0.02, layer=gamma, **record)
    (folder / 'config.py').write_text(
        'model = dict(backbone=dict(exchange_threshold=0.02))\n'
        f"custom_hooks = [dict(type='GammaSparsityHook', {penalty})]\n"
    )
    return folder


def test_runs_of_equal_names_have_pictures_of_their_own(tmp_path, monkeypatch, capsys):
    a = finished_run(tmp_path / 'a/seed_0', 'sparsity_weight=0.001', 10)
    b = finished_run(tmp_path / 'b/seed_0', 'sparsity_weight=0.002', 20)
    out = tmp_path / 'out'
    call(gamma_plots, monkeypatch, a, b, a / '../seed_0', '--out', out)
    assert sorted(str(p.relative_to(out)) for p in out.rglob('*.png')) == [
        'a/seed_0/proportions.png', 'a/seed_0/steps_layer.png',
        'b/seed_0/proportions.png', 'b/seed_0/steps_layer.png', 'lambda.png',
    ]  # fmt: skip


def test_runs_that_adjust_lambda_are_not_drawn_at_one(tmp_path, monkeypatch, capsys):
    runs = [
        finished_run(tmp_path / 'fixed', 'sparsity_weight=0.001', 10),
        finished_run(tmp_path / 'other', 'sparsity_weight=0.002', 10),
        finished_run(tmp_path / 'target', 'target_share=0.5', 20),
    ]
    drawn = []
    monkeypatch.setattr(
        gamma_plots, 'draw_sensitivity',
        lambda *args: drawn.append(args) or np.zeros((4, 4, 3), np.uint8),
    )  # fmt: skip
    call(gamma_plots, monkeypatch, *runs, '--out', tmp_path / 'out')
    assert [args[0] for args in drawn] == [[0.001, 0.002]]
    assert f'{runs[2]} has a target_share, and is left out' in capsys.readouterr().out


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
