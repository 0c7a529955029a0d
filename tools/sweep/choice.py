"""Which configs of mmseg are swept over, and their models at a small size."""

from pathlib import Path
from typing import Any

import mmseg
from conversion.model import dicts_in
from mmengine.config import Config, ConfigDict

CONFIGS = Path(mmseg.__file__).parent / '.mim' / 'configs'
NO_FAMILIES = ('_base_', 'dsdl')  # `dsdl` is a way to read data sets
SIZE = 64
SIZES = {'LRASPPHead': 416}  # it pools over 49 x 49 features
CLASSES = 7


def describe(cfg: Any) -> str:
    """Type of a part of the model, and of a backbone within it."""
    if cfg is None:
        return ''
    if isinstance(cfg, list):
        return ' + '.join(dict.fromkeys(describe(part) for part in cfg))
    name = str(cfg['type']).split('.')[-1]
    inner = cfg.get('backbone_cfg')
    return f'{name} ({describe(inner)})' if inner else name


def size_of(model: dict) -> float:
    """A number that grows with the model, to find the smallest."""
    total = 0.0
    for node in dicts_in(model.get('backbone')):
        for key in ('depth', 'embed_dims', 'base_channels', 'num_layers', 'depths'):
            value = node.get(key, 0)
            total += sum(value) if isinstance(value, (list, tuple)) else float(value)
        arch = str(node.get('arch', ''))
        names = ('tiny', 'small', 's12', 'base', 's24', 'large', 'xlarge')
        total += names.index(arch) if arch in names else 0
    return total


def combinations(family: str) -> dict[tuple[str, str], tuple[Path, ConfigDict]]:
    """The smallest config of each (backbone, head) of a family."""
    found: dict[tuple[str, str], tuple[Path, ConfigDict]] = {}
    for path in sorted((CONFIGS / family).glob('*.py')):
        cfg = Config.fromfile(path, import_custom_modules=False)
        model = cfg.model
        head = ' + '.join(
            filter(
                None, [describe(model.get('neck')), describe(model.get('decode_head'))]
            )
        )
        key = (describe(model.get('backbone') or model.get('image_encoder')), head)
        if key not in found or size_of(model) < size_of(found[key][1]):
            found[key] = (path, model)
    return found


def shrink(model: ConfigDict) -> ConfigDict:
    """The model at a small size, without pretrained weights and randomness."""
    model = ConfigDict(model.to_dict())
    model.pop('data_preprocessor', None)
    size = max(SIZES.get(node.get('type'), SIZE) for node in dicts_in(model))
    for node in list(dicts_in(model)):
        node.pop('pretrained', None)
        if 'checkpoint' in (node.get('init_cfg') or {}):
            node['init_cfg'] = None
        if 'img_size' in node:
            node['img_size'] = (size, size)
        if 'num_classes' in node:
            node['num_classes'] = CLASSES
        if node.pop('class_weight', None) and node['type'].startswith('mmdet.'):
            node['class_weight'] = [1.0] * CLASSES + [0.1]  # which it needs
        if 'assigner' in node and 'num_points' in node:
            node['num_points'] = 64
        if node.get('type') == 'LightHamHead':
            node['ham_kwargs']['rand_init'] = False  # random bases in inference
        if node.get('type') == 'OHEMPixelSampler':
            node['min_kept'] = 10
        if 'subdivision_num_points' in node:
            node.update(num_points=64, subdivision_num_points=64)
    model.test_cfg = {
        **(model.get('test_cfg') or {}),
        'mode': 'whole',
        'crop_size': (size, size),
        'stride': (size // 2, size // 2),
    }
    return model
