import csv
import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmseg.registry import DATASETS, MODELS

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / 'tools/analysis'))
import paper_configs  # noqa: E402
import paper_tables  # noqa: E402
from paper_rows import TABLES  # noqa: E402


def rows_of(*tables):
    return {row.name: row for key in tables for row in TABLES[key].rows}


SEGMENTATION = rows_of('1', '2', '7', 'ablations')
TRANSLATION = rows_of('4', '5', '6', '8', '9')


@cache
def leaf(name):
    row = SEGMENTATION.get(name) or TRANSLATION[name]
    return paper_configs.settings(paper_configs.load_leaf(row))


@pytest.mark.parametrize('data', ['synthetic', 'nyud_half'])
@pytest.mark.parametrize('name', SEGMENTATION)
def test_the_network_of_any_data_has_the_settings_of_the_config_of_a_row(name, data):
    cfg = paper_configs.build_config(SEGMENTATION[name], data, None, 3)
    assert paper_configs.settings(cfg) == leaf(name)
    assert cfg.randomness.seed == 3


@pytest.mark.parametrize('data', ['taskonomy', 'nyud_half_small'])
@pytest.mark.parametrize('name', TRANSLATION)
def test_the_translation_of_any_data_has_the_settings_of_the_config_of_a_row(
    name, data
):
    cfg = paper_configs.build_config(TRANSLATION[name], data, None, 3)
    own, expected = paper_configs.settings(cfg), leaf(name)
    if data == 'nyud_half_small':  # of seven layers
        own.pop('generator.fusion')
        expected = {k: v for k, v in expected.items() if k != 'generator.fusion'}
    assert own == expected
    assert ('FID' in TRANSLATION[name].paper) <= (
        data == 'nyud_half_small' or 'GenerativeMetric' in str(cfg.val_evaluator)
    )


@pytest.mark.parametrize(
    'name', [n for n, r in SEGMENTATION.items() if r.config.startswith('ablation/')]
)
def test_scaling_factors_of_all_private_norms_are_recorded(name):
    for cfg in (
        paper_configs.load_leaf(SEGMENTATION[name]),
        paper_configs.build_config(SEGMENTATION[name], 'synthetic', None, 0),
    ):
        recorded = [h['type'] for h in cfg.custom_hooks].count('GammaRecorderHook')
        assert recorded == (name != 'shared_norms')


def kind_of(name):
    """The settings of a row's generator, whatever its domains are."""
    found = leaf(name)
    parts = {key: value for key, value in found.items() if 'generator' in key}
    return repr((len(found['sources']), parts))


@pytest.mark.parametrize('name', TRANSLATION)
def test_every_row_of_a_translation_builds(name):
    cfg = paper_configs.build_config(TRANSLATION[name], 'synthetic', None, 0)
    with torch.device('meta'):
        model = MODELS.build({**cfg.model, 'data_preprocessor': None})
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    assert dataset.sources == model.sources
    assert dataset.domains[dataset.target].channels == model.generator.out_channels


@pytest.mark.parametrize('name', {kind_of(n): n for n in TRANSLATION}.values())
def test_a_row_of_each_kind_of_generator_trains_on_rooms(name):
    cfg = paper_configs.build_config(TRANSLATION[name], 'synthetic', 2, 0)
    cfg.model.generator.base_channels = cfg.model.discriminator.base_channels = 4
    dataset = DATASETS.build({**cfg.train_dataloader.dataset, 'num_samples': 1})
    model = MODELS.build(cfg.model)
    model.init_weights()
    before = {key: value.clone() for key, value in model.generator.named_parameters()}
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    losses = model.train_step(pseudo_collate([dataset[0]]), optim_wrapper)
    assert all(torch.isfinite(value).all() for value in losses.values())
    fusion = cfg.model.generator.get('fusion') or {}
    aligned = fusion['stages'] if fusion.get('type') == 'AlignFusion' else ()
    assert {key for key in losses if 'fusion' in key} == {
        f'loss_fusion_{stage}' for stage in aligned
    }
    learnt = [
        key
        for key, value in model.generator.named_parameters()
        if key.startswith(('encoder', 'fusions')) and value.equal(before[key])
    ]
    assert learnt == []


@pytest.mark.parametrize('num_downs', [6, 7, 8, 9])
def test_fusion_is_at_like_depths_of_other_networks(num_downs):
    def at(*layers):
        stages = tuple(f'conv{i}' for i in layers)
        fusion = dict(type='ConcatFusion', stages=stages, merges=True)
        return paper_configs.at_depth(fusion, num_downs)

    assert at(1)['stages'] == (f'conv{1 if num_downs <= 8 else 2}',)
    assert at(4)['stages'] == (f'conv{(num_downs + 1) // 2}',)
    assert at(8)['stages'] == (f'conv{num_downs}',)
    if num_downs <= 8:
        every = tuple(f'conv{i}' for i in range(1, num_downs + 1))
        assert at(*range(1, 9)) == dict(type='ConcatFusion', stages=every, merges=True)


@pytest.mark.parametrize('rows', [SEGMENTATION, TRANSLATION])
def test_rows_differ_in_their_settings(rows):
    found = [repr(leaf(name)) for name in rows]
    assert len(found) >= 18
    assert len(set(found)) == len(found)


@pytest.mark.parametrize('name', [n for n, r in TRANSLATION.items() if r.options])
def test_configs_of_translations_name_the_options_of_their_rows(name):
    row = TRANSLATION[name]
    text = (ROOT / 'configs' / row.config).read_text()
    for key, value in row.options.items():
        in_command = f'"[{",".join(value)}]"' if isinstance(value, tuple) else value
        assert key in text
        assert in_command in text or f'stages={value!r}' in text


@pytest.mark.parametrize('name', TRANSLATION)
def test_configs_of_translations_state_the_figures_of_their_rows(name):
    row = TRANSLATION[name]
    text = re.sub(r'\s+', ' ', (ROOT / 'configs' / row.config).read_text())
    if 'FID' in row.paper:
        expected = f'{row.paper["FID"]:.2f} / {row.paper["KID"]:.2f}'
    else:
        mae, rmse = (row.paper[key] / 10 for key in ('MAE', 'root of MSE'))
        expected = f'{mae:.3f} / {rmse:.3f}'
    assert expected in text


def test_table_1_is_part_of_table_7():
    rows = {row.name: row for row in TABLES['7'].rows}
    assert len(rows) == 11
    assert len(TABLES['1'].rows) == 6
    assert all(rows[row.name] == row for row in TABLES['1'].rows)


@pytest.mark.parametrize(
    ('table', 'rows'), [('4', 34), ('5', 7), ('6', 51), ('8', 12), ('9', 8), ('2', 27)]
)
def test_tables_are_complete(table, rows):
    names = [row.name for row in TABLES[table].rows]
    assert len(names) == len(set(names)) == rows


def test_a_shorter_training_has_a_shorter_schedule_and_a_larger_penalty():
    row = SEGMENTATION['exchange_half']
    full = paper_configs.build_config(row, 'synthetic', None, 0)
    half = paper_configs.build_config(row, 'synthetic', 4, 0)
    warm_up, cosine = half.param_scheduler
    assert warm_up == full.param_scheduler[0]
    assert (cosine['begin'], cosine['end'], cosine['T_max']) == (30, 200, 170)
    assert half.train_cfg.max_epochs == half.train_cfg.val_interval == 4
    weights = [cfg.custom_hooks[0].sparsity_weight for cfg in (full, half)]
    assert weights[1] == 2 * weights[0]


@pytest.mark.parametrize(('epochs', 'begin', 'end'), [(1, 0, 1), (10, 5, 10)])
def test_a_decay_that_begins_late_is_shortened_as_a_whole(epochs, begin, end):
    row = TRANSLATION['shade_texture_to_rgb']
    decay = paper_configs.build_config(row, 'synthetic', epochs, 0).param_scheduler
    assert (decay['begin'], decay['end']) == (begin, end)


def run(miou, rgb=1.0, depth=1.0):
    metrics = {'mIoU': miou, 'rgb/mIoU': rgb, 'depth/mIoU': depth}
    return paper_tables.Run(metrics, 0.25, 1_234_567, 0)


def test_a_table_has_paper_and_measured_side_by_side_with_the_spread():
    runs = {'exchange_half': [run(50.0, 40.0), run(52.0, 41.0)]}
    lines = paper_tables.tabulate(TABLES['1'], runs)
    row = next(
        line for line in lines if line[:4] == ['shared', 'unshared', 'half', 'yes']
    )
    assert row[4:6] == ['49.7', '40.5 ± 0.7']
    assert row[8:10] == ['51.1', '51.0 ± 1.4']
    assert row[11] == '1.23'
    assert row[-2:] == ['0.250 ± 0.000', '2']
    text = paper_tables.markdown(lines).split('\n')
    assert len(text) == 8
    assert len({len(line) for line in text}) == 1


def test_claims_of_the_paper_are_told_true_or_not():
    runs = {'exchange_half': [run(50.0)], 'l1_half': [run(45.0)]}
    runs['exchange_all'] = [run(60.0)]
    runs['no_exchange'] = [run(48.0), run(51.0)]
    runs['shared_norms'] = [run(49.5)]
    lines = paper_tables.check_claims(TABLES['1'], runs)
    assert lines == [
        'exchange > no exchange: yes: 50.0 against 45.0 (ensemble)',
        'exchange > neither penalty nor exchange: yes, but seeds overlap: '
        '50.0 against 49.5 ± 2.1 (ensemble)',
        'shared conv + private BN > shared BN: no, but seeds overlap: '
        '49.5 ± 2.1 against 49.5 (ensemble)',
        'own part >= all channels: no: 50.0 against 60.0 (ensemble)',
    ]


def test_unknown_data_are_refused():
    with pytest.raises(ValueError, match=r"one of \['synthetic', .*\], got 'sunrgbd'"):
        paper_configs.build_config(SEGMENTATION['drop'], 'sunrgbd', None, 0)


def test_runs_are_collected_by_the_settings_of_their_configs(tmp_path):
    row = SEGMENTATION['drop']
    work_dir = tmp_path / 'whatever'
    (work_dir / '20200101/vis_data').mkdir(parents=True)
    scalars = work_dir / '20200101/vis_data/scalars.json'
    scalars.write_text(
        '{"loss": 1.0, "time": 0.5, "step": 1}\n'
        '{"mIoU": 12.5, "rgb/mIoU": 11.0, "step": 2}\n'
    )
    cfg = paper_configs.build_config(row, 'synthetic', 2, 0)
    cfg.dump(work_dir / 'my_config.py')
    found = paper_tables.collect(TABLES['ablations'].rows, [tmp_path])
    assert found == {'drop': [work_dir]}
    assert paper_tables.read_run(work_dir, cfg) is None, 'no checkpoint'
    (work_dir / 'last_checkpoint').write_text('/somewhere/epoch_2.pth')
    run = paper_tables.read_run(work_dir, cfg)
    assert run.metrics['mIoU'] == 12.5
    assert run.seconds == 0.5
    assert 8e5 < run.parameters < 9e5
    assert run.fusion_parameters == 0
    (work_dir / 'my_config.py').unlink()
    rows = [r for r in TABLES['4'].rows if 'concat_depth' in r.config]
    row = next(r for r in rows if r.name.endswith('late'))
    for data in ('synthetic', 'taskonomy'):  # of six and of eight layers
        paper_configs.build_config(row, data, 2, 0).dump(work_dir / 'my_config.py')
        found = paper_tables.collect(rows, [tmp_path])
        assert found == {row.name: [work_dir]}
    with pytest.raises(FileNotFoundError, match='is no folder of runs'):
        paper_tables.collect([row], [tmp_path / 'nowhere'])


def finished_run(folder, name='exchange_half', epochs=2, **metrics):
    """What a training of a row leaves behind."""
    cfg = paper_configs.build_config(SEGMENTATION[name], 'synthetic', epochs, 0)
    (folder / '20200101/vis_data').mkdir(parents=True)
    figures = ''.join(f'"{key}": {value}, ' for key, value in metrics.items())
    (folder / '20200101/vis_data/scalars.json').write_text(
        '{"loss": 1.0, "time": 0.5, "step": 1}\n'
        f'{{"mIoU": 12.5, "rgb/mIoU": 11.0, {figures}"step": {epochs}}}\n'
    )
    (folder / 'last_checkpoint').write_text(f'/somewhere/epoch_{epochs}.pth')
    cfg.dump(folder / f'{name}.py')
    return folder


def paper_table(monkeypatch, *args):
    monkeypatch.setattr(sys, 'argv', ['paper_tables.py', *map(str, args)])
    paper_tables.main()


def test_a_run_that_was_not_written_to_its_end_is_left_out(
    tmp_path, monkeypatch, capsys
):
    runs = [finished_run(tmp_path / f'runs/{name}') for name in 'abcd']
    config = runs[1] / 'exchange_half.py'
    config.write_text(config.read_text()[:3000])
    scalars = runs[2] / '20200101/vis_data/scalars.json'
    scalars.write_text(scalars.read_text()[:-20])
    scalars = runs[3] / '20200101/vis_data/scalars.json'
    scalars.write_text('{"loss\n' + scalars.read_text())
    out = tmp_path / 'out'
    paper_table(
        monkeypatch, '--table', '1', '--work-dir', out, '--collect', tmp_path / 'runs'
    )
    text = capsys.readouterr().out
    reasons = ('has no config', 'is not finished', 'is not finished')
    for run, reason in zip(runs[1:], reasons, strict=True):
        assert f'{run} {reason}' in text
    with (out / 'table_1_collected.csv').open() as file:
        header, *lines = csv.reader(file)
    assert len(set(header)) == len(header)
    line = dict(zip(header, lines[4], strict=True))
    assert (line['Ensemble: measured'], line['runs']) == ('12.5', '1')


def test_a_run_is_counted_once(tmp_path):
    run_folder = finished_run(tmp_path / 'a/b')
    rows = [SEGMENTATION['exchange_half']]
    folders = [tmp_path, tmp_path / 'a', run_folder, tmp_path / 'a/../a']
    assert paper_tables.collect(rows, folders) == {'exchange_half': [run_folder]}


def test_runs_of_different_lengths_or_data_are_not_averaged(
    tmp_path, monkeypatch, capsys
):
    finished_run(tmp_path / 'short', epochs=1)
    finished_run(tmp_path / 'long', 'no_exchange', epochs=2)
    command = ('--table', '1', '--collect', tmp_path, '--work-dir', tmp_path / 'out')
    with pytest.raises(ValueError, match=r'1 epochs on .* and of 2 epochs on .*Synth'):
        paper_table(monkeypatch, *command)
    paper_table(monkeypatch, *command, '--epochs', '2')
    assert [path.name for path in sorted((tmp_path / 'out').iterdir())] == [
        'table_1_collected_2_epochs.csv', 'table_1_collected_2_epochs.md'
    ]  # fmt: skip
    config = finished_run(tmp_path / 'few', epochs=2) / 'exchange_half.py'
    config.write_text(config.read_text().replace('num_samples=800', 'num_samples=8'))
    with pytest.raises(ValueError, match=r'num_samples=8, .*num_samples=800'):
        paper_table(monkeypatch, *command, '--epochs', '2')


def test_no_or_few_rows_do_not_replace_the_table(tmp_path, monkeypatch, capsys):
    (tmp_path / 'empty').mkdir()
    command = ('--table', '1', '--work-dir', tmp_path / 'out', '--collect')
    with pytest.raises(SystemExit, match='no runs found'):
        paper_table(monkeypatch, *command, tmp_path / 'empty')
    assert not (tmp_path / 'out').exists()
    finished_run(tmp_path / 'run')
    paper_table(monkeypatch, *command, tmp_path / 'run', '--rows', 'exchange_half')
    assert len((tmp_path / 'out/table_1_collected_part.csv').read_text().split()) > 2
    assert not (tmp_path / 'out/table_1_collected.csv').exists()


def test_a_run_of_other_options_is_not_taken_for_the_wanted_one(tmp_path, monkeypatch):
    run_folder = tmp_path / 'synthetic/2_epochs/exchange_half/seed_0'
    finished_run(run_folder)
    command = (
        '--table', '1', '--train', '--rows', 'exchange_half', '--epochs', '2',
        '--seeds', '0', '0', '--work-dir', tmp_path,
    )  # fmt: skip
    paper_table(monkeypatch, *command)  # which is finished
    table = (tmp_path / 'table_1_synthetic_2_epochs_part.csv').read_text()
    assert table.strip().endswith(',0.500,1')
    wanted = rf'{run_folder} holds a training with other settings of train_dataloader:'
    option = 'train_dataloader.dataset.num_samples=8'
    with pytest.raises(ValueError, match=wanted):
        paper_table(monkeypatch, *command, '--cfg-options', option)


@pytest.mark.parametrize('option', ['--jobs 0', '--epochs 0', '--epochs -1'])
def test_numbers_below_one_are_refused(option, tmp_path, monkeypatch):
    name, value = option.split()
    with pytest.raises(ValueError, match=f'{name} must be at least 1, got {value}'):
        paper_table(
            monkeypatch, '--table', '1', '--train', '--work-dir', tmp_path, name, value
        )


def test_a_training_that_outlives_its_command_is_not_started_twice(
    tmp_path, monkeypatch
):
    script = tmp_path / 'tools/train.py'
    script.parent.mkdir()
    script.write_text(
        'import os, sys, time, pathlib\n'
        "work_dir = pathlib.Path(sys.argv[sys.argv.index('--work-dir') + 1])\n"
        "first = not (work_dir / 'pid').exists()\n"
        "(work_dir / 'new').write_text(str(os.getpid()))\n"
        "(work_dir / 'new').rename(work_dir / 'pid')\n"
        'time.sleep(60 * first)\n'
    )
    monkeypatch.setattr(paper_tables, 'ROOT', tmp_path)
    row = SEGMENTATION['exchange_half']
    cfg = paper_configs.build_config(row, 'synthetic', 1, 0)
    task = paper_tables.Task(row, 0, cfg, tmp_path / 'run')
    environment = dict(os.environ)
    command = multiprocessing.get_context('fork').Process(
        target=paper_tables.train_one, args=(task, environment)
    )
    command.start()
    pid_file = tmp_path / 'run/pid'
    while not pid_file.exists():
        time.sleep(0.05)
    training = int(pid_file.read_text())
    try:
        os.kill(command.pid, signal.SIGKILL)
        command.join()
        outcome = paper_tables.train_one(task, environment)
        assert outcome.startswith(f'another process trains in {tmp_path}/run;')
        assert int(pid_file.read_text()) == training
    finally:
        os.kill(training, signal.SIGKILL)
    for _ in range(100):  # until the system has ended it
        outcome = paper_tables.train_one(task, environment)
        if outcome == 'done':
            break
        time.sleep(0.05)
    assert outcome == 'done'
    assert int(pid_file.read_text()) != training


@pytest.mark.slow
def test_rows_are_trained_once_and_a_failure_is_the_exit_code(tmp_path):
    def train(*options):
        return subprocess.run(
            [
                sys.executable, ROOT / 'tools/analysis/paper_tables.py', '--table', '1',
                '--train', '--rows', 'no_exchange', 'exchange_half', '--seeds', '0',
                '--epochs', '1', '--jobs', '2', '--work-dir', tmp_path, '--cfg-options',
                'train_dataloader.dataset.num_samples=16',
                'test_dataloader.dataset.num_samples=2',
                'val_dataloader.dataset.num_samples=2', *options,
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    failed = train('train_dataloader.dataset.seed=-1')
    assert failed.returncode == 1
    assert 'no_exchange, seed 0: FAILED, see ' in failed.stdout
    assert 'error: 2 trainings failed' in failed.stderr
    shutil.rmtree(tmp_path / 'synthetic')  # of other options
    result = train()
    assert result.returncode == 0, result.stderr
    assert 'no_exchange, seed 0: done' in result.stdout
    path = tmp_path / 'table_1_synthetic_1_epochs_part.md'
    table = path.read_text()
    assert re.search(r'\| half \| yes .*\| 51\.1 +\| +\d+\.\d ', table)
    assert len(path.with_suffix('.csv').read_text().splitlines()) == 3
    again = train()
    assert 'exchange_half, seed 0: finished before' in again.stdout
    assert path.read_text() == table
