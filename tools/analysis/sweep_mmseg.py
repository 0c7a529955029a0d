"""Convert every model family of mmseg's configs, and check the laws of the streams.

`python tools/analysis/sweep_mmseg.py` writes the table of docs/compatibility.md. Takes
about half an hour on two cores; what is in `--cache` already is not run again.

For each combination of backbone, neck and head of a family, the smallest config is
built around random weights at 64 x 64 pixels, and, for two and three modalities:

1. without exchange, each stream predicts what the unimodal model with its weights
   predicts (all norm layers drawn at random, and different for each modality);
2. without exchange, the training losses of the first stream do not depend on the inputs
   of the others;
3. with exchange, one training step has finite losses and gradients, and whole and slide
   inference give finite logits of all streams and the ensemble.
"""

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)

import argparse
import importlib.util
import json
import re
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mmseg
import torch
from convert_config import SEGMENTORS, convert_model
from mmengine.config import Config, ConfigDict
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from mmseg_cen.models import exchanging_norms, stream_state_dict
from mmseg_cen.models.heads import why_refused
from mmseg_cen.streams.norm import ModalityNorm

CONFIGS = Path(mmseg.__file__).parent / '.mim' / 'configs'
NO_FAMILIES = ('_base_', 'dsdl')  # `dsdl` is a way to read data sets
PACKAGES = ('mmpretrain', 'mmdet', 'timm', 'diffusers', 'ldm')
SIZE = 64
SIZES = {'LRASPPHead': 416}  # it pools over 49 x 49 features
CLASSES = 7
TOLERANCE = 1e-3  # of the largest logit, in single precision


class NotInstalledError(Exception):
    """A package that the config needs is missing."""


class RefusedError(Exception):
    """The model is one of those that cannot be converted."""


# --- choice of the configs -----------------------------------------------------------


def nodes(cfg: Any) -> Iterator[dict]:
    """All dicts within a config."""
    if isinstance(cfg, dict):
        yield cfg
        for value in cfg.values():
            yield from nodes(value)
    elif isinstance(cfg, (list, tuple)):
        for value in cfg:
            yield from nodes(value)


def as_list(cfg: Any) -> list:
    return list(cfg) if isinstance(cfg, (list, tuple)) else [cfg]


def kind(cfg: Any) -> str:
    """Type of a part of the model, with that of the backbone within, if any."""
    if cfg is None:
        return ''
    if isinstance(cfg, list):
        return ' + '.join(dict.fromkeys(kind(part) for part in cfg))
    name = str(cfg['type']).split('.')[-1]
    inner = cfg.get('backbone_cfg')
    return f'{name} ({kind(inner)})' if inner else name


def size_of(model: dict) -> float:
    """A number that grows with the model, to find the smallest."""
    total = 0.0
    for node in nodes(model.get('backbone')):
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
            filter(None, [kind(model.get('neck')), kind(model.get('decode_head'))])
        )
        key = (kind(model.get('backbone') or model.get('image_encoder')), head)
        if key not in found or size_of(model) < size_of(found[key][1]):
            found[key] = (path, model)
    return found


# --- small versions of them ----------------------------------------------------------


def shrink(model: ConfigDict) -> ConfigDict:
    """The model at a small size, without pretrained weights and randomness."""
    model = ConfigDict(model.to_dict())
    model.pop('data_preprocessor', None)
    size = max(SIZES.get(node.get('type'), SIZE) for node in nodes(model))
    for node in list(nodes(model)):
        node.pop('pretrained', None)
        if 'checkpoint' in (node.get('init_cfg') or {}):
            node['init_cfg'] = None
        if 'img_size' in node:
            node['img_size'] = (size, size)
        if 'num_classes' in node:
            node['num_classes'] = CLASSES
        node.pop('class_weight', None)
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


def batch(
    num_modalities: int, size: int, num_images: int = 2, width: int | None = None
) -> tuple[Tensor, list[SegDataSample]]:
    """Random packed inputs, and labels of squares."""
    shape = (size, width or size)
    data = []
    for _ in range(num_images):
        sample = SegDataSample(
            metainfo=dict(ori_shape=shape, img_shape=shape, pad_shape=shape)
        )
        label = torch.randint(CLASSES, (1, shape[0] // 8, shape[1] // 8))
        label = label.repeat_interleave(8, 1).repeat_interleave(8, 2)
        sample.gt_sem_seg = PixelData(data=label)
        sample.gt_edge_map = PixelData(data=label % 2)
        data.append(sample)
    return torch.randn(num_images, 3 * num_modalities, *shape), data


@torch.no_grad()
def randomize_norms(model: nn.Module) -> None:
    for norm in model.modules():
        if isinstance(norm, ModalityNorm):
            for name, tensor in norm.norm.state_dict().items():
                if name in ('weight', 'running_var'):
                    tensor.uniform_(0.5, 1.5)
                elif name in ('bias', 'running_mean'):
                    tensor.normal_(std=0.2)


def unimodal_state(model: nn.Module, modality: int) -> dict[str, Tensor]:
    """State dict of the unimodal segmentor of one stream."""
    parts = {
        'backbone.': model.backbone,
        'decode_head.': model.decode_head.head,
    }
    if model.with_neck:
        parts['neck.'] = model.neck
    return {
        prefix + name: tensor
        for prefix, part in parts.items()
        for name, tensor in stream_state_dict(part, modality).items()
    }


# --- the checks ----------------------------------------------------------------------


def check(cfg: ConfigDict, num_modalities: int) -> dict[str, Any]:
    """Run all checks for one model; raises an AssertionError where one fails."""
    M = num_modalities
    names = [f'm{m}' for m in range(M)]
    torch.manual_seed(0)
    model = MODELS.build(convert_model(cfg, names))
    randomize_norms(model)
    places = exchanging_norms(model)
    for norm in places.values():
        norm.exchange_threshold = 0.0
    streams_equal_unimodal(model, cfg, M)
    streams_are_independent(model, M)
    for norm in places.values():
        norm.exchange_threshold = 0.8
    trains_and_predicts(model, M)
    return dict(
        exchanging=len(places), parameters=sum(p.numel() for p in model.parameters())
    )


def size_of_crop(model: nn.Module) -> int:
    return model.test_cfg['crop_size'][0]


def streams_equal_unimodal(model: nn.Module, cfg: ConfigDict, M: int) -> None:
    model.eval()
    x, data = batch(M, size_of_crop(model))
    metas = [sample.metainfo for sample in data]
    with torch.no_grad():
        streams = model.encode_decode(x, metas).chunk(M + 1, dim=1)
        unimodal = MODELS.build(cfg)
        unimodal.eval()
        for m in range(M):
            stream = x[:, 3 * m : 3 * m + 3]
            if m == 0:
                unimodal.encode_decode(stream, metas)  # makes buffers that are lazy
            wrong = unimodal.load_state_dict(unimodal_state(model, m), strict=False)
            missing = [k for k in wrong.missing_keys if not k.startswith('auxiliary')]
            assert not missing + wrong.unexpected_keys, f'names differ: {wrong}'
            expected = unimodal.encode_decode(stream, metas)
            error = (streams[m] - expected).abs().max() / expected.abs().max()
            assert error < TOLERANCE, f'stream {m} is not the unimodal model: {error}'


def streams_are_independent(model: nn.Module, M: int) -> None:
    model.train()
    state = {k: v.clone() for k, v in model.state_dict().items()}
    x, data = batch(M, size_of_crop(model))
    losses = []
    for _ in range(2):
        torch.manual_seed(1)
        with torch.no_grad():
            losses.append(model.loss(x, data))
        model.load_state_dict(state)
        x = torch.cat([x[:, :3], torch.randn_like(x[:, 3:])], dim=1)
    own = [name for name in losses[0] if '.m0.' in name]
    others = [name for name in losses[0] if '.m1.' in name and 'loss' in name]
    assert own, f'no losses of the first stream: {list(losses[0])}'
    for name in own:
        error = (losses[0][name] - losses[1][name]).abs().max()
        assert error <= 1e-5 * losses[0][name].abs().max(), f'{name} depends on others'
    assert any(losses[0][n].ne(losses[1][n]).any() for n in others), 'inputs unused'


def trains_and_predicts(model: nn.Module, M: int) -> None:
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    size = size_of_crop(model)
    total, logged = model.parse_losses(model.loss(*batch(M, size)))
    assert total.isfinite(), f'losses are not finite: {logged}'
    total.backward()
    assert all(
        p.grad.isfinite().all() for p in model.parameters() if p.grad is not None
    )
    assert model.decode_head.alpha_logits.grad is not None, 'alpha is not trained'
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    model.eval()
    for mode, width in (('whole', size), ('slide', 3 * size // 2)):
        model.test_cfg['mode'] = mode
        x, data = batch(M, size, num_images=1, width=width)
        with torch.no_grad():
            (result,) = model.predict(x, data)
        fields = [result.seg_logits.data, *result.stream_logits.values()]
        assert len(fields) == M + 1
        for logits in fields:
            assert logits.shape == (CLASSES, size, width), (
                f'{mode}: {tuple(logits.shape)}'
            )
            assert logits.isfinite().all(), f'{mode}: not finite'


def prerequisites(path: Path, cfg: ConfigDict) -> None:
    """Raise :class:`RefusedError` or :class:`NotInstalledError`."""
    for head in as_list(cfg.get('decode_head')) + as_list(cfg.get('auxiliary_head')):
        head_type = MODELS.get(head['type']) if head else None
        if head_type and (reason := why_refused(head_type)):
            raise RefusedError(f'{head_type.__name__}: {reason}')
    if cfg.type not in SEGMENTORS:
        raise RefusedError(f'{cfg.type}: it is no plain encoder and decoder')
    text = Config.fromfile(path, import_custom_modules=False).pretty_text
    for package in PACKAGES:
        used = re.search(rf'\b{package}\b', text)
        if used and importlib.util.find_spec(package) is None:
            raise NotInstalledError(package)


def run(path: Path, cfg: ConfigDict) -> dict[str, Any]:
    """Result of one config: ``status``, ``reason`` and what is counted."""
    try:
        prerequisites(path, cfg)
        Config.fromfile(path)  # imports what the config asks for
        small = shrink(cfg)
        counts = {}
        for M in (2, 3):
            counts[M] = check(small, M)
    except RefusedError as error:
        return dict(status='refused', reason=str(error))
    except NotInstalledError as error:
        return dict(status='not installed', reason=f'needs {error}')
    except ImportError as error:
        return dict(status='not installed', reason=str(error).split('. Run')[0])
    except ValueError as error:
        status = 'refused' if 'cannot be private' in str(error) else 'failed'
        return dict(status=status, reason=str(error))
    except Exception as error:
        traceback.print_exc()
        return dict(status='failed', reason=f'{type(error).__name__}: {error}')
    return dict(status='pass', reason='', **counts[2])


# --- the table -----------------------------------------------------------------------

HEADER = """# Compatibility with the models of MMSegmentation

Generated by `tools/analysis/sweep_mmseg.py` from the configs of mmseg {version}: a row
for each combination of backbone and head in a family, in its smallest config. "pass":
converted to two and to three modalities, it trains, predicts whole and sliding, and,
without exchange, each stream is the unimodal model with the same weights, and
independent of the others.

{passed} of {total} families pass with all of their combinations that can run here,
{some} with some of them.

Exchanging layers: norms that follow a 3 x 3 convolution of the backbone, beyond the
stem. Where there are 0, the backbone has none (it has LayerNorm); its streams are
averaged, and exchange channels only with `layer_norms=True`. Parameters: of the model
with two modalities, auxiliary heads included, in millions.

| family | backbone | neck, head | exchanging layers | parameters | result | reason |
|---|---|---|---|---|---|---|
"""


def write_table(results: dict[str, dict[str, Any]], out: Path) -> None:
    families: dict[str, list[str]] = {}
    for row in results.values():
        families.setdefault(row['family'], []).append(row['status'])
    ran = {
        family: [s for s in statuses if s != 'not installed']
        for family, statuses in families.items()
    }
    passed = sum(bool(s) and set(s) == {'pass'} for s in ran.values())
    some = sum('pass' in s and set(s) != {'pass'} for s in ran.values())
    lines = []
    for row in sorted(results.values(), key=lambda r: (r['family'], r['config'])):
        parameters = f'{row["parameters"] / 1e6:.1f}' if 'parameters' in row else ''
        reason = row['reason'].replace('|', '/').replace('\n', ' ')
        cells = (row['family'], row['backbone'], row['head'], row.get('exchanging', ''))
        lines.append(
            '| '
            + ' | '.join(map(str, (*cells, parameters, row['status'], reason)))
            + ' |'
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    header = HEADER.format(
        version=mmseg.__version__, passed=passed, some=some, total=len(families)
    )
    out.write_text(header + '\n'.join(lines) + '\n')
    print(f'{passed} families pass, {some} in part, of {len(families)}: {out}')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--family', nargs='+', help='only these')
    parser.add_argument('--out', type=Path, default=Path('docs/compatibility.md'))
    parser.add_argument('--cache', type=Path, default=Path('work_dirs/sweep.json'))
    parser.add_argument('--again', action='store_true', help='run cached ones, too')
    args = parser.parse_args()
    warnings.filterwarnings('ignore')
    init_default_scope('mmseg')
    MMLogger.get_instance('sweep', log_level='ERROR')

    results = json.loads(args.cache.read_text()) if args.cache.is_file() else {}
    every = [p.name for p in sorted(CONFIGS.iterdir()) if p.name not in NO_FAMILIES]
    for family in args.family or every:
        if family not in every:
            sys.exit(f'error: no such family {family!r}; the families are {every}')
        for (backbone, head), (path, model) in combinations(family).items():
            key = f'{family}/{path.stem}'
            if key in results and not args.again:
                continue
            start = time.time()
            results[key] = dict(
                family=family,
                config=path.stem,
                backbone=backbone,
                head=head,
                **run(path, model),
            )
            result = results[key]
            print(
                f'{key}: {result["status"]} {result["reason"][:160]} '
                f'({time.time() - start:.0f} s)',
                flush=True,
            )
            args.cache.parent.mkdir(parents=True, exist_ok=True)
            args.cache.write_text(json.dumps(results, indent=1))
    if not args.family:
        write_table(results, args.out)


if __name__ == '__main__':
    main()
