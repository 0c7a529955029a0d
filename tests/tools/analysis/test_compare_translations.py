"""The pictures of tools/analysis/compare_translations.py, as a user draws them."""

import sys
from pathlib import Path

import pytest
import torch
from analysis import compare_translations
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

CONFIGS = Path(__file__).parents[3] / 'configs/translation'


@pytest.fixture
def network(tmp_path):
    """Work directory of a narrow network of a demo, which has not learned."""

    def network(config, **options):
        cfg = Config.fromfile(CONFIGS / f'{config}.py')
        cfg.merge_from_dict(
            {
                'model.generator.base_channels': 4,
                'model.generator.num_downs': 5,
                'model.discriminator.base_channels': 4,
                'test_dataloader.dataset.image_size': (32, 32),
                **options,
            }
        )
        folder = tmp_path / Path(config).name
        folder.mkdir()
        cfg.dump(folder / f'{folder.name}.py')
        init_default_scope('mmseg')
        state = MODELS.build(cfg.model).state_dict()
        torch.save({'state_dict': state}, folder / 'epoch_1.pth')
        return folder

    return network


def test_a_row_has_the_sources_of_all_networks_the_target_and_their_images(
    network, monkeypatch, tmp_path
):
    grids = []
    draw_grid = compare_translations.draw_grid
    monkeypatch.setattr(
        compare_translations,
        'draw_grid',
        lambda rows: grids.append(rows) or draw_grid(rows),
    )
    folders = [network('demo/depth_synthetic'), network('demo/cen_synthetic')]
    out = tmp_path / 'out.png'
    argv = ['tool', *folders, '--samples', '1', '0', '--out', out]
    monkeypatch.setattr(sys, 'argv', [*map(str, argv)])
    compare_translations.main()
    assert out.is_file()
    for row in grids[0]:
        titles = [panel.title for panel in row]
        networks = ['depth_synthetic', 'cen_synthetic']
        assert titles == ['Depth', 'RGB', 'Target: Normal', *networks]
        assert all(panel.caption.startswith('MAE 0.') for panel in row[-2:])
    first, second = grids[0]
    assert (first[0].picture != second[0].picture).any()


def test_what_has_no_common_target_or_is_no_translation_is_refused(
    network, error_of, tmp_path
):
    tool = 'analysis/compare_translations.py'
    first = network('demo/depth_synthetic')
    other = network('demo/cen_synthetic', **{'test_dataloader.dataset.seed': 7})
    message = error_of(tool, first, other, '--samples', 0)
    assert 'must translate to the same images' in message
    fewer = network('demo/rgb_synthetic', **{'test_dataloader.dataset.num_samples': 2})
    message = error_of(tool, first, fewer, '--samples', 3)
    assert "must be numbers below 2 or names of images, got '3'" in message
    message = error_of(tool, first, '--samples', 0, '--titles', 'a', 'b')
    assert '`--titles` must be 1 names' in message
    message = error_of(tool, first, '--samples', 0, '--out', tmp_path / 'panels')
    assert '`--out` must end with .png or .jpg' in message
    message = error_of(tool, tmp_path, '--samples', 0)
    assert '`WORK_DIR` must hold the config and a checkpoint' in message
    cyclic = network('cyclic/rooms')
    message = error_of(tool, cyclic, '--samples', 0)
    assert '`WORK_DIR` must be of an image translation to one target' in message
