"""The network of FID, with random weights: the real ones are too large for tests."""

import sys

import pytest
import torch

from mmseg_cen.translation.metrics import GenerativeMetric, InceptionFeatures, inception
from mmseg_cen.translation.metrics.inception import import_inception

try:
    LIBRARY = import_inception()
except ImportError:
    pytest.skip('needs torch-fidelity', allow_module_level=True)


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    """File of random weights in the form of the real ones."""
    path = tmp_path_factory.mktemp('inception') / 'weights.pth'
    load = LIBRARY.FeatureExtractorInceptionV3.load_state_dict

    class Untrained(LIBRARY.FeatureExtractorInceptionV3):
        def load_state_dict(self, state_dict):
            pass

    torch.save({}, path)
    network = Untrained('x', ['2048'], str(path))
    assert load is LIBRARY.FeatureExtractorInceptionV3.load_state_dict
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight)
    torch.save(network.state_dict(), path)
    return str(path)


@pytest.fixture
def pictures():
    generator = torch.Generator().manual_seed(1)
    size = (2, 3, 299, 299)
    return torch.randint(0, 256, size, dtype=torch.uint8, generator=generator)


@pytest.mark.slow
def test_all_ways_to_resize_agree_on_pictures_of_the_networks_size(weights, pictures):
    original = InceptionFeatures(weights)(pictures)
    assert original.shape == (2, 2048)
    assert original.std() > 0
    clean = InceptionFeatures(weights, 'clean')(pictures)
    torch.testing.assert_close(clean, original, rtol=1e-4, atol=1e-4)
    # pytorch-fid maps 0 ... 255 to [-1, 1], the original to [-1, 1).
    scaled = InceptionFeatures(weights, 'pytorch')
    expected = scaled.stages(pictures / 127.5 - 1)
    torch.testing.assert_close(scaled(pictures), expected, rtol=1e-4, atol=1e-4)


def test_clean_resizing_averages_what_it_leaves_out():
    board = torch.zeros(3, 598, 598, dtype=torch.uint8)
    board[:, ::2, ::2] = board[:, 1::2, 1::2] = 255
    resized = inception._resize_clean(board)
    assert resized.shape == (3, 299, 299)
    inside = resized[:, 2:-2, 2:-2]
    assert inside.sub(127.5).abs().max() < 1


def test_the_network_stays_in_evaluation_mode(weights):
    network = InceptionFeatures(weights).train()
    assert not any(module.training for module in network.modules())
    assert not any(p.requires_grad for p in network.parameters())


def test_the_weights_are_found_where_the_library_downloads_them_to(
    weights, tmp_path, monkeypatch
):
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    with pytest.raises(FileNotFoundError, match='put it there') as error:
        InceptionFeatures()
    place = tmp_path / 'checkpoints' / 'weights-inception-2015-12-05-6726825d.pth'
    assert str(place) in str(error.value)
    place.parent.mkdir()
    place.symlink_to(weights)
    InceptionFeatures()


def test_a_download_that_fails_is_announced_and_stops_nothing(monkeypatch):
    def fail(*args, **kwargs):
        raise OSError('no route to host')

    monkeypatch.setattr(LIBRARY, 'load_state_dict_from_url', fail)
    monkeypatch.setattr(inception, 'import_inception', lambda: LIBRARY)
    assert GenerativeMetric(weights='download').extractor is None
    with pytest.raises(OSError, match='no route'):
        GenerativeMetric(weights='download', required=True)


def test_the_weights_of_another_network_are_refused(tmp_path):
    path = tmp_path / 'resnet.pth'
    torch.save({'conv1.weight': torch.zeros(1)}, path)
    with pytest.raises(ValueError, match='another network'):
        InceptionFeatures(str(path))
    path.write_bytes(b'<html>not found</html>')
    with pytest.raises(ValueError, match=r'must be a complete file of torch\.save'):
        GenerativeMetric(weights=str(path))


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match=r"`resize` must be one of .* got 'bicubic'"):
        InceptionFeatures(resize='bicubic')


def test_importing_the_network_leaves_the_package_as_it_was():
    before = {name for name in sys.modules if name.startswith('torch_fidelity')}
    assert import_inception().FeatureExtractorInceptionV3
    after = {name for name in sys.modules if name.startswith('torch_fidelity')}
    package = sys.modules.get('torch_fidelity')
    assert after == before or hasattr(package, 'calculate_metrics')


def test_a_missing_library_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(inception, 'find_spec', lambda name: None)
    with pytest.raises(ImportError, match='pip install torch-fidelity'):
        InceptionFeatures()
    assert GenerativeMetric().extractor is None
