import sys
from functools import cache
from pathlib import Path

import pytest
from mmengine.config import Config

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / 'tools/analysis'))
import paper_tables  # noqa: E402
from paper_rows import TABLES  # noqa: E402

SEGMENTATION = {
    row.name: row
    for key in ('1', '2', '7', 'ablations')
    for row in TABLES[key].rows
    if (ROOT / 'configs' / row.config).is_file()
}


@cache
def load(path):
    return Config.fromfile(path)


def leaf(row):
    return paper_tables.settings(load(ROOT / 'configs' / row.config))


@pytest.mark.parametrize('data', ['synthetic', 'nyud_half'])
@pytest.mark.parametrize('name', SEGMENTATION)
def test_the_network_of_any_data_has_the_settings_of_the_config_of_a_row(name, data):
    row = SEGMENTATION[name]
    cfg = paper_tables.build_config(row, data, None, 3)
    assert paper_tables.settings(cfg) == leaf(row)
    assert cfg.randomness.seed == 3


def test_rows_differ_in_their_settings():
    found = [repr(leaf(row)) for row in SEGMENTATION.values()]
    assert len(found) >= 18
    assert len(set(found)) == len(found)


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
    full = paper_tables.build_config(row, 'synthetic', None, 0)
    half = paper_tables.build_config(row, 'synthetic', 4, 0)
    warm_up, cosine = half.param_scheduler
    assert warm_up == full.param_scheduler[0]
    assert (cosine['begin'], cosine['end'], cosine['T_max']) == (30, 200, 170)
    assert half.train_cfg.max_epochs == half.train_cfg.val_interval == 4
    weights = [cfg.custom_hooks[0].sparsity_weight for cfg in (full, half)]
    assert weights[1] == 2 * weights[0]


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
    lines = paper_tables.check_claims(TABLES['1'], runs)
    assert lines == [
        'exchange > no exchange: yes, 50.0 against 45.0 (ensemble)',
        'own part >= all channels: no, 50.0 against 60.0 (ensemble)',
    ]


def test_unknown_data_are_refused():
    with pytest.raises(ValueError, match=r"one of \['synthetic', .*\], got 'sunrgbd'"):
        paper_tables.build_config(SEGMENTATION['drop'], 'sunrgbd', None, 0)


def test_runs_are_collected_by_the_settings_of_their_configs(tmp_path):
    row = SEGMENTATION['drop']
    work_dir = tmp_path / 'whatever'
    (work_dir / '20200101/vis_data').mkdir(parents=True)
    scalars = work_dir / '20200101/vis_data/scalars.json'
    scalars.write_text(
        '{"loss": 1.0, "time": 0.5, "step": 1}\n'
        '{"mIoU": 12.5, "rgb/mIoU": 11.0, "step": 2}\n'
    )
    cfg = paper_tables.build_config(row, 'synthetic', 2, 0)
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
    with pytest.raises(FileNotFoundError, match='is no folder of runs'):
        paper_tables.collect([row], [tmp_path / 'nowhere'])
