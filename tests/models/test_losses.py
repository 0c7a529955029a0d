import pytest
import torch
from mmseg.models.losses import CrossEntropyLoss as CrossEntropyLossOfMMSeg
from mmseg.registry import MODELS
from torch.nn import functional as F

from mmseg_cen.models.losses import CrossEntropyLoss

WEIGHTS = [0.3, 2.0, 1.1]


def drawn(void=True):
    logits = torch.randn(2, 3, 5, 7)
    labels = torch.randint(3, (2, 5, 7))
    if void:
        labels[:, :2] = 255
    return logits, labels


def test_configs_find_it_under_the_toolboxs_name():
    loss = MODELS.build(dict(type='CrossEntropyLoss', class_weight=WEIGHTS))
    assert isinstance(loss, CrossEntropyLoss)


@pytest.mark.parametrize('avg_non_ignore', [False, True])
@pytest.mark.parametrize('reduction', ['mean', 'sum', 'none'])
@pytest.mark.parametrize('weights', [None, WEIGHTS])
def test_without_void_it_is_the_toolboxs_bit_by_bit(avg_non_ignore, reduction, weights):
    options = dict(
        avg_non_ignore=avg_non_ignore, reduction=reduction, class_weight=weights
    )
    logits, labels = drawn(void=False)
    expected = CrossEntropyLossOfMMSeg(**options)(logits, labels, ignore_index=255)
    assert CrossEntropyLoss(**options)(logits, labels, ignore_index=255).equal(expected)


def test_weights_bear_void_and_give_the_mean_of_torch():
    logits, labels = drawn()
    loss = CrossEntropyLoss(class_weight=WEIGHTS, avg_non_ignore=True, loss_weight=3)
    expected = F.cross_entropy(
        logits, labels, logits.new_tensor(WEIGHTS), ignore_index=255
    )
    found = loss(logits, labels, ignore_index=255)
    torch.testing.assert_close(found, 3 * expected)


@pytest.mark.parametrize('ignore_index', [255, -1, 65535])
@pytest.mark.parametrize('avg_non_ignore', [False, True])
@pytest.mark.parametrize('use_sigmoid', [False, True])
def test_weights_of_one_change_nothing(ignore_index, avg_non_ignore, use_sigmoid):
    options = dict(avg_non_ignore=avg_non_ignore, use_sigmoid=use_sigmoid)
    logits, labels = drawn()
    labels[labels == 255] = ignore_index
    plain = CrossEntropyLoss(**options)
    weighted = CrossEntropyLoss(class_weight=[1.0] * 3, **options)
    torch.testing.assert_close(
        weighted(logits, labels, ignore_index=ignore_index),
        plain(logits, labels, ignore_index=ignore_index),
    )


def test_weights_of_sigmoids_are_of_channels():
    logits, labels = drawn(void=False)
    loss = CrossEntropyLoss(class_weight=WEIGHTS, use_sigmoid=True)
    targets = F.one_hot(labels, 3).permute(0, 3, 1, 2).float()
    weights = torch.tensor(WEIGHTS)[:, None, None]
    expected = F.binary_cross_entropy_with_logits(logits, targets, pos_weight=weights)
    torch.testing.assert_close(loss(logits, labels, ignore_index=255), expected)
