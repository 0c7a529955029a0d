import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch.testing import assert_close

from mmseg_cen.models import ENSEMBLE, CENSegmentor, ModalityNorm
from mmseg_cen.models.segmentor import is_cen_segmentor
from mmseg_cen.streams.presence import present_modalities


def config(type='CENSegmentor', num_modalities=2, names=('rgb', 'depth'), **kwargs):
    head = dict(
        type='FCNHead',
        in_channels=32,
        in_index=3,
        channels=4,
        num_convs=1,
        num_classes=5,
        dropout_ratio=0,
    )
    return ConfigDict(
        type=type,
        data_preprocessor=dict(
            type='MultimodalPreprocessor', modalities={n: PLAIN[n] for n in names}
        ),
        backbone=dict(
            type='CENResNet',
            depth=18,
            num_modalities=num_modalities,
            base_channels=4,
            stem_channels=4,
        ),
        decode_head=dict(
            type='EnsembleHead',
            modalities=('rgb', 'depth'),
            head={**head, **kwargs},
        ),
        auxiliary_head=dict(
            type='EnsembleHead',
            modalities=('rgb', 'depth'),
            head={**head, 'in_channels': 16, 'in_index': 2},
        ),
        train_cfg=dict(),
        test_cfg=dict(mode='whole'),
    )


PLAIN = dict(rgb=dict(channels=3), depth=dict(channels=1), thermal=dict(channels=1))


def build(**kwargs):
    torch.manual_seed(0)
    return MODELS.build(config(**kwargs)).eval()


def sample(size=(32, 40), **metainfo):
    sample = SegDataSample(gt_sem_seg=PixelData(data=torch.randint(0, 5, (1, *size))))
    shapes = dict(ori_shape=size, img_shape=size, pad_shape=size)
    sample.set_metainfo({**shapes, 'img_path': 'a.png', **metainfo})
    return sample


@torch.no_grad()
def predict(model, x, samples=None):
    return model(x, samples or [sample() for _ in x], mode='predict')


@pytest.mark.parametrize(
    'test_cfg',
    [dict(mode='whole'), dict(mode='slide', crop_size=(24, 24), stride=(16, 16))],
    ids=lambda cfg: cfg['mode'],
)
def test_all_streams_are_those_that_separate_passes_predict(test_cfg):
    """One pass of ours is M + 1 passes of a plain segmentor."""
    x = torch.randn(2, 6, 32, 40)
    model = build()
    model.test_cfg.update(test_cfg)
    plain = MODELS.build(config(type='EncoderDecoder')).eval()
    plain.load_state_dict(model.state_dict())
    plain.test_cfg.update(test_cfg)
    results = predict(model, x)
    for output in ('rgb', 'depth', ENSEMBLE):
        plain.decode_head.output = output
        for ours, theirs in zip(results, predict(plain, x), strict=True):
            logits, classes = (
                (ours.seg_logits.data, ours.pred_sem_seg.data)
                if output == ENSEMBLE
                else (ours.stream_logits.get(output), ours.pred_streams.get(output))
            )
            assert_close(logits, theirs.seg_logits.data)
            assert torch.equal(classes, theirs.pred_sem_seg.data)


def test_predictions_have_the_original_size():
    out = predict(build(), torch.randn(1, 6, 32, 40), [sample(ori_shape=(50, 60))])[0]
    assert out.pred_streams.depth.shape == out.pred_sem_seg.data.shape == (1, 50, 60)


def test_a_flipped_input_is_flipped_back():
    x = torch.randn(1, 6, 32, 40)
    model = build()
    flipped = predict(model, x, [sample(flip=True, flip_direction='horizontal')])[0]
    straight = predict(model, x)[0]
    assert_close(flipped.stream_logits.rgb.flip(-1), straight.stream_logits.rgb)


def test_a_binary_model_predicts_by_its_threshold():
    model = build(num_classes=2, out_channels=1, threshold=0.4)
    out = predict(model, torch.randn(1, 6, 32, 40))[0]
    assert out.stream_logits.rgb.shape == (1, 32, 40)
    assert out.stream_logits.rgb.min() >= 0
    expected = (out.stream_logits.rgb > 0.4).float()
    assert torch.equal(out.pred_streams.rgb, expected)


def test_losses_are_named_after_their_stream():
    losses = build()(torch.randn(2, 6, 32, 40), [sample(), sample()], mode='loss')
    assert {name for name in losses if 'loss' in name} == {
        f'{head}.{stream}.loss_ce'
        for head in ('decode', 'aux')
        for stream in ('rgb', 'depth', ENSEMBLE)
    }


def augmented_by_a_flip(model):
    x = torch.randn(1, 6, 32, 40)
    versions = [
        (x, sample()),
        (x.flip(-1), sample(flip=True, flip_direction='horizontal')),
    ]
    return [predict(model, image, [s])[0] for image, s in versions]


@pytest.mark.parametrize('name', ['CENTTAModel', 'SegTTAModel'])
def test_tta_averages_the_probabilities_of_every_stream(name):
    """Configs that inherit from mmseg's own name the toolbox's model."""
    model = build()
    tta = MODELS.build(dict(type=name, module=model))
    augmented = augmented_by_a_flip(model)
    probabilities = [s.stream_logits.depth.softmax(0) for s in augmented]
    merged = tta.merge_preds([augmented])[0]
    expected = sum(probabilities) / 2
    assert_close(merged.stream_logits.depth, expected)
    assert torch.equal(merged.pred_streams.depth[0], expected.argmax(0))
    assert merged.pred_sem_seg.data.shape == (1, 32, 40)
    assert 'gt_sem_seg' in merged


@pytest.mark.parametrize('type', ['CENSegmentor', 'EncoderDecoder'])
@pytest.mark.parametrize('binary', [False, True])
def test_tta_of_the_ensemble_is_the_mean_of_its_probabilities(type, binary):
    """The toolbox takes the sigmoid of a binary model's probabilities once more."""
    own = dict(num_classes=2, out_channels=1, threshold=0.5) if binary else {}
    model = build(type=type, **own)
    tta = MODELS.build(dict(type='SegTTAModel', module=model))
    augmented = augmented_by_a_flip(model)
    found = [s.seg_logits.data for s in augmented]
    expected = sum(found if binary else [s.softmax(0) for s in found]) / 2
    merged = tta.merge_preds([augmented])[0]
    assert_close(merged.seg_logits.data, expected)
    classes = expected > 0.5 if binary else expected.argmax(0, keepdim=True)
    assert torch.equal(merged.pred_sem_seg.data.long(), classes.long())


@pytest.mark.parametrize('name', ['CENTTAModel', 'SegTTAModel'])
def test_tta_keeps_the_preprocessor_of_the_modalities(name):
    """mmengine hands over a variable that configs of mmseg have."""
    of_images = dict(type='SegDataPreProcessor', mean=[0.0] * 3, std=[1.0] * 3)
    wrapped = dict(type=name, module=config(), data_preprocessor=of_images)
    assert 'depth' in MODELS.build(wrapped).module.data_preprocessor.modalities


def test_parts_that_disagree_about_the_modalities_are_refused():
    with pytest.raises(ValueError, match=r'must agree .*num_modalities=3'):
        build(num_modalities=3)
    with pytest.raises(ValueError, match='must agree in all parts'):
        build(names=('rgb', 'thermal'))
    for names in (('depth', 'rgb'), ('rgb', 'thermal'), ('rgb', 'depth', 'thermal')):
        with pytest.raises(ValueError, match=r"must agree .*'CENSegmentor'"):
            MODELS.build(config() | dict(modalities=names))
    for names in (('rgb', 'rgb'), 'rgb', ()):
        with pytest.raises(ValueError, match='`modalities` must be distinct names'):
            MODELS.build(config() | dict(modalities=names))


def test_a_config_may_inherit_the_number_of_heads_of_a_cascade():
    """There is no way to leave a single value of a base config out."""
    MODELS.build(config() | dict(num_stages=1))
    with pytest.raises(ValueError, match='number of heads of the cascade, 1, got 2'):
        MODELS.build(config() | dict(num_stages=2))


def said_once(names):
    """The config of :func:`config`, with the names of modalities in one place."""
    cfg = config(names=names)
    del cfg.backbone['num_modalities']
    del cfg.decode_head['modalities'], cfg.auxiliary_head['modalities']
    return cfg | dict(modalities=names)


def test_names_that_are_said_once_build_the_model_that_says_them_everywhere():
    torch.manual_seed(0)
    everywhere = build()
    torch.manual_seed(0)
    once = MODELS.build(said_once(('rgb', 'depth')))
    assert str(once) == str(everywhere)
    assert list(once.state_dict()) == list(everywhere.state_dict())
    assert once.data_preprocessor.modalities == everywhere.data_preprocessor.modalities


@pytest.mark.parametrize('names', [('rgb',), ('thermal', 'rgb', 'depth')])
def test_all_parts_have_the_modalities_of_the_segmentor(names):
    model = MODELS.build(said_once(names))
    assert model.backbone.num_modalities == len(names)
    assert model.modalities == model.auxiliary_head.modalities == names
    assert tuple(model.data_preprocessor.modalities) == names


@pytest.mark.parametrize('spelling', [config, lambda: said_once(('rgb', 'depth'))])
def test_the_order_of_streams_is_not_that_of_a_dict(spelling, tmp_path):
    """mmengine sorts dicts when it writes the config of a training."""
    Config(dict(model=spelling())).dump(tmp_path / 'dumped.py')
    dumped = Config.fromfile(tmp_path / 'dumped.py').model
    assert list(dumped.data_preprocessor.modalities) == ['depth', 'rgb']
    model = MODELS.build(dumped)
    assert model.modalities == ('rgb', 'depth')
    assert list(model.data_preprocessor.modalities) == ['rgb', 'depth']


def test_heads_behind_a_fusion_that_merges_are_told_the_merged_stream():
    cfg = said_once(('rgb', 'depth'))
    cfg.backbone.fusion = dict(type='ConcatFusion', stages=('layer4',), merges=True)
    cfg.decode_head.head.update(in_channels=32)
    model = MODELS.build(cfg)
    assert model.modalities == model.auxiliary_head.modalities == ('fused',)
    cfg.decode_head.modalities = ('rgb', 'depth')
    with pytest.raises(ValueError, match='streams are merged'):
        MODELS.build(cfg)


def merging(names):
    """An existing config whose head sees one stream, and which names three inputs."""
    cfg = config(num_modalities=len(names), names=names)
    cfg.backbone.fusion = dict(type='AverageFusion', stages=('layer4',), merges=True)
    cfg.decode_head.modalities = cfg.auxiliary_head.modalities = ('fused',)
    return cfg


def test_a_preprocessor_names_the_inputs_of_a_merged_stream():
    model = MODELS.build(merging(('thermal', 'rgb', 'depth')))
    assert tuple(model.data_preprocessor.modalities) == ('thermal', 'rgb', 'depth')
    assert model.backbone.num_modalities == 3
    assert model.modalities == ('fused',)


def test_an_input_that_a_merging_fusion_lacks_is_refused_as_such():
    model = MODELS.build(merging(('thermal', 'rgb', 'depth'))).eval()
    with pytest.raises(ValueError, match='must have all modalities for AverageFusion'):
        predict(model, torch.randn(1, 9, 32, 40), [sample(absent=('depth',))])


def test_nobody_guesses_the_order_of_other_modalities_than_rgb_and_depth():
    cfg = said_once(('rgb', 'depth', 'thermal'))
    del cfg['modalities']
    with pytest.raises(ValueError, match='must name the streams in their order'):
        MODELS.build(cfg)


def test_parts_may_be_given_as_to_an_encoder_decoder():
    cfg = config()
    preprocessor = MODELS.build(cfg.data_preprocessor)
    model = CENSegmentor(
        cfg.backbone,
        cfg.decode_head,
        None,
        cfg.auxiliary_head,
        data_preprocessor=preprocessor,
        test_cfg=cfg.test_cfg,
    )
    assert model.data_preprocessor is preprocessor
    assert model.modalities == model.auxiliary_head.modalities == ('rgb', 'depth')


def test_a_list_of_heads_belongs_into_the_ensemble_head():
    cfg = config()
    cfg['decode_head'] = [cfg['decode_head']['head']]
    with pytest.raises(ValueError, match=r'`decode_head` .* must be the config of one'):
        MODELS.build(cfg)


def test_an_auxiliary_head_of_other_modalities_is_refused():
    cfg = config()
    cfg.auxiliary_head.modalities = ('depth', 'rgb')
    with pytest.raises(ValueError, match=r'must agree .*0\. auxiliary_head'):
        MODELS.build(cfg)


def test_a_plain_auxiliary_head_is_refused():
    cfg = config()
    cfg['auxiliary_head'] = cfg['auxiliary_head']['head']
    message = r'`auxiliary_head` .* must be an EnsembleHead'
    with pytest.raises(ValueError, match=message):
        MODELS.build(cfg)


def test_a_backbone_of_one_stream_is_refused():
    cfg = config()
    cfg.backbone = dict(type='ResNet', depth=18)
    with pytest.raises(ValueError, match=r"wrap it, .*CENBackbone.*'ResNet'"):
        MODELS.build(cfg)
    del cfg.decode_head.modalities, cfg.auxiliary_head.modalities
    cfg.modalities = ('rgb',)  # a single stream
    assert MODELS.build(cfg).modalities == ('rgb',)


def test_channels_of_the_preprocessor_that_the_backbone_does_not_take_are_refused():
    cfg = config()
    cfg.data_preprocessor.num_channels = 4
    with pytest.raises(ValueError, match=r'2 \* 3 = 6, got 8: set in_channels=4'):
        MODELS.build(cfg)
    cfg.data_preprocessor = dict(mean=[0] * 3, std=[1] * 3, type='SegDataPreProcessor')
    with pytest.raises(ValueError, match=r'6 packed channels .* a mean of 3: take'):
        MODELS.build(cfg)
    for channels in (1, 6):
        one_each = dict(mean=[0] * channels, std=[1] * channels)
        cfg.data_preprocessor = dict(type='SegDataPreProcessor', **one_each)
        MODELS.build(cfg)


def test_absent_modalities_are_a_list_of_names():
    cfg = config()
    cfg.test_cfg.absent = 'depth'
    with pytest.raises(ValueError, match=r"must be a list of names, .* got 'depth'"):
        MODELS.build(cfg)


def test_a_plain_head_is_refused():
    cfg = config()
    cfg['decode_head'] = cfg['decode_head']['head']
    with pytest.raises(ValueError, match='must be an EnsembleHead, got FCNHead'):
        MODELS.build(cfg)


def test_one_output_is_chosen_of_a_plain_segmentor_only():
    cfg = config()
    cfg.decode_head.output = 'depth'
    assert MODELS.build({**cfg, 'type': 'EncoderDecoder'}).decode_head.output == 'depth'
    with pytest.raises(ValueError, match=r"a CENSegmentor, .* got 'depth'"):
        MODELS.build(cfg)


def with_neck():
    cfg = config()
    cfg.backbone.exchange_threshold = 0.0
    cfg.neck = dict(
        type='FPN',
        in_channels=[4, 8, 16, 32],
        out_channels=32,
        num_outs=4,
        norm_cfg=dict(type='BN'),
    )
    cfg.pop('auxiliary_head')
    return MODELS.build(cfg).train()


def test_statistics_of_the_neck_are_of_modalities_that_are_there():
    model = with_neck()
    norm = model.neck.fpn_convs[0].bn.norm
    with present_modalities(torch.tensor([[True, False]] * 2)):
        model.extract_feat(torch.randn(2, 6, 32, 64))
    rgb, depth = norm.running_mean.chunk(2)
    assert rgb.any()
    assert not depth.any()
    model.extract_feat(torch.randn(2, 6, 32, 64))
    assert norm.running_mean.chunk(2)[1].any()


def test_norms_of_the_neck_are_private():
    model = with_neck()
    assert isinstance(model.neck.fpn_convs[0].bn, ModalityNorm)
    x = torch.randn(2, 6, 32, 64)
    y = torch.cat([x[:, :3], torch.randn(2, 3, 32, 64)], dim=1)
    before, after = (
        model.decode_head.forward_streams(model.extract_feat(z)) for z in (x, y)
    )
    assert_close(before['rgb'], after['rgb'])
    assert not torch.allclose(before['depth'], after['depth'])


def test_the_checkpoint_of_a_unimodal_model_initializes_all_streams():
    """By its own names, auxiliary heads included; only alpha is missing."""
    cfg = config()
    model = MODELS.build(cfg).eval()
    resnet = {
        k: v for k, v in cfg.backbone.items() if k not in ('type', 'num_modalities')
    }
    unimodal = MODELS.build(
        dict(
            type='EncoderDecoder',
            backbone=dict(type='ResNet', **resnet),
            decode_head=cfg.decode_head['head'],
            auxiliary_head=cfg.auxiliary_head['head'],
            test_cfg=dict(mode='whole'),
        )
    ).eval()
    wrong = model.load_state_dict(unimodal.state_dict(), strict=False)
    assert set(wrong.missing_keys) == {
        'decode_head.alpha_logits',
        'auxiliary_head.alpha_logits',
    }
    assert not wrong.unexpected_keys
    x = torch.randn(1, 6, 32, 40)
    depth = model.decode_head.forward_streams(model.extract_feat(x))['depth']
    assert_close(depth, unimodal(x[:, 3:], mode='tensor'))


@pytest.mark.parametrize(
    ('model', 'expected'),
    [
        ({'type': 'CENSegmentor'}, True),
        ({'type': type('Own', (CENSegmentor,), {})}, True),
        ({'type': 'EncoderDecoder'}, False),
        ({'type': 'unknown'}, False),
        ({}, False),
        (None, False),
    ],
)
def test_a_config_of_a_segmentor_or_of_a_class_made_of_it_is_known(model, expected):
    assert is_cen_segmentor(model) is expected
