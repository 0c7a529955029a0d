from mmengine.registry import TRANSFORMS as ROOT
from mmseg.registry import TRANSFORMS

from mmseg_cen.transforms.replacing import replace_transform

REPLACED = {
    'AdjustGamma', 'Albu', 'BioMedicalGaussianBlur', 'BioMedicalGaussianNoise',
    'BioMedicalRandomGamma', 'CenterCrop', 'CLAHE', 'LoadAnnotations', 'Normalize',
    'Pad', 'PhotoMetricDistortion', 'RandomChoiceResize', 'RandomCrop', 'RandomCutOut',
    'RandomFlip', 'RandomGrayscale', 'RandomMosaic', 'RandomResize', 'RandomRotate',
    'RandomRotFlip', 'Rerange', 'Resize', 'ResizeToMultiple', 'RGB2Gray', 'SegRescale',
}  # fmt: skip


def test_pipelines_of_the_scope_of_mmseg_get_the_replacements_by_name():
    for name in REPLACED:
        for key in (name, f'mmseg.{name}'):
            assert TRANSFORMS.get(key).__module__.startswith('mmseg_cen.'), key


def test_every_replacement_derives_from_the_transform_that_it_replaces():
    for name in REPLACED:
        first, *bases = TRANSFORMS.get(name).__mro__
        assert first.__name__ == name
        assert name in {base.__name__ for base in bases}


def test_other_transforms_are_left_alone():
    assert ROOT.get('Resize').__module__.startswith('mmcv.')
    ours = {
        name
        for name, transform in TRANSFORMS.module_dict.items()
        if any(base.__name__ == name for base in transform.__mro__[1:])
        and transform.__module__.startswith('mmseg_cen.')
    }
    assert ours == REPLACED


def test_the_decorator_returns_the_class_and_replaces_an_entry():
    class Resize(TRANSFORMS.get('Resize')):
        pass

    before = TRANSFORMS.get('Resize')
    try:
        assert replace_transform(Resize) is Resize
        assert TRANSFORMS.get('Resize') is Resize
    finally:
        replace_transform(before)
