"""Finished runs are found by the settings of their configs."""

import shutil

import pytest
from paper.configs import build_config
from paper.rows import TABLES
from paper.runs import collect, count_parameters, read_run, read_runs, run_config

ROWS = {row.name: row for table in TABLES.values() for row in table.rows}


def test_runs_are_collected_by_the_settings_of_their_configs(tmp_path):
    row = ROWS['drop']
    work_dir = tmp_path / 'whatever'
    (work_dir / '20200101/vis_data').mkdir(parents=True)
    scalars = work_dir / '20200101/vis_data/scalars.json'
    scalars.write_text(
        '{"loss": 1.0, "time": 0.5, "iter": 1, "step": 1}\n'
        '{"mIoU": 12.5, "rgb/mIoU": 11.0, "step": 2}\n'
    )
    cfg = build_config(row, 'synthetic', 2, 0)
    cfg.dump(work_dir / 'my_config.py')
    found = collect(TABLES['ablations'].rows, [tmp_path])
    assert found == {'drop': [work_dir]}
    assert read_run(work_dir, cfg) is None, 'no checkpoint'
    (work_dir / 'last_checkpoint').write_text('/somewhere/epoch_2.pth')
    run = read_run(work_dir, cfg)
    assert run.metrics['mIoU'] == 12.5
    assert run.seconds == 0.5
    assert 8e5 < run.parameters < 9e5
    assert run.fusion_parameters == 0
    (work_dir / 'my_config.py').unlink()
    rows = [r for r in TABLES['4'].rows if 'concat_depth' in r.config]
    row = next(r for r in rows if r.name.endswith('late'))
    for data in ('synthetic', 'taskonomy'):  # of six and of eight layers
        build_config(row, data, 2, 0).dump(work_dir / 'my_config.py')
        found = collect(rows, [tmp_path])
        assert found == {row.name: [work_dir]}
    with pytest.raises(
        FileNotFoundError, match=r'must be folders of runs, got .*nowhere'
    ):
        collect([row], [tmp_path / 'nowhere'])


def test_a_run_is_counted_once(tmp_path, finished_run):
    run_folder = finished_run(tmp_path / 'a/b')
    rows = [ROWS['exchange_half']]
    folders = [tmp_path, tmp_path / 'a', run_folder, tmp_path / 'a/../a']
    assert collect(rows, folders) == {'exchange_half': [run_folder]}


def test_a_copy_of_a_run_is_not_counted_again(tmp_path, finished_run, capsys):
    own = finished_run(tmp_path / 'run/seed_0')
    other = finished_run(tmp_path / 'run/seed_1')
    copy = tmp_path / 'backup'
    shutil.copytree(own, copy)
    (copy / 'last_checkpoint').unlink()
    assert collect([ROWS['exchange_half']], [tmp_path]) == {
        'exchange_half': [own, other]
    }
    assert f'{copy} is left out: it is a copy of {own}' in capsys.readouterr().out


def test_runs_of_other_models_belong_to_no_row(tmp_path, finished_run):
    own = finished_run(tmp_path / 'own', 'no_exchange')
    multitask = finished_run(tmp_path / 'multitask', 'no_exchange')
    cascade = finished_run(tmp_path / 'cascade', 'no_exchange')
    for folder, other in (
        (multitask, 'MultitaskSegmentor'),
        (cascade, 'EncoderDecoder'),
    ):
        cfg = run_config(folder)
        cfg.model.type = other
        if folder == cascade:
            cfg.model.decode_head = [dict(type='FCNHead'), dict(type='OCRHead')]
        cfg.dump(folder / 'no_exchange.py')
    assert collect([ROWS['no_exchange']], [tmp_path]) == {'no_exchange': [own]}


def test_a_run_of_a_config_that_imports_its_types_is_collected(tmp_path, finished_run):
    """mmengine writes where its types are from into the copy of the config."""
    run = finished_run(tmp_path / 'run', 'no_exchange')
    cfg = run_config(run)
    cfg.model.type = 'mmseg_cen.models.segmentor.CENSegmentor'
    cfg.dump(run / 'no_exchange.py')
    assert collect([ROWS['no_exchange']], [tmp_path]) == {'no_exchange': [run]}


def test_runs_of_a_row_that_are_other_systems_are_named(tmp_path, finished_run, capsys):
    folders = [finished_run(tmp_path / name) for name in 'abc']
    explicit, other = map(run_config, folders[1:])
    explicit.randomness.seed = 1
    explicit.custom_hooks[0].scope = 'own'
    explicit.train_dataloader.num_workers = 3
    other.custom_hooks[0].sparsity_weight = 1e-3
    other.train_dataloader.batch_size = 3
    for folder, cfg in zip(folders[1:], (explicit, other), strict=True):
        cfg.dump(folder / 'exchange_half.py')
    runs, _ = read_runs({'exchange_half': folders})
    assert len(runs['exchange_half']) == 3
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f'{folders[2]} is in one row with {folders[0]}')
    assert 'settings of train_dataloader.batch_size, custom_hooks: name' in line


def test_a_run_that_counts_iterations_is_not_called_unfinished(
    tmp_path, finished_run, capsys
):
    run = finished_run(tmp_path / 'run')
    cfg = run_config(run)
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=2)
    cfg.dump(run / 'exchange_half.py')
    assert read_runs({'exchange_half': [run]}) == ({}, [run])
    out = capsys.readouterr().out
    assert out == f'{run} is left out: it counts no epochs, as rows do\n'


def test_runs_of_one_seed_in_a_row_are_named(tmp_path, finished_run, capsys):
    folders = [finished_run(tmp_path / name) for name in 'abc']
    cfg = run_config(folders[1])
    cfg.randomness.seed = 1
    cfg.dump(folders[1] / 'exchange_half.py')
    runs, _ = read_runs({'exchange_half': folders})
    assert len(runs['exchange_half']) == 3
    (line,) = capsys.readouterr().out.splitlines()
    words = f'{folders[2]} is in one row with {folders[0]}, of the same seed, 0: '
    assert line.startswith(words)


def test_a_run_is_what_was_trained_whatever_was_tested_in_its_folder(
    tmp_path, finished_run
):
    """A test may leave a copy of its config in the work directory."""
    run = finished_run(tmp_path / 'run')
    cfg = run_config(run)
    cfg.dump(run / '20200101/vis_data/config.py')
    cfg.model = dict(type='CENTTAModel', module=cfg.model)
    cfg.dump(run / 'exchange_half.py')
    (run / '20200102/vis_data').mkdir(parents=True)
    cfg.dump(run / '20200102/vis_data/config.py')
    # A start of a finished training logs what hooks report before it.
    (run / '20200102/vis_data/scalars.json').write_text('{"alpha/rgb": 1, "step": 9}')
    assert run_config(run).model.type == 'CENSegmentor'
    assert collect([ROWS['exchange_half']], [tmp_path]) == {'exchange_half': [run]}


@pytest.mark.parametrize(
    ('key', 'value', 'words'),
    [
        ('image_size', [64, 64], r'image_size=\[64, 64\].* and .*size=\[96, 96\]'),
        ('pipeline', None, r'Resize\(scale=\[64, 64\]\)'),
    ],
)
def test_runs_of_images_of_other_sizes_are_not_averaged(
    tmp_path, finished_run, key, value, words
):
    """Nor compared: rows have other settings, but the same images."""
    own, other = (
        finished_run(tmp_path / name, name) for name in ('exchange_half', 'no_exchange')
    )
    cfg = run_config(other)
    dataset = cfg.train_dataloader.dataset
    resize = dict(type='Resize', scale=(64, 64))
    dataset[key] = value or [dataset.pipeline[0], resize, *dataset.pipeline[1:]]
    cfg.dump(other / 'no_exchange.py')
    with pytest.raises(ValueError, match=f'of one length .*{words}'):
        read_runs({'exchange_half': [own], 'no_exchange': [other]})


def test_sizes_are_equal_as_lists_and_as_tuples(tmp_path, finished_run):
    own, other = (finished_run(tmp_path / name) for name in 'ab')
    cfg = run_config(other)
    for split in ('train', 'val'):
        dataset = cfg[f'{split}_dataloader'].dataset
        dataset.image_size = [*dataset.image_size]
    cfg.dump(other / 'exchange_half.py')
    assert len(read_runs({'exchange_half': [own, other]})[0]['exchange_half']) == 2


def test_a_translation_of_wrapped_data_is_collected(tmp_path, finished_run):
    name = 'concat_depth_normal_to_rgb_late'
    run = finished_run(tmp_path / 'run', name)
    cfg = run_config(run)
    cfg.train_dataloader.dataset = dict(
        type='RepeatDataset', times=2, dataset=cfg.train_dataloader.dataset
    )
    cfg.dump(run / f'{name}.py')
    assert collect([ROWS[name]], [tmp_path]) == {name: [run]}


def test_runs_of_other_data_by_their_transforms_are_not_averaged(
    tmp_path, finished_run
):
    own, solid = (finished_run(tmp_path / name) for name in ('own', 'solid'))
    cfg = run_config(solid)
    cfg.train_dataloader.dataset.pipeline[0].solid = True
    cfg.dump(solid / 'exchange_half.py')
    with pytest.raises(ValueError, match=r'Room\(\) and .*Room\(solid=True\)'):
        read_runs({'exchange_half': [own, solid]})


def test_runs_that_are_validated_on_other_data_are_not_averaged(tmp_path, finished_run):
    own, other = (finished_run(tmp_path / name) for name in ('own', 'other'))
    cfg = run_config(other)
    cfg.val_dataloader.dataset.num_samples = 7
    cfg.dump(other / 'exchange_half.py')
    with pytest.raises(
        ValueError, match=r'validated on the same data, got .*samples=7'
    ):
        read_runs({'exchange_half': [own, other]})
    cfg.val_dataloader = None  # of one that was resumed when it was finished
    cfg.dump(other / 'exchange_half.py')
    assert len(read_runs({'exchange_half': [own, other]})[0]['exchange_half']) == 2


def test_data_sets_that_are_joined_count_each(tmp_path, finished_run):
    runs = [finished_run(tmp_path / name) for name in ('a', 'b', 'control')]
    drop = dict(type='RandomModalityDropout')
    for run, seed in zip(runs, (1, 2, 1), strict=True):
        cfg = run_config(run)
        part = cfg.train_dataloader.dataset
        second = {**part, 'seed': seed}
        if run.name == 'control':
            second['pipeline'] = [*part.pipeline, drop]
        joined = dict(type='ConcatDataset', datasets=[part, second])
        cfg.train_dataloader.dataset = joined
        cfg.dump(run / 'exchange_half.py')
    found = collect([ROWS['exchange_half']], [tmp_path])
    assert found == {'exchange_half': runs[:2]}
    with pytest.raises(ValueError, match=r'of one length .*seed=1\).*seed=2\)'):
        read_runs(found)


@pytest.mark.parametrize(
    'other',
    [
        dict(type='ReplaceModality', modality='depth', how='noise'),
        dict(type='RandomModalityDropout'),
        None,
    ],
)
def test_runs_that_were_trained_for_something_else_belong_to_no_row(
    tmp_path, finished_run, other
):
    own, control = (finished_run(tmp_path / name) for name in ('own', 'control'))
    cfg = run_config(control)
    if other is None:
        cfg.model.subset_distillation = dict(weight=1.0)
    else:
        cfg.train_dataloader.dataset.pipeline.insert(1, other)
    cfg.dump(control / 'exchange_half.py')
    rows = [ROWS['exchange_half']]
    assert collect(rows, [tmp_path]) == {'exchange_half': [own]}


def test_parameters_of_the_fusion_are_counted_apart():
    cfg = build_config(ROWS['same_concat_late'], 'synthetic', 2, 0)
    total, fusion = count_parameters(cfg)
    channels = 128  # of layer4 of the demo's network; convolution and bias
    assert fusion == 2 * channels**2 + channels
    without = build_config(ROWS['no_exchange'], 'synthetic', 2, 0)
    assert count_parameters(without) == (total - fusion, 0)
    head = dict(type='FCNHead', in_channels=64, in_index=2, channels=8, num_classes=13)
    without.model.auxiliary_head = dict(type='EnsembleHead', head=head)
    assert count_parameters(without) == (total - fusion, 0), 'it predicts nothing'
    cfg = build_config(ROWS['concat_depth_normal_to_rgb_late'], 'synthetic', 2, 0)
    assert count_parameters(cfg)[1] > 0
