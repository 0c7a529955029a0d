"""Parameters in total and of the fusion, Table 2, of the leaves of configs/fusion."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS

CONFIGS = Path(__file__).parents[2] / 'configs'
UNIMODAL = 118.1
OURS = 118.2
# In millions: in total, commonly used and as in CEN, and of the fusion.
TABLE_2 = {
    'concat_early': (120.1, 118.8, 0.6),
    'concat_middle': (147.7, 120.3, 2.1),
    'concat_late': (169.0, 126.6, 8.4),
    'concat_all': (171.7, 129.4, 11.2),
    'align_early': (238.8, 120.8, 2.6),
    'align_middle': (246.7, 128.7, 10.5),
    'align_late': (278.1, 160.1, 41.9),
    'align_all': (291.9, 173.9, 55.7),
    'self_att_early': (124.9, 123.6, 5.4),
    'self_att_middle': (166.9, 139.4, 21.2),
    'self_att_late': (245.5, 203.2, 84.9),
    'self_att_all': (272.3, 231.0, 112.8),
}
# What the paper says otherwise, and what its text gives.
EXPLAINED = {
    # "a 1x1 convolutional layer" (App. B) from 2C to C = 512 channels has 2 * 512^2
    # weights and C biases.
    'concat_early': 2 * 512**2 + 512,
    # 20.25 C^2 as behind the other stages, where the table agrees.
    'self_att_early': 20.25 * 512**2,
}


def millions(parameters):
    return sum(p.numel() for p in parameters) / 1e6


def count(leaf):
    """Parameters of a leaf's model in millions: in total, and of the fusion."""
    cfg = Config.fromfile(CONFIGS / leaf).model
    cfg.data_preprocessor = None
    cfg.backbone.init_cfg = None
    with torch.device('meta'):  # no weights, only their shapes
        model = MODELS.build(cfg)
    fusions = model.backbone.fusions
    return millions(model.parameters()), millions(
        fusions.parameters() if fusions else ()
    )


@pytest.mark.parametrize('row', TABLE_2)
def test_parameters_of_the_commonly_used_setting(row):
    total, fusion = count(f'fusion/common/{row}.py')
    assert total == pytest.approx(TABLE_2[row][0], rel=0.01)
    check_fusion(row, fusion)


@pytest.mark.parametrize('row', TABLE_2)
def test_parameters_of_the_setting_of_cen(row):
    total, fusion = count(f'fusion/same/{row}.py')
    assert total == pytest.approx(TABLE_2[row][1], rel=0.01)
    assert total - fusion == pytest.approx(OURS, abs=0.06)  # nothing else is private
    check_fusion(row, fusion)


def check_fusion(row, fusion):
    if row in EXPLAINED:
        assert fusion == pytest.approx(EXPLAINED[row] / 1e6, rel=0.01)
        assert TABLE_2[row][2] - fusion < 0.1  # less than the table's last digit
    else:
        assert fusion == pytest.approx(TABLE_2[row][2], rel=0.01)


@pytest.mark.parametrize('modality', ['rgb', 'depth'])
def test_parameters_of_unimodal_networks(modality):
    total, fusion = count(f'fusion/unimodal_{modality}.py')
    assert total == pytest.approx(UNIMODAL, abs=0.06)
    assert fusion == 0


def test_two_networks_have_twice_the_parameters():
    total, fusion = count('fusion/common/align_early.py')
    assert total - fusion == pytest.approx(2 * count('fusion/unimodal_rgb.py')[0])


def test_ours_has_no_parameters_for_the_fusion():
    total, fusion = count('cen/refinenet_r101_nyud.py')
    assert fusion == 0
    assert total == pytest.approx(OURS, abs=0.06)


@pytest.mark.parametrize('setting', ['same', 'common'])
def test_the_papers_cbn_modulates_depth_conditional_on_rgb(setting):
    cfg = Config.fromfile(CONFIGS / f'fusion/{setting}/cbn_all.py').model
    fusion = dict(cfg.backbone.fusion, channels=4)
    del fusion['stages']
    fusion = MODELS.build(fusion)
    torch.nn.init.normal_(fusion.delta_beta[-1].weight)
    depth = list(cfg.data_preprocessor.modalities).index('depth')
    streams = torch.rand(2, 2, 4, 3, 3)
    darker = streams.clone()
    darker[:, 1 - depth] /= 2
    out, other = fusion(streams).streams, fusion(darker).streams
    assert torch.equal(out[:, 1 - depth], streams[:, 1 - depth])
    assert not torch.equal(out[:, depth], other[:, depth])
