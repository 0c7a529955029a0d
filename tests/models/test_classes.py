import pytest
from mmseg.models.data_preprocessor import SegDataPreProcessor
from mmseg.registry import MODELS
from torch import nn

from mmseg_cen.models.classes import (
    check_heads,
    check_padding,
    class_heads,
    has_class_weights,
)

CLASSES = ('wall', 'floor', 'chair')


def head(num_classes=3, loss=(), **options):
    """Config of a plain head."""
    return dict(
        type='FCNHead', in_channels=4, channels=4, num_convs=1, concat_input=False,
        num_classes=num_classes,
        loss_decode=dict(type='CrossEntropyLoss', **dict(loss)), **options,
    )  # fmt: skip


def model(auxiliary=None, wrapped=False, **options):
    parts = dict(decode_head=head(**options))
    if auxiliary is not None:
        parts['auxiliary_head'] = auxiliary
    if wrapped:
        parts = {
            name: dict(type='EnsembleHead', head=part, modalities=('rgb', 'depth'))
            for name, part in parts.items()
        }
    return nn.ModuleDict({name: MODELS.build(part) for name, part in parts.items()})


@pytest.mark.parametrize('wrapped', [False, True])
def test_all_heads_must_have_the_classes_of_the_data_set(wrapped):
    check_heads(model(head(), wrapped), CLASSES, 255)
    ending = r'\.head' if wrapped else ''
    for number in (2, 5):
        wrong = model(head(number), wrapped)
        what = (
            rf'data set, 3, got {number} in auxiliary_head{ending}: set num_classes=3'
        )
        with pytest.raises(ValueError, match=what):
            check_heads(wrong, CLASSES, 255)
        with pytest.raises(ValueError, match=f'{number} in decode_head'):
            check_heads(model(wrapped=wrapped, num_classes=number), CLASSES, 255)


def test_each_head_of_a_cascade_is_looked_at():
    second = dict(
        type='OCRHead', in_channels=4, channels=4, ocr_channels=4, num_classes=7
    )
    cascade = dict(type='EnsembleHead', head=[head(), second], modalities=('a', 'b'))
    with pytest.raises(ValueError, match=r'got 7 in head\.1'):
        check_heads(MODELS.build(cascade), CLASSES, 255)


def test_wrappers_of_the_network_do_not_hide_its_heads():
    wrapper = nn.Module()
    wrapper.module = model()
    assert [name for name, _ in class_heads(wrapper)] == ['decode_head']


def test_a_head_that_learns_borders_has_classes_of_its_own():
    border = dict(head(2), type='STDCHead', out_channels=1, threshold=0.3)
    assert [name for name, _ in class_heads(model(border))] == ['decode_head']


@pytest.mark.parametrize(('of_head', 'of_data'), [(255, 65535), (0, 255)])
def test_heads_must_ignore_what_the_data_set_ignores(of_head, of_data):
    with pytest.raises(ValueError, match=f'{of_data}, got {of_head} in decode_head'):
        check_heads(model(ignore_index=of_head), CLASSES, of_data)
    check_heads(model(ignore_index=of_data), CLASSES, of_data)
    check_heads(model(ignore_index=None), CLASSES, of_data)


def test_one_channel_tells_two_classes_apart_by_a_sigmoid():
    one = dict(num_classes=2, out_channels=1, threshold=0.5)
    check_heads(model(loss=dict(use_sigmoid=True), **one), CLASSES[:2], 255)
    with pytest.raises(ValueError, match='use_sigmoid'):
        check_heads(model(**one), CLASSES[:2], 255)
    with pytest.raises(ValueError, match='`out_channels` of decode_head must be 3'):
        check_heads(model(**{**one, 'num_classes': 3}), CLASSES, 255)


def test_classes_have_a_weight_each():
    check_heads(model(loss=dict(class_weight=[1, 2, 3])), CLASSES, 255)
    with pytest.raises(ValueError, match='each of its 3 channels, got 2'):
        check_heads(model(loss=dict(class_weight=[1, 2])), CLASSES, 255)
    one = dict(num_classes=2, out_channels=1, threshold=0.5)
    loss = dict(use_sigmoid=True, class_weight=[1, 2])
    with pytest.raises(ValueError, match=r'1 channels .*second class'):
        check_heads(model(loss=loss, **one), CLASSES[:2], 255)
    assert has_class_weights(model(loss=dict(class_weight=[1, 2, 3])))
    assert not has_class_weights(model())


def test_a_loss_that_ignores_by_itself_must_agree():
    hard = dict(type='OhemCrossEntropy')
    heads = nn.ModuleDict(
        {'decode_head': MODELS.build(head() | dict(loss_decode=hard))}
    )
    check_heads(heads, CLASSES, 255)
    heads.decode_head.ignore_index = 254
    with pytest.raises(ValueError, match=r'`ignore_label` .*, 254, got 255'):
        check_heads(heads, CLASSES, 254)


@pytest.mark.parametrize(
    ('loss', 'of_data', 'what'),
    [
        (
            dict(type='TverskyLoss'),
            65535,
            'of the TverskyLoss .*got 255',
        ),
        (dict(type='TverskyLoss', ignore_index=65535), 65535, None),
        (dict(type='DiceLoss'), 65535, None),
        (dict(type='DiceLoss', ignore_index=0), 255, None),  # without the background
        (dict(type='DiceLoss'), -1, 'must not be negative beside the DiceLoss'),
    ],
)
def test_losses_must_leave_out_what_the_data_set_ignores(loss, of_data, what):
    heads = nn.ModuleDict({'decode_head': MODELS.build(head(ignore_index=of_data))})
    heads.decode_head.loss_decode = MODELS.build(loss)
    if what is None:
        check_heads(heads, CLASSES, of_data)
        return
    with pytest.raises(ValueError, match=what):
        check_heads(heads, CLASSES, of_data)


@pytest.mark.parametrize(('value', 'fits'), [(255, False), (65535, True), (0, True)])
def test_labels_are_padded_with_the_ignored_one_or_a_class(value, fits):
    network = nn.Sequential(SegDataPreProcessor(seg_pad_val=value), nn.Identity())
    if fits:
        check_padding(network, 3, 65535)
        return
    with pytest.raises(ValueError, match=r'`seg_pad_val` .*65535, got 255'):
        check_padding(network, 3, 65535)


def test_a_model_without_heads_passes():
    check_heads(nn.Linear(1, 1), CLASSES, 255)
