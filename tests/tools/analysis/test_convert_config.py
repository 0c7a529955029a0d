"""tools/analysis/convert_config.py makes multimodal configs that train."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from analysis.convert_config import main
from conversion import text
from conversion.config import convert_config, share
from conversion.data import convert_dataset
from conversion.model import convert_preprocessor, require_size
from conversion.own import modalities_of, set_classes, set_ignored
from mmengine.config import Config, ConfigDict
from mmengine.runner import Runner
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS as MMSEG_DATASETS
from mmseg.registry import MODELS

from mmseg_cen.config_files import read_config
from mmseg_cen.models import CENSegmentor, exchanging_norms

DATASETS = Path(__file__).parents[3] / 'configs/_base_/datasets'
PSPNET = 'mmseg::pspnet/pspnet_r18-d8_4xb2-80k_cityscapes-512x1024.py'


def converted(source, modalities=('rgb', 'depth'), **kwargs):
    """As the tool writes it, and reads it again."""
    cfg = convert_config(read_config(source), modalities, **kwargs)
    return Config.fromstring(text.source(share(cfg)), '.py')


@pytest.fixture
def pspnet():
    return converted(PSPNET)


def test_the_tool_writes_a_config_that_says_what_to_check(tool, tmp_path, pspnet):
    out = tmp_path / 'new' / 'pspnet.py'
    code, output = tool(
        'analysis/convert_config.py', PSPNET, out, '--modalities', 'rgb', 'depth'
    )
    assert code == 0, output
    assert 'CHECK' in out.read_text()
    assert Config.fromfile(out).to_dict() == pspnet.to_dict()


def test_a_config_that_does_not_exist_is_reported_in_one_line(tool, tmp_path):
    code, output = tool(
        'analysis/convert_config.py', 'none.py', tmp_path / 'out.py',
        '--modalities', 'rgb', 'depth',
    )  # fmt: skip
    assert code == 1
    assert "error: the config must be a file, got 'none.py'" in output


def test_an_edited_config_is_replaced_on_request_only(tmp_path, monkeypatch):
    out = tmp_path / "it's mine.py"
    command = ['convert_config.py', PSPNET, str(out), '--modalities', 'rgb', 'depth']
    monkeypatch.setattr(sys, 'argv', command)
    main()
    main()  # the same
    written = out.read_text()
    out.write_text('# edited')
    with pytest.raises(SystemExit, match=r'exists and may have been edited: .*--overw'):
        main()
    assert out.read_text() == '# edited'
    monkeypatch.setattr(sys, 'argv', [*command, '--overwrite'])
    main()
    assert out.read_text() == written


def test_modalities_keep_their_order_everywhere():
    cfg = converted(PSPNET, ('thermal', 'rgb', 'depth'))
    names = ['thermal', 'rgb', 'depth']
    assert list(cfg.model.data_preprocessor.modalities) == names
    assert cfg.model.modalities == names
    assert list(cfg.train_dataloader.dataset.modalities) == names


def test_what_is_known_of_the_images_stays(pspnet):
    source = read_config(PSPNET)
    dataset = pspnet.val_dataloader.dataset
    assert dataset.modalities.rgb.suffix == '_leftImg8bit.png'
    assert dataset.modalities.depth.suffix == '_depth.png'
    assert dataset.seg_map_suffix == '_gtFine_labelTrainIds.png'
    assert dataset.data_prefix.rgb == 'leftImg8bit/val'
    assert dataset.data_prefix.depth == 'depth/val'
    assert len(dataset.metainfo.classes) == 19
    rgb = pspnet.model.data_preprocessor.modalities.rgb
    assert rgb.mean == source.model.data_preprocessor.mean
    assert pspnet.model.backbone.backbone == dict(
        **source.model.backbone,
        init_cfg=dict(type='Pretrained', checkpoint=source.model.pretrained),
    )
    assert pspnet.param_scheduler == source.param_scheduler
    transforms = [t.type for t in pspnet.train_pipeline]
    assert transforms[0] == 'LoadModalities'
    assert transforms[-1] == 'PackMultimodalInputs'


def test_without_rgb_no_transform_is_photometric():
    cfg = converted(PSPNET, ('thermal', 'depth'))
    assert 'PhotoMetricDistortion' not in [t.type for t in cfg.train_pipeline]


def test_a_cascade_becomes_one_head_and_wrapped_data_sets_are_reached():
    cfg = converted('mmseg::point_rend/pointrend_r50_4xb2-80k_cityscapes-512x1024.py')
    assert [head.type for head in cfg.model.decode_head.head] == [
        'FPNHead',
        'PointHead',
    ]
    assert 'num_stages' not in cfg.model
    cfg = converted('mmseg::unet/unet-s5-d16_fcn_4xb4-40k_chase-db1-128x128.py')
    assert cfg.train_dataloader.dataset.dataset.type == 'MultimodalSegDataset'


def test_data_sets_that_mix_images_are_reached_too():
    source = read_config(PSPNET)
    inner = source.train_dataloader.dataset
    mixed = dict(
        type='MultiImageMixDataset',
        dataset=dict(inner, pipeline=inner.pipeline[:2]),
        pipeline=[dict(type='RandomCutOut', prob=1.0, n_holes=1), inner.pipeline[-1]],
    )
    found = convert_dataset(ConfigDict(mixed), ('rgb', 'depth'))
    assert found['dataset']['type'] == 'MultimodalSegDataset'
    assert found['dataset']['pipeline'][0] == dict(type='LoadModalities')
    types = [transform['type'] for transform in found['pipeline']]
    assert types == ['RandomCutOut', 'PackMultimodalInputs']


def test_constants_of_the_class_of_a_data_set_are_known(monkeypatch):
    """As the toolbox's guide writes data sets; a config cannot name them then."""

    class Stained(BaseSegDataset):
        METAINFO = dict(classes=('cell', 'wall'))

        def __init__(self, **kwargs):
            suffixes = dict(img_suffix='.bmp', seg_map_suffix='_mask.png')
            super().__init__(**suffixes, reduce_zero_label=True, **kwargs)

    monkeypatch.setitem(MMSEG_DATASETS.module_dict, 'Stained', Stained)
    prefixes = dict(img_path='images', seg_map_path='masks')
    dataset = ConfigDict(type='Stained', data_prefix=prefixes, pipeline=[])
    found = convert_dataset(dataset, ('rgb', 'depth'))
    assert found['modalities']['rgb'] == dict(suffix='.bmp')
    assert found['seg_map_suffix'] == '_mask.png'
    assert found['reduce_zero_label'] is True


def test_a_config_on_data_ignores_their_label_and_trains_beside_their_own(
    tmp_path, monkeypatch
):
    data, new = tmp_path / 'data.py', tmp_path / 'pspnet.py'
    data.write_text(
        f"_base_ = {str(DATASETS / 'mfnet.py')!r}\nwork_dir = 'work_dirs/mine'\n"
        'model = dict(decode_head=dict(head=dict(num_classes=9, ignore_index=65535)))\n'
    )
    arguments = ['', PSPNET, str(new), '--data', str(data)]
    monkeypatch.setattr(sys, 'argv', arguments)
    main()
    cfg = read_config(str(new))
    assert cfg.work_dir == 'work_dirs/mine_pspnet'
    assert cfg.default_hooks.finite.type == 'FiniteLossHook'
    model = cfg.model
    heads = (model.decode_head.head, model.auxiliary_head.head)
    assert [head.ignore_index for head in heads] == [65535] * 2
    assert model.data_preprocessor.seg_pad_val == 65535


def test_sparsity_is_asked_only_of_what_exchanges():
    segformer = 'mmseg::segformer/segformer_mit-b0_8xb1-160k_cityscapes-1024x1024.py'
    for layer_norms in (False, True):
        cfg = converted(segformer, layer_norms=layer_norms)
        hooks = [hook.type for hook in cfg.get('custom_hooks') or []]
        assert ('GammaSparsityHook' in hooks) == layer_norms
        cfg.model.backbone.backbone.init_cfg = None
        assert bool(exchanging_norms(MODELS.build(cfg.model))) == layer_norms


def on_data(name, modalities=None, source=PSPNET):
    data = read_config(str(DATASETS / f'{name}.py'))
    modalities = modalities or [*modalities_of(data)]
    return data, converted(source, modalities, data=data)


@pytest.mark.parametrize(
    ('name', 'classes', 'modalities'),
    [
        ('nyudv2_half', 40, ['rgb', 'depth']),
        ('mfnet', 9, ['rgb', 'thermal']),
        ('deliver', 25, ['rgb', 'depth', 'event', 'lidar']),
        ('synthetic_rgbd', 13, ['rgb', 'depth']),
    ],
)
def test_a_model_is_put_onto_the_data_of_another_config(name, classes, modalities):
    data, cfg = on_data(name)
    assert cfg.model.modalities == modalities
    assert cfg.model.decode_head.head.num_classes == classes
    assert cfg.model.auxiliary_head.head.num_classes == classes
    statistics = cfg.model.data_preprocessor.modalities
    assert statistics.rgb.mean == read_config(PSPNET).model.data_preprocessor.mean
    assert [*statistics] == modalities
    for loader in ('train_dataloader', 'val_dataloader'):
        new, old = cfg[loader].dataset, data[loader].dataset
        assert new.type == old.type
        assert new.pipeline == old.pipeline
    assert cfg.train_dataloader.sampler.type == 'InfiniteSampler'
    assert cfg.train_cfg.type == 'IterBasedTrainLoop'
    MODELS.build(
        {
            **cfg.model,
            'data_preprocessor': None,
            'backbone': dict(
                cfg.model.backbone,
                backbone=dict(cfg.model.backbone.backbone, init_cfg=None),
            ),
        }
    )


@pytest.mark.parametrize(
    'turns', [{}, dict(bgr_to_rgb=False), dict(bgr_to_rgb=True), dict(rgb_to_bgr=True)]
)
def test_a_network_gets_channels_in_the_order_that_it_knows(turns):
    preprocessor = read_config(PSPNET).model.data_preprocessor
    preprocessor.pop('bgr_to_rgb')
    preprocessor.update(turns)
    rgb = convert_preprocessor(preprocessor, ('rgb', 'depth'))['modalities']['rgb']
    assert rgb['bgr_to_rgb'] == MODELS.build(preprocessor).channel_conversion
    assert rgb['mean'] == preprocessor.mean


def test_a_network_that_does_not_normalize_has_channels_all_the_same():
    preprocessor = dict(type='SegDataPreProcessor', size=(8, 8))
    MODELS.build(convert_preprocessor(preprocessor, ('rgb', 'depth')))


def test_rgb_of_more_bits_brings_its_own_statistics():
    data = read_config(str(DATASETS / 'mfnet.py'))
    data.train_dataloader.dataset.modalities = dict(
        rgb=dict(inherit=True, dtype='uint16'), thermal=dict(inherit=True)
    )
    rgb = dict(mean=[3e4, 2e4, 1e4], std=[9e3, 8e3, 7e3])
    data.model = dict(data_preprocessor=dict(modalities=dict(rgb=rgb)))
    source = read_config(PSPNET)
    source.model.data_preprocessor.bgr_to_rgb = False
    cfg = convert_config(source, ['rgb', 'thermal'], data=data)
    assert cfg['model']['data_preprocessor']['modalities']['rgb'] == dict(
        mean=[1e4, 2e4, 3e4], std=[7e3, 8e3, 9e3], bgr_to_rgb=False
    )


def test_some_modalities_of_the_data_may_be_chosen():
    _, cfg = on_data('deliver', ['lidar', 'rgb'])
    assert cfg.model.modalities == ['lidar', 'rgb']
    assert [*cfg.train_dataloader.dataset.modalities] == ['lidar', 'rgb']
    assert len(cfg.model.data_preprocessor.modalities.lidar.mean) == 3
    with pytest.raises(ValueError, match=r"got \['thermal'\]: correct"):
        on_data('deliver', ['rgb', 'thermal'])


def test_nothing_is_measured_on_the_data_of_the_model():
    data = read_config(str(DATASETS / 'mfnet.py'))
    data.pop('test_dataloader')
    cfg = converted(PSPNET, ['rgb', 'thermal'], data=data)
    assert cfg.test_dataloader == cfg.val_dataloader
    assert cfg.test_dataloader.dataset.type == 'MFNetDataset'
    data.pop('val_dataloader')
    cfg = converted(PSPNET, ['rgb', 'thermal'], data=data)
    for part in ('val', 'test'):
        for kind in ('dataloader', 'evaluator', 'cfg'):
            assert cfg[f'{part}_{kind}'] is None


@pytest.mark.parametrize('encodes', [False, True])
def test_versions_of_a_test_are_of_data_that_are_loaded_as_the_toolbox_does(encodes):
    data = read_config(str(DATASETS / 'mfnet.py'))
    data.pop('tta_pipeline')
    if encodes:
        encoding = dict(type='EncodeDepth', modality='thermal', encoding='log')
        data.test_dataloader.dataset.pipeline.insert(1, encoding)
    cfg = converted(PSPNET, ['rgb', 'thermal'], data=data)
    assert ('tta_pipeline' in cfg) != encodes


def on_four_channels(source):
    data = read_config(str(DATASETS / 'mfnet.py'))
    modalities = dict(rgb=dict(inherit=True), bands=dict(channels=4, dtype='uint16'))
    for split in ('train', 'val', 'test'):
        data[f'{split}_dataloader'].dataset.modalities = modalities
    return converted(source, ['rgb', 'bands'], data=data).model


@pytest.mark.parametrize(
    ('source', 'count'),
    [
        (PSPNET, 1),
        ('mmseg::bisenetv1/bisenetv1_r18-d32_4xb4-160k_cityscapes-1024x1024.py', 2),
        ('mmseg::stdc/stdc1_4xb12-80k_cityscapes-512x1024.py', 1),
    ],
)
def test_a_backbone_takes_as_many_channels_as_the_data_have(source, count):
    """BiSeNet and STDC have a backbone within the backbone."""
    model = on_four_channels(source)
    assert model.data_preprocessor.num_channels == 4
    backbone = model.backbone.backbone
    parts = [backbone, backbone.get('backbone_cfg') or {}]
    found = [part['in_channels'] for part in parts if 'in_channels' in part]
    assert found == [4] * count


def test_a_backbone_of_three_channels_alone_is_refused_for_four():
    source = 'mmseg::mobilenet_v2/mobilenet-v2-d8_fcn_4xb2-80k_cityscapes-512x1024.py'
    with pytest.raises(ValueError, match='channels of the data, got MobileNetV2'):
        on_four_channels(source)


def test_modules_of_the_data_are_imported_once_however_they_are_named():
    data = read_config(str(DATASETS / 'nyudv2_half.py'))
    for imports in ('json', ['json'], ['mmseg_cen', 'json']):
        data.custom_imports = dict(imports=imports, allow_failed_imports=False)
        cfg = converted(PSPNET, data=data)
        assert cfg.custom_imports.imports == ['mmseg_cen', 'json']


def test_weights_of_classes_are_those_of_the_data():
    data = read_config(str(DATASETS / 'mfnet.py'))
    data.model = dict(decode_head=dict(loss_decode=dict(class_weight=[1.0] * 9)))
    ocrnet = 'mmseg::ocrnet/ocrnet_hr18_4xb2-40k_cityscapes-512x1024.py'
    cfg = converted(ocrnet, ['rgb', 'thermal'], data=data)
    losses = [head.loss_decode for head in cfg.model.decode_head.head]
    assert [loss.class_weight for loss in losses] == [[1.0] * 9] * 2


@pytest.mark.parametrize('weights', [None, [2.0, 3.0, 4.0]])
def test_heads_of_masks_and_kernels_keep_their_features(weights):
    """As `out_channels`; and masks may be of no class, which has a weight, too."""
    loss = dict(type='mmdet.CrossEntropyLoss', class_weight=[1.0] * 19 + [0.1])
    masks = dict(type='Mask2FormerHead', num_classes=19, out_channels=256)
    kernels = dict(type='KernelUpdateHead', num_classes=19, out_channels=512)
    binary = dict(type='FCNHead', num_classes=2, out_channels=1)
    model = dict(heads=[{**masks, 'loss_cls': loss}, kernels, binary])
    set_classes(model, 3, weights)
    masks, kernels, binary = model['heads']
    assert (masks['num_classes'], masks['out_channels']) == (3, 256)
    assert masks['loss_cls']['class_weight'] == [*(weights or [1.0] * 3), 0.1]
    assert (kernels['num_classes'], kernels['out_channels']) == (3, 512)
    assert binary == dict(type='FCNHead', num_classes=3)


def test_a_head_that_learns_edges_finds_them_in_other_data():
    source = 'mmseg::pidnet/pidnet-s_2xb6-120k_1024x1024-cityscapes.py'
    _, cfg = on_data('mfnet', source=source)
    types = [t.type for t in cfg.train_dataloader.dataset.pipeline]
    assert types[-2:] == ['GenerateEdge', 'PackMultimodalInputs']
    assert 'GenerateEdge' not in [t.type for t in cfg.val_dataloader.dataset.pipeline]


def test_images_of_another_size_are_refused_for_a_backbone_of_one_size():
    beit = dict(type='BEiT', img_size=(64, 64))
    model = dict(backbone=dict(backbone=beit))
    require_size(model, [64, 64])
    require_size(model, None)
    with pytest.raises(ValueError, match=r'\(64, 64\), got \(48, 64\) of the data'):
        require_size(model, (48, 64))
    beit.update(type='SwinTransformer')
    require_size(model, (48, 64))


def test_heads_that_see_labels_are_told_which_are_ignored():
    heads = [dict(type=kind, num_classes=3) for kind in ('FCNHead', 'KernelUpdateHead')]
    model = dict(data_preprocessor={}, heads=heads)
    set_ignored(model, dict(head=dict(num_classes=3, ignore_index=65535)))
    assert [head.get('ignore_index') for head in heads] == [65535, None]
    assert model['data_preprocessor'] == dict(seg_pad_val=65535)


def test_images_are_not_padded_to_the_size_of_the_model_s_own_data():
    data = read_config(str(DATASETS / 'mfnet.py'))
    cfg = converted(PSPNET, ['rgb', 'thermal'], data=data)
    assert cfg.model.data_preprocessor.size == (480, 640)
    pipeline = data.train_dataloader.dataset.pipeline
    pipeline[:] = [t for t in pipeline if t.type != 'RandomCrop']
    cfg = converted(PSPNET, ['rgb', 'thermal'], data=data)
    assert 'size' not in cfg.model.data_preprocessor


def test_a_head_of_borders_keeps_its_two_channels():
    stdc = 'mmseg::stdc/stdc1_4xb12-80k_cityscapes-512x1024.py'
    data = read_config(str(DATASETS / 'mfnet.py'))
    data.model = dict(decode_head=dict(loss_decode=dict(class_weight=[1.0] * 9)))
    cfg = converted(stdc, ['rgb', 'thermal'], data=data)
    heads = {one.head.type: one.head for one in cfg.model.auxiliary_head}
    assert (heads['FCNHead'].num_classes, heads['STDCHead'].num_classes) == (9, 2)
    assert not any('class_weight' in loss for loss in heads['STDCHead'].loss_decode)


def test_data_without_modalities_are_refused():
    with pytest.raises(ValueError, match="the data set 'CityscapesDataset': name one"):
        modalities_of(read_config(PSPNET))
    with pytest.raises(ValueError, match='the data set None'):
        modalities_of(read_config(str(DATASETS / 'multimodal.py')))


@pytest.mark.parametrize(
    ('source', 'message'),
    [
        (
            'mmseg::san/san-vit-b16_coco-stuff164k-640x640.py',
            "CascadeEncoderDecoder, got 'MultimodalEncoderDecoder'",
        ),
        (
            'mmseg::vpd/vpd_sd_4xb8-25k_nyu-480x480.py',
            "CascadeEncoderDecoder, got 'DepthEstimator'",
        ),
    ],
)
def test_what_cannot_be_converted_is_refused_by_name(source, message):
    with pytest.raises(ValueError, match=message):
        converted(source)


@pytest.mark.parametrize(
    'value',
    [
        dict(b=1, a=(2,), c=[dict(type='X', **{'not-a-name': None})]),
        dict(words=['two words'] * 40, numbers=tuple(range(100)), empty=((), [], {})),
        dict(nested=dict(nested=dict(nested=dict(text='x' * 100, f=0.5, n=-1)))),
        {1: 'a', 'class': 'a keyword', 'b c': True},
        {'class': 'a keyword', 'lambda': 2},
    ],
)
def test_text_is_the_value_in_the_same_order(value):
    back = eval(text.text_of(value))
    assert back == value
    assert list(back) == list(value)


@pytest.mark.slow
def test_a_converted_config_trains_on_data_as_it_describes_it(tmp_path, pspnet):
    rng = np.random.default_rng(0)
    for split in ('train', 'val'):
        for name, channels, dtype, suffix in (
            ('leftImg8bit', 3, 'uint8', '_leftImg8bit.png'),
            ('depth', 1, 'uint16', '_depth.png'),
            ('gtFine', 1, 'uint8', '_gtFine_labelTrainIds.png'),
        ):
            folder = tmp_path / name / split
            folder.mkdir(parents=True)
            for i in range(2):
                array = rng.integers(0, 19, (64, 128, channels)).astype(dtype)
                cv2.imwrite(str(folder / f'{i}{suffix}'), array)
    cfg = pspnet.copy()
    cfg.work_dir = str(tmp_path / 'work')
    cfg.model.backbone.backbone.init_cfg = None
    cfg.model.data_preprocessor.size = (64, 64)
    pipelines = [
        cfg.train_dataloader.dataset.pipeline,
        cfg.val_dataloader.dataset.pipeline,
    ]
    for pipeline in pipelines:
        for transform in pipeline:
            if 'scale' in transform:
                transform.scale = (128, 64)
            if 'crop_size' in transform:
                transform.crop_size = (64, 64)
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.dataset.data_root = str(tmp_path)
        loader.update(num_workers=0, persistent_workers=False)
    cfg.test_dataloader = cfg.val_dataloader
    cfg.train_cfg.update(max_iters=2, val_interval=2)
    cfg.default_hooks.logger.interval = 1
    runner = Runner.from_cfg(cfg)
    assert isinstance(runner.model, CENSegmentor)
    runner.train()
    scalars = runner.message_hub.log_scalars
    assert 'train/loss_sparsity' in scalars
    assert {'val/mIoU', 'val/rgb/mIoU', 'val/depth/mIoU'} <= set(scalars)


@pytest.mark.parametrize('reduce_zero_label', [False, True])
def test_chosen_classes_keep_the_labels_of_the_data_set(reduce_zero_label):
    """The toolbox derives the map from its class of the data set."""
    source = read_config(PSPNET)
    dataset = source.val_dataloader.dataset
    dataset.metainfo = dict(classes=('car', 'road'))
    dataset.reduce_zero_label = reduce_zero_label
    expected = MMSEG_DATASETS.build({**dataset, 'lazy_init': True})
    built = convert_dataset(dataset, ('rgb', 'depth'))
    found = MMSEG_DATASETS.build({**built, 'lazy_init': True})
    for key in ('classes', 'palette'):
        assert [*found.metainfo[key]] == [*expected.metainfo[key]]
    first = int(reduce_zero_label)
    labels = {k + first: v for k, v in expected.label_map.items()}
    known = {k: 255 if v is None else v for k, v in found.own_label_map.items()}
    assert known == {**({0: 255} if reduce_zero_label else {}), **labels}
