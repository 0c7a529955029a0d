"""A network that is asked with other thresholds, modalities and files."""

import numpy as np
import pytest
from exploring.explorer import Explorer, given_of, write_files

from mmseg_cen.inference import KINDS, MultimodalInferencer
from mmseg_cen.inference.samples import Given
from mmseg_cen.streams.exchange import exchanged_channels, own_part


def scores(view):
    return view.prediction.sample.seg_logits.data.numpy()


@pytest.mark.parametrize('threshold', [0, 0.04])
def test_a_threshold_is_that_of_a_network_trained_with_it(
    explorer, samples, narrow_config, checkpoint, threshold
):
    options = {'model.backbone.exchange_threshold': threshold}
    other = Explorer(str(narrow_config), checkpoint, 'cpu', options)
    assert other.threshold == threshold
    expected = scores(other.predict(samples[0].given))
    usual = scores(explorer.predict(samples[0].given))
    found = scores(explorer.predict(samples[0].given, threshold=threshold))
    np.testing.assert_array_equal(found, expected)
    assert not np.array_equal(found, usual)
    np.testing.assert_array_equal(scores(explorer.predict(samples[0].given)), usual)


def test_a_modality_that_is_off_is_absent(explorer, samples, narrow_config, checkpoint):
    inferencer = MultimodalInferencer(
        str(narrow_config), checkpoint, 'cpu', absent=['rgb'], show_progress=False
    )
    depth = dict(depth=samples[0].given.items['depth'])
    expected = inferencer(depth, return_datasamples=True)['predictions'][0]
    view = explorer.predict(samples[0].given, ['depth'])
    np.testing.assert_array_equal(scores(view), expected.seg_logits.data)
    assert view.absent == ('rgb',)
    assert [*view.prediction.streams] == ['depth']
    assert view.alpha == dict(rgb=0, depth=1)
    assert not np.any([*view.shares.values()])


def test_shares_are_those_of_the_channels_that_may_be_exchanged(explorer, samples):
    view = explorer.predict(samples[0].given, threshold=0.03)
    assert sum(view.alpha.values()) == pytest.approx(1)
    assert {*view.shares} == {*explorer.norms}
    for layer, norm in explorer.norms.items():
        count = exchanged_channels(norm.gamma, 0.03).sum(1)
        own = own_part(*norm.gamma.shape).sum(1)
        assert view.shares[layer].tolist() == pytest.approx((count / own).tolist())


def test_a_stream_without_a_partner_gives_nothing_away(explorer, samples, monkeypatch):
    for norm in explorer.norms.values():
        monkeypatch.setattr(norm.exchange, 'alone', (1,), raising=False)
    shares = explorer.predict(samples[0].given, threshold=1e9).shares
    assert [share.tolist() for share in shares.values()] == len(shares) * [[1, 0]]


def test_the_largest_threshold_exchanges_all_that_may_be(explorer, samples):
    step, largest = explorer.thresholds
    assert explorer.threshold == 20 * step
    assert largest >= 200 * step
    shares = explorer.predict(samples[0].given, threshold=largest).shares
    np.testing.assert_array_equal([*shares.values()], 1)


def test_samples_that_lack_something_are_refused(explorer, samples):
    with pytest.raises(ValueError, match='at least one modality must be on'):
        explorer.predict(samples[0].given, [])
    rgb = Given('a', dict(rgb=samples[0].given.items['rgb']))
    with pytest.raises(ValueError, match='got none of depth: add it, or switch depth'):
        explorer.predict(rgb)
    assert explorer.predict(rgb, ['rgb']).absent == ('depth',)


def test_files_may_be_stored_otherwise_than_those_of_the_training(explorer, samples):
    items = dict(samples[0].given.items)
    expected = scores(explorer.predict(samples[0].given))
    items['depth'] = items['depth'] * 1000
    stored = dict(depth=dict(scale=0.001))
    found = scores(explorer.predict(Given('a', items), stored=stored))
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_all_kinds_of_files_are_written_under_names_that_differ(
    explorer, samples, tmp_path
):
    view = explorer.predict(samples[0].given)
    paths = write_files(view.prediction, tmp_path)
    assert len(paths) == len(KINDS) == len([*tmp_path.iterdir()])
    assert paths[0].name == f'labels_{samples[0].given.name}.png'


def test_uploaded_files_are_named_by_the_first():
    given = given_of(dict(rgb=None, depth='d/room.png'))
    assert (given.name, given.items) == ('room', dict(depth='d/room.png'))
