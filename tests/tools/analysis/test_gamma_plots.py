"""The pictures of tools/analysis/gamma_plots.py, drawn as a user draws them."""

import sys

import numpy as np
from analysis import gamma_plots

from mmseg_cen.hooks.gamma_recorder import RECORD


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
    assert (
        f'{runs[2]} is left out of the plot of lambda: it has a target_share'
        in capsys.readouterr().out
    )
