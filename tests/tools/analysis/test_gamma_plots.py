"""The pictures of tools/analysis/gamma_plots.py, drawn as a user draws them."""

import json
import sys

import cv2
import numpy as np
import pytest
from analysis import gamma_plots

from mmseg_cen.hooks.gamma_recorder import RECORD


def call(tool, monkeypatch, *args):
    monkeypatch.setattr(sys, 'argv', [tool.__name__, *map(str, args)])
    tool.main()


def drawn_by(name, monkeypatch):
    """The arguments of each call of a function that draws."""
    drawn = []
    monkeypatch.setattr(
        gamma_plots, name,
        lambda *args: drawn.append(args) or np.zeros((4, 4, 3), np.uint8),
    )  # fmt: skip
    return drawn


def finished_run(folder, penalty, miou, *, exchanged=0, **metrics):
    """What gamma_plots.py reads of a training.

    Of the eight factors of the own parts, the first ones are exchanged.
    """
    (folder / '2020/vis_data').mkdir(parents=True)
    scalars = json.dumps(dict(mIoU=miou, step=1) | metrics)
    (folder / '2020/vis_data/scalars.json').write_text(scalars)
    record = {'_steps': np.arange(3), '_modalities': np.array(['rgb', 'depth'])}
    gamma = np.ones((3, 2, 8))
    gamma[:, 0, : min(exchanged, 4)] = gamma[:, 1, 4 : max(exchanged, 4)] = 0
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
    drawn = drawn_by('draw_sensitivity', monkeypatch)
    call(gamma_plots, monkeypatch, *runs, '--out', tmp_path / 'out')
    assert [args[0] for args in drawn] == [[0.001, 0.002]]
    assert (
        f'{runs[2]} is left out of the plot of lambda: it has a target_share'
        in capsys.readouterr().out
    )


def test_outputs_are_drawn_against_the_exchanged_share(tmp_path, monkeypatch):
    """Seeds of one setting are averaged."""

    def run(name, target, exchanged, rgb, agreement):
        metrics = {'rgb/mIoU': rgb, 'depth/mIoU': 5.0, 'streams/agreement': agreement}
        penalty = f'target_share={target}'
        folder = tmp_path / name
        return finished_run(folder, penalty, 20, exchanged=exchanged, **metrics)

    runs = [
        run('half', 0.5, 4, 12, 90),
        run('little_0', 0.2, 1, 10, 60),
        run('little_1', 0.2, 3, 14, 70),
    ]
    drawn = drawn_by('draw_shares', monkeypatch)
    call(gamma_plots, monkeypatch, *runs, '--out', tmp_path / 'out')
    ((shares, outputs, agreement, metric),) = drawn
    assert shares == pytest.approx([0.25, 0.5])
    assert {name: [*values] for name, values in outputs.items()} == {
        'rgb': [12, 12],
        'depth': [5, 5],
        'ensemble': [20, 20],
    }
    assert [*agreement] == [65, 90]
    assert metric == 'mIoU'


def test_the_picture_of_shares_has_a_curve_for_each_output(tmp_path, monkeypatch):
    metrics = {'rgb/mIoU': 10.0, 'depth/mIoU': 12.0, 'streams/agreement': 80.0}
    runs = [
        finished_run(tmp_path / 'a', 'target_share=0.2', 20, exchanged=2, **metrics),
        finished_run(tmp_path / 'b', 'target_share=0.8', 25, exchanged=6, **metrics),
    ]
    out = tmp_path / 'out'
    call(gamma_plots, monkeypatch, *runs, '--out', out)
    picture = cv2.imread(str(out / 'share.png'))
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 4
