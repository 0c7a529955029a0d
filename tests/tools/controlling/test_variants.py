import pytest
from controlling.variants import one_stream, replaced, replacements, two_streams
from mmengine.config import Config
from mmseg.registry import DATASETS, MODELS

CONTROLS = {c.name: c for c in replacements('depth', 'rgb', [4, -8])}


def types(pipeline):
    return [transform['type'] for transform in pipeline]


def test_the_controls_are_those_of_the_options():
    assert [*CONTROLS] == ['real', 'copy', 'noise', 'other', 'shift_4', 'shift_-8']


def test_titles_name_all_modalities_that_the_network_gets():
    names = ('rgb', 'depth', 'event', 'lidar')
    titles = [c.title for c in replacements('event', 'rgb', [4], names)]
    assert titles == [
        'rgb, depth, lidar and event, as they are',
        'rgb twice, depth, lidar',
        'rgb, depth, lidar and noise',
        "rgb, depth, lidar and another image's event",
        'rgb, depth, lidar and event, shifted by 4 pixels',
    ]
    assert CONTROLS['copy'].title == 'rgb twice'


def test_the_real_data_are_as_they_were(demo):
    assert (
        replaced(demo, CONTROLS['real'], 'depth', 'rgb', 0).to_dict() == demo.to_dict()
    )


@pytest.mark.parametrize('name', ['copy', 'noise', 'other', 'shift_4'])
def test_the_modality_is_replaced_behind_the_loading_of_all_data(demo, name):
    cfg = replaced(demo, CONTROLS[name], 'depth', 'rgb', 3)
    for split, at in (('train', 1), ('val', 1), ('test', 1)):
        pipeline = cfg[f'{split}_dataloader'].dataset.pipeline
        before = demo[f'{split}_dataloader'].dataset.pipeline
        assert types(pipeline) == [
            *types(before)[:at], 'ReplaceModality', *types(before)[at:]
        ]  # fmt: skip
        anew = split == 'train' and name == 'noise'
        assert pipeline[1]['seed'] == (None if anew else 3)
        assert pipeline[1]['how'] == name.partition('_')[0]
    assert cfg.tta_pipeline[1]['type'] == 'ReplaceModality'


def test_encoded_depth_is_replaced_behind_the_encoding_and_within_wrappers():
    cfg = Config.fromfile('configs/cen/pspnet_r18_nyud_half.py')
    dataset = cfg.train_dataloader.dataset
    dataset.pipeline.insert(2, dict(type='EncodeDepth', encoding='inverse'))
    cfg.train_dataloader.dataset = dict(type='RepeatDataset', times=2, dataset=dataset)
    cfg = replaced(cfg, CONTROLS['other'], 'depth', 'rgb', 0)
    found = types(cfg.train_dataloader.dataset.dataset.pipeline)
    assert found[:4] == [
        'LoadModalities', 'LoadAnnotations', 'EncodeDepth', 'ReplaceModality'
    ]  # fmt: skip
    assert types(cfg.val_dataloader.dataset.pipeline)[1] == 'ReplaceModality'


def test_a_pipeline_that_loads_otherwise_is_refused(demo):
    demo.val_dataloader.dataset.pipeline[0].type = 'LoadImageFromFile'
    with pytest.raises(ValueError, match='put ReplaceModality into it yourself'):
        replaced(demo, CONTROLS['copy'], 'depth', 'rgb', 0)


def test_one_stream_is_the_unimodal_twin(demo):
    twin = Config.fromfile('configs/demo/rgb_synthetic.py')
    single = one_stream(demo, 'rgb')
    built, expected = (
        {k: v.shape for k, v in MODELS.build(cfg.model).state_dict().items()}
        for cfg in (single, twin)
    )
    assert built == expected
    assert single.custom_hooks == []
    assert single.val_dataloader.dataset.modalities == ('rgb',)


def test_one_stream_of_a_fusion_that_merges_is_unimodal():
    cfg = Config.fromfile('configs/demo/fusion_common_synthetic.py')
    model = MODELS.build(one_stream(cfg, 'depth').model)
    assert model.modalities == ('depth',)
    assert model.backbone.fusions is None
    assert model.data_preprocessor.num_channels == 3


def test_networks_of_one_modality_have_no_controls(demo):
    assert two_streams(demo) == ('rgb', 'depth')
    with pytest.raises(ValueError, match=r"got \('rgb',\)"):
        two_streams(Config.fromfile('configs/demo/rgb_synthetic.py'))
    demo.model.type = 'EncoderDecoder'
    with pytest.raises(ValueError, match="must be 'CENSegmentor'"):
        two_streams(demo)


def test_one_stream_has_nothing_that_is_of_the_other(demo):
    demo.model.subset_distillation = dict(weight=1.0)
    demo.model.backbone.lora = dict(rank=2)
    dataset = demo.train_dataloader.dataset
    dataset.data_prefix = dict(rgb='a', depth='b', seg_map_path='c')
    dataset.pipeline[1:1] = [
        dict(type='CorruptModalities', how='zero', amount=0.5, modalities=['depth']),
        dict(type='CorruptModalities', how='gaussian', amount=0.1),
        dict(
            type='CorruptModalities', how='zero', amount=1, modalities=['depth', 'rgb']
        ),
    ]
    single = one_stream(demo, 'rgb')
    assert 'subset_distillation' not in single.model
    assert 'lora' not in single.model.backbone
    left = single.train_dataloader.dataset
    assert left.data_prefix == dict(rgb='a', seg_map_path='c')
    assert [t.get('modalities') for t in left.pipeline[1:3]] == [None, ['rgb']]
    assert left.pipeline[1].how == 'gaussian'


def test_one_stream_other_than_rgb_has_no_transforms_of_colors(demo):
    colors = dict(type='PhotoMetricDistortion')
    demo.train_dataloader.dataset.pipeline.insert(1, colors)
    kept = types(one_stream(demo, 'rgb').train_dataloader.dataset.pipeline)
    assert 'PhotoMetricDistortion' in kept
    left = types(one_stream(demo, 'depth').train_dataloader.dataset.pipeline)
    assert left == [kind for kind in kept if kind != 'PhotoMetricDistortion']


def test_one_stream_has_the_channels_of_the_whole_network(demo):
    demo.model.modalities = ('rgb', 'spectrum')
    demo.model.data_preprocessor.modalities.spectrum = dict(channels=6)
    demo.model.backbone = dict(
        type='CENBackbone', backbone=dict(type='ResNet', depth=18, in_channels=6)
    )
    assert one_stream(demo, 'rgb').model.data_preprocessor.num_channels == 6


def test_one_stream_of_folders_loads_its_files(folders):
    cfg = Config(
        dict(
            model=Config.fromfile('configs/demo/cen_synthetic.py').model,
            train_dataloader=dict(dataset=folders),
        )
    )
    single = one_stream(cfg, 'depth')
    dataset = DATASETS.build(single.train_dataloader.dataset)
    assert dataset[0]['inputs'].shape[0] == 1
