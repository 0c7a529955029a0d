"""Encoders of timm, which is an extra: these tests are skipped without it."""

import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch.testing import assert_close

from mmseg_cen.models import CENBackbone, exchanging_norms
from mmseg_cen.streams.token_exchange import TokenExchange

timm = pytest.importorskip('timm')
CONFIGS = Path(__file__).parents[2] / 'configs/tokens'


@pytest.mark.parametrize(
    ('name', 'options'),
    {
        'resnet18': {},
        'efficientnet_b0': {},
        'convnext_atto': dict(layer_norms=True),
        'pvt_v2_b0': dict(layer_norms=True),
        'vit_tiny_patch16_dinov3_qkvb': dict(layer_norms=True),
        'vit_tiny_patch16_224': dict(exchange=dict(type='TokenExchange', gated=False)),
    }.items(),
)
def test_encoders_of_timm_are_converted(name, options):
    """With the wrapper of the toolbox; each stream is the unimodal encoder."""
    if not timm.is_model(name):
        pytest.skip(f'timm {timm.__version__} has no {name}')
    cfg = dict(type='TIMMBackbone', model_name=name, pretrained=False)
    cfg |= dict(img_size=64) if name.startswith('vit') else {}
    alone = MODELS.build({**cfg, 'out_indices': (1, 2, 3)}).eval()
    net = CENBackbone({**cfg, 'out_indices': (1, 2, 3)}, 3, **options).eval()
    assert not net.load_state_dict(alone.state_dict(), strict=False).unexpected_keys
    exchanges = [m for m in net.modules() if isinstance(m, TokenExchange)]
    assert len(exchanges) + len(exchanging_norms(net)) >= 4
    for norm in exchanging_norms(net).values():
        norm.exchange_threshold = 0.0
    for exchange in exchanges:
        exchange.threshold = 0.0
    x = torch.randn(1, 9, 64, 64)
    with torch.no_grad():
        for packed, expected in zip(net(x), alone(x[:, 3:6]), strict=True):
            assert_close(packed[1:2], expected, rtol=1e-3, atol=1e-4)


def test_a_network_of_the_configs_trains_a_step_and_predicts():
    """Of the transformer, private norms, products and score predictors move."""
    cfg = Config.fromfile(CONFIGS / 'upernet_dinov3_s_nyud.py')
    name = cfg.model.backbone.backbone.model_name
    if not timm.is_model(name.split('.')[0]):
        pytest.skip(f'timm {timm.__version__} has no {name}')
    cfg.model.backbone.backbone.pretrained = False
    for head in (cfg.model.decode_head, cfg.model.auxiliary_head):
        head.head.channels = 4
    cfg.model.data_preprocessor = None
    model = MODELS.build(cfg.model).train()
    model.init_weights()
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    sample = SegDataSample(
        metainfo=dict(ori_shape=(64, 64), img_shape=(64, 64), pad_shape=(64, 64)),
        gt_sem_seg=PixelData(data=torch.randint(40, (1, 64, 64))),
    )
    data = dict(inputs=torch.randn(2, 6, 64, 64), data_samples=[sample, sample])
    before = {key: p.detach().clone() for key, p in model.named_parameters()}
    model.train_step(data, optim_wrapper)
    moved = {k for k, p in model.named_parameters() if not torch.equal(p, before[k])}
    transformer = [key for key in moved if key.startswith('backbone.')]
    assert any('predictors' in key for key in transformer)
    assert all(re.search('norm|lora|predictors', key) for key in transformer)
    (result,) = model.eval().test_step({k: v[:1] for k, v in data.items()})
    assert result.pred_sem_seg.data.shape == (1, 64, 64)
    assert {*result.pred_streams.keys()} == {'rgb', 'depth'}
