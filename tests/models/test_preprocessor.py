import copy
import math
from unittest import mock

import pytest
import torch
import torch.nn.functional as F
from mmengine.structures import PixelData
from mmseg.models.data_preprocessor import SegDataPreProcessor
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from mmseg_cen.corruptions import Corruption
from mmseg_cen.models.preprocessor import MultimodalPreprocessor

RGB = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])
MODALITIES = dict(
    depth=dict(mean=[2.0], std=[1.5]),
    rgb=dict(**RGB, bgr_to_rgb=True),
    flow=dict(mean=[0.5, -0.5], std=[2.0, 3.0]),
    nir=dict(mean=[1.0, 2.0, 3.0, 4.0], std=[5.0, 6.0, 7.0, 8.0]),
)


def batch(channels, sizes=((8, 10),) * 2, metainfo=True):
    """Random inputs and labels of ``sizes``, as a data loader collates them."""
    torch.manual_seed(0)
    data = dict(inputs=[], data_samples=[])
    for size in sizes:
        sample = SegDataSample(gt_sem_seg=PixelData(data=torch.ones(1, *size).long()))
        if metainfo:
            sample.set_metainfo(dict(modalities=channels))
        data['inputs'].append(torch.rand(sum(channels.values()), *size) * 255)
        data['data_samples'].append(sample)
    return data


@pytest.mark.parametrize('training', [True, False])
@pytest.mark.parametrize('bgr_to_rgb', [True, False])
def test_rgb_alone_is_treated_as_by_the_parent(training, bgr_to_rgb):
    common = dict(size=(16, 16), test_cfg=dict(size_divisor=32), seg_pad_val=254)
    parent = SegDataPreProcessor(**RGB, **common, bgr_to_rgb=bgr_to_rgb)
    ours = MultimodalPreprocessor(
        dict(rgb=dict(**RGB, bgr_to_rgb=bgr_to_rgb)), **common
    )
    got = ours(batch(dict(rgb=3)), training)
    expected = parent(batch(dict(rgb=3)), training)
    assert torch.equal(got['inputs'], expected['inputs'])
    for a, b in zip(got['data_samples'], expected['data_samples'], strict=True):
        assert torch.equal(a.gt_sem_seg.data, b.gt_sem_seg.data)
        assert a.metainfo == b.metainfo | dict(modalities=dict(rgb=3), streams=('rgb',))


@pytest.mark.parametrize('num_channels', [None, 4, 5])
@pytest.mark.parametrize(
    'names', [['depth'], ['rgb', 'depth'], ['flow', 'rgb'], list(MODALITIES)]
)
def test_every_stream_is_its_modality_normalized_and_repeated(names, num_channels):
    config = {name: MODALITIES[name] for name in names}
    channels = {name: len(config[name]['mean']) for name in names}
    data = batch(channels)
    preprocessor = MultimodalPreprocessor(config, num_channels)
    out = preprocessor({k: list(v) for k, v in data.items()})['inputs']

    C = num_channels or math.lcm(*channels.values())
    assert preprocessor.num_channels == C
    assert out.shape == (2, len(names) * C, 8, 10)
    packed = torch.stack(data['inputs']).split(list(channels.values()), dim=1)
    for name, x, stream in zip(names, packed, out.split(C, dim=1), strict=True):
        if name == 'rgb':
            x = x.flip(1)
        mean = torch.tensor(config[name]['mean']).view(-1, 1, 1)
        std = torch.tensor(config[name]['std']).view(-1, 1, 1)
        repeated = torch.cat([(x - mean) / std] * C, dim=1)[:, :C]
        assert torch.equal(stream, repeated)


def test_rgb_with_one_channel_modalities_gives_three_channels_per_stream():
    config = dict(rgb=RGB, depth=dict(channels=1), thermal=dict(channels=1))
    assert MultimodalPreprocessor(config).num_channels == 3


def test_a_modality_without_mean_and_std_keeps_its_values():
    data = batch(dict(depth=1))
    out = MultimodalPreprocessor(dict(depth=dict(channels=1)))(data)['inputs']
    assert torch.equal(out, torch.stack(data['inputs']))


def test_only_rgb_is_turned_from_bgr_unless_told_otherwise():
    data = batch(dict(rgb=3, hha=3))
    x = torch.stack(data['inputs'])
    default = dict(rgb=dict(channels=3), hha=dict(channels=3))
    out = MultimodalPreprocessor(default)(dict(data))['inputs']
    assert torch.equal(out, x[:, [2, 1, 0, 3, 4, 5]])
    turned = dict(
        rgb=dict(channels=3, bgr_to_rgb=False), hha=dict(channels=3, bgr_to_rgb=True)
    )
    out = MultimodalPreprocessor(turned)(dict(data))['inputs']
    assert torch.equal(out, x[:, [0, 1, 2, 5, 4, 3]])


def test_padding_is_zero_after_normalization_and_ignored_in_the_labels():
    config = {name: MODALITIES[name] for name in ('rgb', 'depth')}
    preprocessor = MultimodalPreprocessor(config, size_divisor=8)
    data = batch(dict(rgb=3, depth=1), sizes=((8, 10), (6, 16)))
    out = preprocessor(data, training=True)
    assert out['inputs'].shape == (2, 6, 8, 16)
    assert (out['inputs'][0, :, :, 10:] == 0).all()
    assert (out['inputs'][1, :, 6:] == 0).all()
    labels = [sample.gt_sem_seg.data for sample in out['data_samples']]
    assert torch.equal(labels[0], F.pad(torch.ones(1, 8, 10).long(), (0, 6), value=255))
    assert torch.equal(
        labels[1], F.pad(torch.ones(1, 6, 16).long(), (0, 0, 0, 2), value=255)
    )


def test_a_sample_is_corrupted_alike_in_any_batch_and_padding_stays_zero():
    config = {name: MODALITIES[name] for name in ('rgb', 'depth')}
    marks = (
        Corruption('rgb', 'salt_and_pepper', 0.3),
        Corruption('rgb', 'gaussian', 0.5),
        Corruption('depth', 'noise'),
    )
    data = batch(dict(rgb=3, depth=1), sizes=((8, 10), (6, 16), (8, 10)))
    for i, sample in enumerate(data['data_samples']):
        sample.set_metainfo(dict(img_path=f'{i}.png', corruptions=marks[: 3 * (i < 2)]))
    preprocessor = MultimodalPreprocessor(config, size_divisor=8)
    inputs = preprocessor(copy.deepcopy(data), training=True)['inputs']
    assert (inputs[0, :, :, 10:] == 0).all()
    assert (inputs[1, :, 6:] == 0).all()
    for i, (height, width) in enumerate(((8, 10), (6, 16), (8, 10))):
        alone = {key: [value[i]] for key, value in data.items()}
        found = preprocessor(alone)['inputs'][0]
        assert torch.equal(inputs[i, :, :height, :width], found)
    clean = {'inputs': data['inputs'][:1], 'data_samples': None}
    assert not torch.equal(preprocessor(clean)['inputs'][0], inputs[0, :, :, :10])


def test_what_a_sample_lacks_cannot_be_corrupted():
    config = {name: MODALITIES[name] for name in ('rgb', 'depth')}
    data = batch(dict(rgb=3, depth=1))
    marks = (Corruption('depth', 'noise'), Corruption('depth', 'gaussian', 1.0))
    for sample in data['data_samples']:
        sample.set_metainfo(dict(corruptions=marks, absent=('depth',)))
    inputs = MultimodalPreprocessor(config)(data)['inputs']
    assert not inputs[:, 3:].any()
    assert inputs[:, :3].all()


@pytest.mark.parametrize('test_cfg', [None, dict(size_divisor=16)])
def test_a_test_batch_of_two_sizes_is_refused_with_the_option_to_set(test_cfg):
    preprocessor = MultimodalPreprocessor(dict(rgb=RGB), test_cfg=test_cfg)
    data = batch(dict(rgb=3), sizes=((8, 10), (8, 12)))
    with pytest.raises(
        ValueError, match=r'got \[\(8, 10\), \(8, 12\)\]: set batch_size'
    ):
        preprocessor(data)
    assert preprocessor(data, training=True)['inputs'].shape == (2, 3, 8, 12)


def test_padding_in_the_test_is_that_of_test_cfg():
    config = dict(depth=dict(channels=1))
    padded = MultimodalPreprocessor(config, test_cfg=dict(size_divisor=16))
    out = padded(batch(dict(depth=1)))
    assert out['inputs'].shape == (2, 1, 16, 16)
    assert out['data_samples'][0].img_padding_size == (0, 6, 0, 8)
    assert MultimodalPreprocessor(config)(batch(dict(depth=1)))['inputs'].shape == (
        2, 1, 8, 10,
    )  # fmt: skip


def test_batches_without_samples_or_collated_to_a_tensor_are_taken():
    preprocessor = MultimodalPreprocessor(dict(rgb=RGB))
    data = batch(dict(rgb=3), metainfo=False)
    expected = preprocessor(data)['inputs']
    stacked = torch.stack(data['inputs'])
    assert torch.equal(preprocessor(dict(inputs=stacked))['inputs'], expected)
    integers = dict(inputs=stacked.byte())
    assert preprocessor(integers)['inputs'].dtype == torch.float32


def test_it_has_no_entry_in_checkpoints():
    assert not MultimodalPreprocessor(MODALITIES).state_dict()


def test_it_is_built_by_the_registry():
    config = dict(type='MultimodalPreprocessor', modalities=dict(rgb=RGB))
    assert type(MODELS.build(config)) is MultimodalPreprocessor


@pytest.mark.parametrize('order', [None, ('depth', 'rgb')])
def test_the_modalities_of_the_data_are_matched_by_name(order):
    """Samples of one batch may be packed in different orders."""
    options = dict(rgb=RGB, depth=dict(mean=[2.0], std=[1.5]))
    preprocessor = MultimodalPreprocessor(options, order=order)
    one, other = batch(dict(rgb=3, depth=1)), batch(dict(depth=1, rgb=3))
    other['inputs'] = [torch.cat([x[3:], x[:3]]) for x in one['inputs']]
    mixed = {key: [one[key][0], other[key][1]] for key in one}
    expected, got = preprocessor(one), preprocessor(mixed)
    assert torch.equal(got['inputs'], expected['inputs'])
    rgb = 0 if order is None else 3
    depth = expected['inputs'][:, 3 - rgb : 6 - rgb]
    assert torch.equal(depth[:, :1].expand_as(depth), depth), 'depth, three times'
    streams = {sample.streams for sample in got['data_samples']}
    assert streams == {order or ('rgb', 'depth')}


def test_the_order_selects_modalities():
    preprocessor = MultimodalPreprocessor(MODALITIES, order=('nir', 'depth'))
    alone = MultimodalPreprocessor(
        {name: MODALITIES[name] for name in ('nir', 'depth')}
    )
    channels = dict(nir=4, depth=1)
    got, expected = preprocessor(batch(channels)), alone(batch(channels))
    assert torch.equal(got['inputs'], expected['inputs'])


def test_an_order_that_is_not_said_is_logged():
    order = ('rgb', 'depth')
    options = dict(rgb=RGB, depth=dict(channels=1))
    with mock.patch('mmseg_cen.models.preprocessor.print_log') as log:
        MultimodalPreprocessor(options, order=order)
        MultimodalPreprocessor(dict(rgb=RGB))
        log.assert_not_called()
        MultimodalPreprocessor(options)
    assert f'order={order}' in log.call_args[0][0]


@pytest.mark.parametrize('order', [(), ('rgb', 'rgb'), 'rgb'])
def test_an_order_is_of_distinct_names(order):
    with pytest.raises(ValueError, match='must be distinct names'):
        MultimodalPreprocessor(dict(rgb=RGB), order=order)


def test_an_order_of_other_names_is_refused():
    with pytest.raises(ValueError, match='`order` must hold names'):
        MultimodalPreprocessor(dict(rgb=RGB), order=('rgb', 'depth'))


@pytest.mark.parametrize('found', [dict(rgb=3), dict(rgb=3, depth=2), dict(rgb=3, d=1)])
def test_other_modalities_in_the_data_are_an_error(found):
    preprocessor = MultimodalPreprocessor(dict(rgb=RGB, depth=dict(channels=1)))
    with pytest.raises(
        ValueError, match=r"the modalities of the data.*'depth': 1\}, got"
    ):
        preprocessor(batch(found))


def test_another_number_of_input_channels_is_an_error():
    preprocessor = MultimodalPreprocessor(dict(rgb=RGB, depth=dict(channels=1)))
    with pytest.raises(ValueError, match=r'side by side, got shape \(3, 8, 10\)'):
        preprocessor(batch(dict(rgb=3), metainfo=False))


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        ({}, 'at least one modality'),
        (dict(img=dict(channels=1)), 'name of a modality'),
        (dict(depth=dict(channels=1, means=[0])), r"got \['means'\]"),
        (('rgb', 'depth'), "must be a dict of the options .* got \\('rgb', 'depth'\\)"),
        (dict(depth=dict(mean=2.5, std=1.5)), '`mean` .*depth.* must be a list'),
        (dict(depth=dict(mean=[0.0])), 'both `mean` and `std`'),
        (dict(depth={}), 'or `channels`'),
        (dict(depth=dict(mean=[0.0], std=[1.0, 1.0])), 'one `mean` and `std` per'),
        (dict(depth=dict(mean=[0.0], std=[1.0], channels=2)), 'one `mean` and `std`'),
        (dict(depth=dict(mean=[0.0], std=[0.0])), 'must be positive'),
        (dict(depth=dict(channels=1, bgr_to_rgb=True)), 'must have 3 channels'),
    ],
)
def test_options_without_meaning_are_refused(config, message):
    with pytest.raises(ValueError, match=message):
        MultimodalPreprocessor(config)


def test_arguments_that_belong_to_one_modality_are_refused_for_all():
    with pytest.raises(ValueError, match=r"\['bgr_to_rgb', 'mean'\] must be given for"):
        MultimodalPreprocessor(dict(rgb=RGB), mean=[0.0], bgr_to_rgb=True)


def test_streams_cannot_have_fewer_channels_than_a_modality():
    with pytest.raises(
        ValueError, match='must be at least the channels of each modality'
    ):
        MultimodalPreprocessor(dict(rgb=RGB), num_channels=2)


def test_an_absent_modality_is_its_mean():
    modalities = dict(rgb=RGB, depth=dict(mean=[3.0], std=[2.0]))
    data = batch(dict(rgb=3, depth=1))
    data['data_samples'][0].set_metainfo(dict(absent=('depth',)))
    preprocessor = MultimodalPreprocessor(modalities)
    inputs = preprocessor(data)['inputs']
    assert (inputs[0, 3:] == 0).all()
    assert (inputs[0, :3] != 0).any()
    assert (inputs[1:, 3:] != 0).any()
