import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.models.decode_heads import FCNHead
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch.testing import assert_close

from mmseg_cen.models import (
    ENSEMBLE,
    EnsembleHead,
    ModalityNorm,
    split_streams,
    stream_state_dict,
)
from mmseg_cen.models.ensembles import ConcatEnsemble
from mmseg_cen.streams.fold import map_tensors


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


@pytest.mark.parametrize('ensemble', ['alpha', 'concat'])
def test_mixed_precision_ends_where_streams_are_told_apart(ensemble):
    cfg = fcn(dropout_ratio=0)
    head = EnsembleHead(cfg, modalities=('rgb', 'depth'), ensemble=ensemble)
    feats = [torch.randn(4, 4, 8, 8)]
    with torch.autocast('cpu', torch.bfloat16):
        out = head.forward_streams(feats)
    assert {logits.dtype for logits in out.values()} == {torch.float32}
    streams = torch.stack([out[m] for m in head.modalities])
    tolerance = 1e-6 if ensemble == 'alpha' else 1e-2
    assert_close(out[ENSEMBLE], streams.mean(0), rtol=0, atol=tolerance)


def test_a_concat_fusion_starts_as_the_mean_and_trains_nothing_but_itself():
    cfg = fcn(dropout_ratio=0)
    head = EnsembleHead(cfg, modalities=('rgb', 'depth', 'thermal'), ensemble='concat')
    feats = torch.randn(6, 4, 8, 8)
    out = head.forward_streams([feats])
    streams = torch.stack([out[m] for m in head.modalities])
    assert_close(out[ENSEMBLE], streams.mean(0))
    torch.nn.init.normal_(head.concat.weight)
    out = head.forward_streams([feats])
    packed = torch.cat([out[m] for m in head.modalities], dim=1)
    expected = torch.einsum('kc,bchw->bkhw', head.concat.weight[..., 0, 0], packed)
    assert_close(out[ENSEMBLE], expected)
    out[ENSEMBLE].sum().backward()
    moved = {name for name, p in head.named_parameters() if p.grad is not None}
    assert moved == {'concat.weight', 'concat.bias'}
    other = EnsembleHead(cfg, modalities=('rgb', 'depth', 'thermal'), ensemble='concat')
    other.load_state_dict(head.state_dict())
    unimodal = MODELS.build(cfg).state_dict()
    assert set(other.load_state_dict(unimodal, strict=False).missing_keys) == {
        'concat.weight',
        'concat.bias',
    }
    assert head.alpha is None
    with pytest.raises(ValueError, match="got 'sum'"):
        EnsembleHead(cfg, modalities=('rgb', 'depth'), ensemble='sum')


@pytest.mark.filterwarnings('ignore::torch.jit.TracerWarning')
@pytest.mark.filterwarnings('ignore:.torch.jit.trace:DeprecationWarning')
def test_streams_that_are_concatenated_can_be_traced():
    cfg = fcn(dropout_ratio=0)
    head = EnsembleHead(cfg, modalities=('rgb', 'depth'), ensemble='concat').eval()
    feats = torch.randn(4, 4, 8, 8)
    traced = torch.jit.trace(head, [(feats,)], check_trace=False)
    assert_close(traced((feats,)), head([feats]))


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


def test_heads_that_are_no_cascade_are_refused_when_they_are_built():
    """Auxiliary heads of a config of mmseg are often a list."""
    heads = [fcn(), fcn(num_convs=1)]
    with pytest.raises(
        ValueError, match=r"must be a cascade.*got \['FCNHead'\] behind"
    ):
        EnsembleHead(heads, modalities=('rgb', 'depth'))
    EnsembleHead(heads[:1], modalities=('rgb', 'depth'))


def test_the_ensemble_loss_moves_only_alpha(head):
    head.forward_streams([torch.randn(6, 4, 8, 8)])[ENSEMBLE].square().sum().backward()
    moved = [n for n, p in head.named_parameters() if p.grad is not None]
    assert moved == ['alpha_logits']


def test_the_output_of_a_plain_segmentor_is_chosen():
    feats = [torch.randn(4, 4, 8, 8)]
    head = EnsembleHead(fcn(), modalities=('rgb', 'depth'), output='depth').eval()
    assert torch.equal(head(feats), head.forward_streams(feats)['depth'])
    with pytest.raises(ValueError, match=r"`output` must be one of .* got 'thermal'"):
        EnsembleHead(fcn(), modalities=('rgb', 'depth'), output='thermal')


@pytest.mark.parametrize('modalities', [('rgb', 'rgb'), ('rgb', 'ensemble'), 'fused'])
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
        dict(type='LightRefineNetHead', in_channels=[4, 8, 16, 32]),
    ],
    ids=lambda kwargs: kwargs['type'],
)
@pytest.mark.parametrize('M', [1, 2, 3])
def test_heads_of_the_toolbox_are_taken_as_they_are(kwargs, M):
    cfg = dict(channels=8, num_classes=5, **kwargs)
    if 'RefineNetHead' not in kwargs['type']:
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
        ('SideAdapterCLIPHead', 'it classifies masks'),
        ('ResNet', 'it is no BaseDecodeHead'),
    ],
)
def test_a_head_without_a_map_of_logits_is_refused_by_name(kind, why):
    with pytest.raises(ValueError, match=f'got {kind}: {why}'):
        EnsembleHead({**fcn(), 'type': kind}, modalities=('rgb',))


BN = dict(norm_cfg=dict(type='BN'), num_classes=5, dropout_ratio=0)
CE = dict(type='CrossEntropyLoss')
HEADS = {
    'DAHead': dict(in_channels=8, in_index=-1, channels=4, pam_channels=4, **BN),
    'EncHead': dict(in_channels=[4, 8], in_index=[0, 1], channels=4, num_codes=3, **BN),
    'DDRHead': dict(in_channels=8, channels=4, loss_decode=[CE, CE], **BN),
    'PIDHead': dict(
        in_channels=8,
        channels=8,
        loss_decode=[
            CE,
            dict(type='OhemCrossEntropy', thres=0.9, min_kept=10),
            dict(type='BoundaryLoss'),
            dict(type='OhemCrossEntropy', thres=0.9, min_kept=10),
        ],
        align_corners=True,
        **BN,
    ),
    'STDCHead': dict(in_channels=8, in_index=-1, channels=4, loss_decode=[CE], **BN),
    'ISAHead': dict(
        in_channels=8, in_index=-1, channels=4, isa_channels=4, down_factor=(4, 4), **BN
    ),
    'IterativeDecodeHead': dict(  # K-Net
        num_stages=2,
        kernel_generate_head=dict(
            type='FCNHead', in_channels=8, in_index=-1, channels=8, **BN
        ),
        kernel_update_head=[
            dict(
                type='KernelUpdateHead',
                num_classes=5,
                num_heads=2,
                num_mask_fcs=1,
                feedforward_channels=8,
                in_channels=8,
                out_channels=8,
                feat_transform_cfg=dict(conv_cfg=dict(type='Conv2d'), act_cfg=None),
                kernel_updator_cfg=dict(
                    type='KernelUpdator', in_channels=8, feat_channels=8
                ),
            )
            for _ in range(2)
        ],
    ),
    'OCR cascade': [
        dict(type='FCNHead', in_channels=8, in_index=-1, channels=4, **BN),
        dict(
            type='OCRHead', in_channels=8, in_index=-1, channels=4, ocr_channels=4, **BN
        ),
    ],
    'PointRend cascade': [
        dict(type='FCNHead', in_channels=8, in_index=-1, channels=4, **BN),
        dict(
            type='PointHead',
            in_channels=[4],
            in_index=[0],
            channels=4,
            num_fcs=1,
            num_classes=5,
            dropout_ratio=-1,
        ),
    ],
}
POINTS = ConfigDict(
    num_points=16,
    oversample_ratio=2,
    importance_sample_ratio=0.5,
    subdivision_steps=1,
    subdivision_num_points=16,
    scale_factor=2,
)


def config_of(name):
    cfg = HEADS[name]
    return [*cfg] if isinstance(cfg, list) else dict(type=name, **cfg)


def feats_for(name, num_streams, training):
    low = torch.randn(num_streams, 4, 16, 16)
    high = torch.randn(num_streams, 8, 8, 8)
    if name == 'DDRHead':
        return (low, high) if training else high
    if name == 'PIDHead':
        return (low, high, low) if training else high
    return (low, high)


def samples_of(num_samples):
    samples = []
    for _ in range(num_samples):
        sample = SegDataSample(metainfo=dict(img_shape=(32, 32), pad_shape=(32, 32)))
        sample.gt_sem_seg = PixelData(data=torch.randint(2, (1, 32, 32)))
        sample.gt_edge_map = PixelData(data=torch.randint(2, (1, 32, 32)))
        samples.append(sample)
    return samples


def build(name, M):
    head = EnsembleHead(config_of(name), modalities=[f'm{m}' for m in range(M)])
    for norm in head.modules():
        if isinstance(norm, ModalityNorm):
            torch.nn.init.normal_(norm.norm.weight)
            torch.nn.init.normal_(norm.norm.bias)
    torch.nn.init.normal_(head.alpha_logits)
    return head


def unimodal(head, name, m):
    """The heads of one stream."""
    cfg = config_of(name)
    cfgs = cfg if isinstance(cfg, list) else [cfg]
    heads = [MODELS.build(c) for c in cfgs]
    for one, shared in zip(heads, head.heads, strict=True):
        one.load_state_dict(stream_state_dict(shared, m))
    return heads


@pytest.mark.parametrize('name', HEADS)
@pytest.mark.parametrize('M', [1, 2, 3])
def test_each_stream_is_predicted_as_by_the_unimodal_head(name, M):
    """Whatever the head returns; the ensemble is the mean of the predictions."""
    head = build(name, M).eval()
    feats = feats_for(name, 2 * M, training=False)
    metas = [sample.metainfo for sample in samples_of(2)]
    with torch.no_grad():
        out = head.predict_streams(feats, metas, POINTS).chunk(M + 1, dim=1)
        for m in range(M):
            own = map_tensors(lambda t, m=m: split_streams(t, M)[:, m], feats)
            *first, last = (h.eval() for h in unimodal(head, name, m))
            previous = [h(own) for h in first]
            assert_close(out[m], last.predict(own, *previous, metas, POINTS))
    mean = sum(a * o for a, o in zip(head.alpha, out[:M], strict=True))
    assert_close(out[M], mean, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('name', [name for name in HEADS if 'Point' not in name])
@pytest.mark.parametrize('M', [2, 3])
def test_each_stream_is_trained_as_the_unimodal_head(name, M):
    head = build(name, M).train()
    feats, samples = feats_for(name, 2 * M, training=True), samples_of(2)
    streams = [unimodal(head, name, m) for m in range(M)]
    losses = head.loss(feats, samples, POINTS)
    expected = {}
    for m, heads in enumerate(streams):
        own = map_tensors(lambda t, m=m: split_streams(t, M)[:, m], feats)
        previous = []
        for i, one in enumerate(heads):
            prefix = f'{i}.m{m}.' if len(heads) > 1 else f'm{m}.'
            own_losses = one.train().loss(own, *previous, samples, POINTS)
            expected |= {prefix + key: value for key, value in own_losses.items()}
            if len(heads) > 1 and not i:
                previous = [one(own)]
    for key, value in expected.items():
        atol = 1 if 'acc' in key else 1e-5  # percent: some logits are almost equal
        assert_close(losses[key], value, rtol=1e-4, atol=atol)
    of_ensemble = {k.replace('m0', 'ensemble') for k in expected if 'm0' in k}
    assert losses.keys() == expected.keys() | of_ensemble


@pytest.mark.parametrize('name', HEADS)
def test_the_loss_of_the_ensemble_moves_only_alpha_of_any_head(name):
    head = build(name, 2).train()
    losses = head.loss(feats_for(name, 4, training=True), samples_of(2), POINTS)
    own = [v for k, v in losses.items() if 'ensemble' in k and 'loss' in k]
    sum(own).backward()
    moved = [n for n, p in head.named_parameters() if p.grad is not None]
    assert moved == ['alpha_logits']


def test_points_have_no_ensemble_as_they_differ_between_streams():
    head = build('PointRend cascade', 2).train()
    losses = head.loss(feats_for('', 4, training=True), samples_of(2), POINTS)
    assert '0.ensemble.loss_ce' in losses
    assert '1.m1.pointloss_ce' in losses
    assert not [key for key in losses if key.startswith('1.ensemble')]


def test_methods_of_the_head_are_given_back_even_after_an_error(head):
    samples = samples_of(2)
    del samples[1].gt_sem_seg
    with pytest.raises(AttributeError, match='gt_sem_seg'):
        head.loss([torch.randn(6, 4, 8, 8)], samples, None)
    assert 'loss_by_feat' not in vars(head.head)


def test_several_outputs_of_training_are_no_prediction():
    head = build('DDRHead', 2).train()
    with pytest.raises(ValueError, match=r'call eval\(\) first, or choose another'):
        head.forward_streams(feats_for('DDRHead', 4, training=True))


@pytest.mark.parametrize('name', ['DAHead', 'DDRHead', 'OCR cascade'])
def test_the_checkpoint_of_a_unimodal_head_initializes_all_streams(name):
    """By its own names; also of heads that have a part named `head`, as DDRHead."""
    cfg = config_of(name)
    parts = cfg if isinstance(cfg, list) else [cfg]
    alone = [MODELS.build(part) for part in parts]
    source = torch.nn.ModuleList(alone) if isinstance(cfg, list) else alone[0]
    head = EnsembleHead(cfg, modalities=('rgb', 'depth'))
    wrong = head.load_state_dict(source.state_dict(), strict=False)
    assert wrong.missing_keys == ['alpha_logits']
    assert not wrong.unexpected_keys
    for m in range(2):
        for key, tensor in stream_state_dict(head.head, m).items():
            assert torch.equal(tensor, source.state_dict()[key])
    head.load_state_dict(head.state_dict(), strict=True)


def test_features_of_another_number_of_modalities_are_refused(head):
    with pytest.raises(ValueError, match=r'must be of 6 streams, .* got 4'):
        head.loss([torch.randn(4, 4, 8, 8)], samples_of(2), None)


def test_a_convolution_over_the_logits_is_in_float32_in_mixed_precision():
    """Logits that differ by less than bfloat16 tells apart stay different."""
    concat = ConcatEnsemble(2, 3)
    streams = torch.tensor([10.03, 10.05, 1.0]).expand(1, 2, 3).reshape(1, 2, 3, 1, 1)
    with torch.autocast('cpu', torch.bfloat16):
        found = concat(streams)
    assert_close(found, concat(streams), rtol=0, atol=0)
    assert found.argmax(1).item() == 1
    assert concat.half()(streams.half()).dtype == torch.float32
