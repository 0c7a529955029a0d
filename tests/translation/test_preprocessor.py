import pytest
import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS

from mmseg_cen.translation import TranslationDataSample, TranslationPreprocessor

CHANNELS = dict(depth=1, normal=3, flow=2)


def batch(channels=CHANNELS, sizes=((8, 10),) * 2):
    """Random sources and targets of ``sizes``, as a data loader collates them."""
    data = dict(inputs=[], data_samples=[])
    for size in sizes:
        data['inputs'].append(torch.rand(sum(channels.values()), *size) * 2 - 1)
        data['data_samples'].append(
            TranslationDataSample(
                gt_image=PixelData(data=torch.rand(3, *size)),
                metainfo=dict(sources=dict(channels), target='rgb'),
            )
        )
    return data


@pytest.mark.parametrize('num_channels', [None, 3, 4])
@pytest.mark.parametrize('sources', [tuple(CHANNELS), CHANNELS])
def test_every_stream_is_its_source_repeated(sources, num_channels):
    data = batch()
    preprocessor = TranslationPreprocessor(sources, num_channels)
    out = preprocessor(dict(data))['inputs']
    C = num_channels or 6
    assert out.shape == (2, 3 * C, 8, 10)
    for image, packed in zip(data['inputs'], out, strict=True):
        parts = image.split(list(CHANNELS.values()))
        for stream, part in zip(packed.split(C), parts, strict=True):
            assert torch.equal(stream, part.repeat(C, 1, 1)[:C])


def test_targets_pass_unchanged():
    data = batch()
    out = TranslationPreprocessor(CHANNELS)(dict(data), training=True)
    for got, expected in zip(out['data_samples'], data['data_samples'], strict=True):
        assert torch.equal(got.gt_image.data, expected.gt_image.data)


def test_stacked_inputs_and_lists_are_alike():
    data = batch()
    preprocessor = TranslationPreprocessor(CHANNELS)
    stacked = dict(data, inputs=torch.stack(data['inputs']))
    assert torch.equal(preprocessor(stacked)['inputs'], preprocessor(data)['inputs'])


def test_inputs_alone_need_the_channels_in_the_config():
    data = dict(inputs=batch()['inputs'])
    assert TranslationPreprocessor(CHANNELS)(dict(data))['data_samples'] is None
    with pytest.raises(ValueError, match='`sources` must be a dict'):
        TranslationPreprocessor(tuple(CHANNELS))(dict(data))


def test_batches_follow_the_device_of_the_preprocessor():
    out = TranslationPreprocessor(CHANNELS).to('meta')(batch())
    assert out['inputs'].device.type == 'meta'
    assert out['data_samples'][0].gt_image.data.device.type == 'meta'


def test_double_precision_stays():
    images = torch.rand(2, 4, 8, 8, dtype=torch.float64)
    out = TranslationPreprocessor(dict(depth=1, normal=3))(dict(inputs=images))
    assert torch.equal(out['inputs'][:, 3:], images[:, 1:])


def test_it_is_built_from_a_config():
    built = MODELS.build(dict(type='TranslationPreprocessor', sources=['depth']))
    assert built.sources == ('depth',)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(sources='depth'), 'list of names'),
        (dict(sources=()), 'at least one'),
        (dict(sources=('depth', 'depth')), 'must differ'),
        (dict(sources=('a b',)), 'identifier'),
        (dict(sources=dict(depth=0)), 'positive'),
        (dict(sources=('depth',), num_channels=-3), 'positive'),
        (dict(sources=dict(normal=3), num_channels=2), 'at least the channels'),
    ],
)
def test_arguments_without_meaning_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        TranslationPreprocessor(**arguments)


@pytest.mark.parametrize(
    ('sources', 'data', 'message'),
    [
        (('depth', 'rgb'), batch(dict(depth=1, normal=3)), 'must be the sources'),
        (('normal', 'depth'), batch(dict(depth=1, normal=3)), 'must be the sources'),
        (dict(depth=3), batch(dict(depth=1)), 'must be the sources'),
        (('depth',), batch(dict(depth=1), [(8, 8), (8, 9)]), 'one size'),
        (
            ('depth',),
            batch(dict(depth=1)) | dict(inputs=torch.ones(2, 2, 8, 8)),
            'side',
        ),
    ],
)
def test_samples_that_do_not_fit_are_refused(sources, data, message):
    with pytest.raises(ValueError, match=message):
        TranslationPreprocessor(sources)(data)
