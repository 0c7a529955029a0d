import math

import torch

from mmseg_cen.metrics.agreement import compare_streams, shares_of

LABEL = torch.tensor([[0, 1, 2, 255]])


def streams(**classes):
    return {name: torch.tensor([values]) for name, values in classes.items()}


def test_pixels_of_one_class_in_two_streams_are_counted_where_there_are_labels():
    found = compare_streams(streams(rgb=[0, 2, 0, 1], depth=[0, 1, 0, 1]), LABEL, 255)
    assert found == {'oracle': (2, 3), 'agreement/rgb+depth': (2, 3)}


def test_of_three_streams_each_pair_and_all_are_compared():
    three = streams(rgb=[0, 1, 1, 0], depth=[0, 1, 0, 0], thermal=[0, 2, 0, 0])
    found = compare_streams(three, LABEL, 255)
    assert found == {
        'oracle': (2, 3),
        'agreement/rgb+depth': (2, 3),
        'agreement/rgb+thermal': (1, 3),
        'agreement/depth+thermal': (2, 3),
        'agreement/rgb+depth+thermal': (1, 3),
    }
    without = compare_streams({k: three[k] for k in ('rgb', 'depth')}, LABEL, 255)
    shares = shares_of([found, without])
    assert [*shares][:2] == ['agreement', 'oracle']
    assert shares['agreement'] == 33.33, 'over the images that have all streams'
    assert shares['agreement/rgb+depth'] == 66.67
    assert len(shares) == 5


def test_what_no_image_has_all_streams_of_has_no_agreement_of_all():
    three = streams(rgb=[0, 1, 1, 0], depth=[0, 1, 0, 0], thermal=[0, 2, 0, 0])
    pairs = (('rgb', 'depth'), ('rgb', 'thermal'))
    found = [compare_streams({k: three[k] for k in p}, LABEL, 255) for p in pairs]
    assert shares_of(found) == {
        'oracle': 66.67,
        'agreement/rgb+depth': 66.67,
        'agreement/rgb+thermal': 33.33,
    }


def test_one_stream_has_nobody_to_agree_with():
    assert compare_streams(streams(rgb=[0, 1, 2, 0]), LABEL, 255) == {}
    assert shares_of([{}, {}]) == {}


def test_images_without_labels_have_no_share():
    empty = torch.full_like(LABEL, 255)
    found = compare_streams(streams(a=[0, 1, 2, 0], b=[0, 1, 2, 0]), empty, 255)
    assert all(math.isnan(share) for share in shares_of([found]).values())
