"""The rows are the paper's."""

from itertools import pairwise

import pytest
from mmseg.registry import MODELS
from paper.configs import load_leaf
from paper.domains import DOMAINS
from paper.rows import ALL_TABLES, TABLES, leaves
from paper.segmentation import OURS


def rows(table):
    return {row.name: row for row in TABLES[table].rows}


@pytest.mark.parametrize(
    ('table', 'count'),
    [
        ('1', 6), ('2', 27), ('4', 34), ('5', 7), ('6', 51), ('7', 11), ('8', 12),
        ('9', 8), ('ablations', 10),
    ],
)  # fmt: skip
def test_tables_are_complete_and_name_each_row_once(table, count):
    assert len(rows(table)) == len(TABLES[table].rows) == count


# A figure that is changed, or moved to another row, changes the sum of its column.
SUMS = {
    '1': {'RGB': 995.6, 'Depth': 833.9, 'Ensemble': 1027.1},
    '2': {
        'Ensemble': 18144.3,
        'Params (M)': 69541.1,
        'Fusion (M)': 14823.1,
        'RGB': 9890.3,
        'Depth': 7894.1,
    },
    '4': {'FID': 60518.79, 'KID': 2779.79},
    '5': {'FID': 2214.06, 'KID': 83.83},
    '6': {'MAE': 1044.92, 'root of MSE': 1911.05},
    '7': {'RGB': 3081.9, 'Depth': 2582.0, 'Ensemble': 3195.1},
    '8': {
        'shade FID': 7480.16,
        'shade KID': 338.46,
        'texture FID': 6924.1,
        'texture KID': 288.74,
        'FID': 6390.2,
        'KID': 250.94,
        'depth FID': 6962.44,
        'depth KID': 322.28,
        'normal FID': 4015.29,
        'normal KID': 178.96,
    },
    '9': {
        'shade FID': 3746.45,
        'shade KID': 182.66,
        'texture FID': 3590.62,
        'texture KID': 172.31,
        'depth FID': 4099.86,
        'depth KID': 206.71,
        'FID': 3269.14,
        'KID': 144.67,
        'normal FID': 2698.32,
        'normal KID': 125.61,
    },
    'ablations': {'Ensemble': 2659.0},
}


@pytest.mark.parametrize('table', SUMS)
def test_figures_have_the_sums_of_the_papers_columns(table):
    sums: dict[str, float] = {}
    for position, row in enumerate(TABLES[table].rows, 1):
        for key, value in row.paper.items():
            sums[key] = sums.get(key, 0) + position * value
    assert sums == pytest.approx(SUMS[table], abs=1e-3)


def test_table_1_is_part_of_table_7():
    assert all(rows('7')[name] == row for name, row in rows('1').items())


def test_a_row_of_several_tables_has_one_figure():
    """But for one stream, of which Tables 8 and 9 print two figures."""
    found = {}
    for table in TABLES:
        for row in rows(table).values():
            for key, value in row.paper.items():
                found.setdefault((row.name, key), set()).add(value)
    differing = {key: values for key, values in found.items() if len(values) > 1}
    name = 'shade_texture_depth_to_rgb_shared_convs_unshared_ins'
    assert differing == {
        (name, 'depth FID'): {107.07, 102.07},
        (name, 'depth KID'): {5.19, 4.89},
    }


def test_cen_is_the_best_row_of_its_tables():
    for table in ('1', '2', '7', 'ablations'):
        ensembles = {n: row.paper['Ensemble'] for n, row in rows(table).items()}
        assert max(ensembles, key=ensembles.get) == OURS.name
    for table, key in (('4', 'FID'), ('4', 'KID'), ('6', 'MAE')):
        by_task = {}
        for row in rows(table).values():
            by_task.setdefault(row.cells[0], []).append((row.paper[key], row.cells[1]))
        assert {min(found)[1] for found in by_task.values()} == {'Ours'}


def test_the_papers_own_figures_obey_its_claims():
    for table in ('1', '7'):
        for _, better, worse in TABLES[table].claims:
            first, second = (rows(table)[name].paper for name in (better, worse))
            assert first['Ensemble'] > second['Ensemble']


def test_more_sources_are_better():
    fids = [row.paper['FID'] for row in rows('5').values() if '+' in row.cells[0]]
    assert all(more < fewer for fewer, more in pairwise(fids))


def test_where_nothing_is_shared_networks_are_individual_ones():
    unshared = [row for row in rows('8').values() if 'unshared convs' in row.cells[1]]
    assert len(unshared) == 3
    for row in unshared:
        generator = {**load_leaf(row).model.generator, 'base_channels': 2}
        several, one = (
            MODELS.build({**generator, 'num_modalities': M})
            for M in (generator['num_modalities'], 1)
        )
        own = sum(p.numel() for p in one.parameters())
        M = generator['num_modalities']
        assert sum(p.numel() for p in several.parameters()) == M * own


def test_every_written_config_but_bases_is_a_row():
    of_rows = {row.leaf.path for table in ALL_TABLES.values() for row in table.rows}
    without = [leaf.path for leaf in leaves() if leaf.path not in of_rows]
    assert without == [
        f'_base_/fusion/{name}'
        for name in ('same', 'common', 'two_networks', 'unimodal')
    ]
    assert {leaf.path for leaf in DOMAINS.values()} <= {leaf.path for leaf in leaves()}
