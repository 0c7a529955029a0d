import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.registry import DATASETS, TRANSFORMS

from mmseg_cen.transforms.reading import Loaded
from mmseg_cen.translation import TranslationDataSample, build_domains
from mmseg_cen.translation.cyclic.samples import direction


def test_all_domains_of_a_sample_are_inputs():
    dataset = DATASETS.build(
        dict(
            type='SyntheticTranslationDataset',
            sources=('rgb', 'depth'),
            target='normal',
            num_samples=1,
            image_size=(32, 32),
            pipeline=[dict(type='LoadSyntheticDomains'), dict(type='PackCyclicInputs')],
        )
    )
    packed = dataset[0]
    assert packed['inputs'].shape == (7, 32, 32)
    assert packed['inputs'].abs().max() <= 1
    sample = packed['data_samples']
    assert sample.metainfo['sources'] == dict(rgb=3, depth=1, normal=3)
    assert 'known' not in sample


@pytest.fixture
def loaded():
    """A sample from files, whose depth has no first column."""
    depth = np.full((8, 10), 2.0, np.float32)
    valid = np.ones((8, 10), bool)
    valid[:, 0] = False
    image = np.zeros((8, 10, 3), np.uint8)
    return dict(
        modalities=build_domains(dict(rgb={}, depth=dict(range=(1.0, 6.0)))),
        img=image,
        depth=depth,
        loaded=dict(
            rgb=Loaded(image, np.ones((8, 10), bool)), depth=Loaded(depth, valid)
        ),
        seg_fields=[],
        img_path='a.png',
    )


def apply(results, *transforms):
    for name in transforms:
        options = dict(prob=1.0) if name == 'RandomFlip' else {}
        results = TRANSFORMS.build(dict(type=name, **options))(results)
    return results


def test_masks_of_known_pixels_move_with_the_domains(loaded):
    results = apply(loaded, 'MarkKnownPixels', 'RandomFlip', 'PackCyclicInputs')
    known = results['data_samples'].known.data
    assert known[0].all()
    assert not known[1, :, -1].any()
    assert known[1, :, :-1].all()


def test_known_pixels_are_marked_before_any_is_moved(loaded):
    """Or filled ones would be learned and measured, and others left out."""
    message = r"must be right behind LoadDomains, got \['rgb', 'depth'\] changed"
    with pytest.raises(ValueError, match=message):
        apply(dict(loaded), 'RandomFlip', 'MarkKnownPixels')
    with pytest.raises(ValueError, match='put MarkKnownPixels right behind'):
        apply(dict(loaded), 'RandomFlip', 'PackCyclicInputs')


def test_a_direction_is_a_translation_from_the_other_domains():
    maps = {name: torch.rand(1, 4, 4) for name in ('a', 'b', 'c')}
    sample = TranslationDataSample(
        metainfo=dict(sources=dict(a=1, b=1, c=1), img_path='x.png')
    )
    known = torch.ones(3, 4, 4, dtype=torch.bool)
    sample.set_data(
        dict(
            pred_images=PixelData(**maps),
            gt_images=PixelData(**maps),
            pred_b_from=PixelData(a=maps['a'], c=maps['c']),
            known=PixelData(data=known),
        )
    )
    view = direction(sample.to_dict(), 'b')
    assert view.metainfo['sources'] == dict(a=1, c=1)
    assert view.metainfo['target'] == 'b'
    assert torch.equal(view.gt_image.data, maps['b'])
    assert torch.equal(view.pred_streams.a, maps['a'])
    assert view.gt_valid.data.shape == (1, 4, 4)


def test_domains_that_are_not_loaded_are_refused():
    results = dict(modalities=build_domains(dict(rgb={})), img_path='a.png')
    with pytest.raises(ValueError, match='put LoadDomains before it'):
        TRANSFORMS.build(dict(type='MarkKnownPixels'))(dict(results))
    with pytest.raises(ValueError, match='begin the pipeline with LoadDomains'):
        TRANSFORMS.build(dict(type='PackCyclicInputs'))(dict(results))
