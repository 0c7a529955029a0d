import pytest
from mmseg.datasets import PotsdamDataset

from mmseg_cen.datasets import PotsdamDSMDataset, VaihingenDSMDataset


@pytest.mark.parametrize(
    ('dataset', 'modalities', 'stem', 'tile'),
    [
        (PotsdamDSMDataset, ['rgb', 'ir', 'dsm'], '2_10/00_11', '2_10'),
        (VaihingenDSMDataset, ['irrg', 'dsm'], 'area3/02_00', 'area3'),
    ],
)
def test_the_classes_are_those_of_the_toolbox_and_parts_belong_to_tiles(
    dataset, modalities, stem, tile
):
    data = dataset(lazy_init=True)
    assert list(data.modalities) == modalities
    assert data.metainfo['classes'] == PotsdamDataset.METAINFO['classes']
    stems = [stem, f'{modalities[0]}/{stem}.png']  # the first path of a list, too
    assert data.load_groups(stems) == [dict(tile=tile)] * 2
    assert data.modalities['dsm'].scale == 0.01
