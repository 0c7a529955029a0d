import pytest
import torch
from mmseg.models.decode_heads import FCNHead
from mmseg.registry import MODELS
from torch.testing import assert_close

from mmseg_cen.models import ENSEMBLE, EnsembleHead, ModalityNorm, split_streams


def fcn(**kwargs):
    return dict(
        type='FCNHead',
        in_channels=4,
        channels=4,
        num_classes=5,
        norm_cfg=dict(type='BN'),
        **kwargs,
    )


@pytest.fixture
def head():
    torch.manual_seed(0)
    head = EnsembleHead(fcn(dropout_ratio=0), modalities=('rgb', 'depth', 'thermal'))
    torch.nn.init.normal_(head.alpha_logits)
    return head


def test_the_ensemble_is_the_alpha_weighted_mean(head):
    assert_close(head.alpha.sum(), torch.ones(()))
    out = head.forward_streams([torch.randn(6, 4, 8, 8)])
    assert list(out) == ['rgb', 'depth', 'thermal', ENSEMBLE]
    expected = sum(a * out[m] for a, m in zip(head.alpha, head.modalities, strict=True))
    assert_close(out[ENSEMBLE], expected)


def test_one_head_serves_all_streams_with_private_norms(head):
    """Each stream is what a unimodal head with the same weights computes."""
    feats = torch.randn(6, 4, 8, 8)
    out = head.forward_streams([feats])
    unimodal = MODELS.build(fcn(dropout_ratio=0))
    state = head.head.state_dict()
    for m, name in enumerate(head.modalities):
        own = {
            k.replace('bn.norm.', 'bn.'): v.chunk(3)[m]
            if 'bn.norm.' in k and v.ndim
            else v
            for k, v in state.items()
        }
        unimodal.load_state_dict(own)
        assert_close(out[name], unimodal([split_streams(feats, 3)[:, m]]))


def test_the_ensemble_loss_moves_only_alpha(head):
    head.forward_streams([torch.randn(6, 4, 8, 8)])[ENSEMBLE].square().sum().backward()
    moved = [n for n, p in head.named_parameters() if p.grad is not None]
    assert moved == ['alpha_logits']


def test_the_output_of_a_plain_segmentor_is_chosen():
    feats = [torch.randn(4, 4, 8, 8)]
    head = EnsembleHead(fcn(), modalities=('rgb', 'depth'), output='depth').eval()
    assert torch.equal(head(feats), head.forward_streams(feats)['depth'])
    with pytest.raises(ValueError, match=r"output is one of .* got 'thermal'"):
        EnsembleHead(fcn(), modalities=('rgb', 'depth'), output='thermal')


@pytest.mark.parametrize('modalities', [('rgb', 'rgb'), ('rgb', 'ensemble')])
def test_names_that_are_taken_are_refused(modalities):
    with pytest.raises(ValueError, match='distinct names'):
        EnsembleHead(fcn(), modalities=modalities)


@pytest.mark.parametrize(
    'kwargs',
    [
        dict(type='PSPHead', pool_scales=(1, 2), in_channels=32, in_index=3),
        dict(type='ASPPHead', dilations=(1, 2), in_channels=32, in_index=3),
        dict(
            type='UPerHead',
            in_channels=[4, 8, 16, 32],
            in_index=[0, 1, 2, 3],
            pool_scales=(1, 2),
        ),
        dict(type='RefineNetHead', in_channels=[4, 8, 16, 32], in_index=[0, 1, 2, 3]),
    ],
    ids=lambda kwargs: kwargs['type'],
)
@pytest.mark.parametrize('M', [1, 2, 3])
def test_heads_of_the_toolbox_are_taken_as_they_are(kwargs, M):
    cfg = dict(channels=8, num_classes=5, **kwargs)
    if kwargs['type'] != 'RefineNetHead':
        cfg['norm_cfg'] = dict(type='BN')
    head = EnsembleHead(cfg, modalities=[f'm{i}' for i in range(M)])
    feats = [torch.randn(2 * M, 4 * 2**i, 16 >> i, 16 >> i) for i in range(4)]
    out = head.forward_streams(feats)
    assert len(out) == M + 1
    assert all(logits.shape[:2] == (2, 5) for logits in out.values())
    assert all(
        n.num_modalities == M for n in head.modules() if isinstance(n, ModalityNorm)
    )


@MODELS.register_module()
class HeadWithItsOwnPrediction(FCNHead):
    def predict_by_feat(self, seg_logits, batch_img_metas):
        return seg_logits


@MODELS.register_module()
class HeadWithItsOwnLoss(FCNHead):
    def loss(self, inputs, batch_data_samples, train_cfg):
        return {'loss': self(inputs).mean()}


@pytest.mark.parametrize(
    ('kind', 'why'),
    [
        ('HeadWithItsOwnPrediction', 'it has its own predict_by_feat'),
        ('HeadWithItsOwnLoss', 'its own loss does not call loss_by_feat'),
        ('IterativeDecodeHead', 'it classifies masks'),
        ('MaskFormerHead', 'it classifies masks'),
        ('Mask2FormerHead', 'it classifies masks'),
        ('SideAdapterCLIPHead', 'it classifies masks'),
        ('ResNet', 'it is no BaseDecodeHead'),
    ],
)
def test_a_head_without_a_map_of_logits_is_refused_by_name(kind, why):
    with pytest.raises(ValueError, match=f'cannot take {kind}: {why}'):
        EnsembleHead({**fcn(), 'type': kind}, modalities=('rgb',))
