"""Export a trained network to a file that other programs run.

python tools/deployment/export.py CONFIG CHECKPOINT net.onnx --format onnx

The file takes any batch size and any height and width, and returns logits at the size
of the image. `OUT.json` beside it says what it takes and returns. The file is compared
with the model before it gets its name. See docs/export.md.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from _options import ToolParser


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = ToolParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('out', help='the file to write; OUT.json is written beside it')
    parser.add_argument(
        '--format',
        required=True,
        choices=('torchscript', 'onnx', 'torch-export'),
        help='torchscript: for C++; onnx: for onnxruntime and others; torch-export: a '
        'program of torch.export',
    )
    parser.add_argument(
        '--streams',
        action='store_true',
        help='return the outputs of all streams, then the ensemble',
    )
    parser.add_argument(
        '--preprocessing',
        choices=('inside', 'outside'),
        default='inside',
        help='inside (default): one input for each modality, as it is loaded; outside: '
        'one input, packed and normalized',
    )
    parser.add_argument(
        '--device',
        default='cpu',
        help='where torchscript and torch-export files shall run (default: cpu)',
    )
    parser.add_argument(
        '--freeze',
        action='store_true',
        help='leave out channels that the exchange replaces',
    )
    parser.add_argument(
        '--no-verify',
        action='store_true',
        help='do not compare the file with the model',
    )
    parser.add_argument('--overwrite', action='store_true', help='replace OUT')
    parser.add_config_options()
    return parser.parse_args(argv)


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from torch import nn

from mmseg_cen.deployment import (
    check_packages,
    check_written,
    describe,
    prepare,
    reference,
    write,
)
from mmseg_cen.deployment.description import modalities_of
from mmseg_cen.disk import replacing, write_atomically
from mmseg_cen.door import as_tool
from mmseg_cen.freezing import freeze_exchange
from mmseg_cen.launch import check_checkpoint, load_config, require_file
from mmseg_cen.models.pretrained import without_starts
from mmseg_cen.modes import require_device
from mmseg_cen.translation import TranslationPreprocessor


def require_new(path: Path, overwrite: bool) -> None:
    """Refuse to replace a file, before any work.

    Raises:
        ValueError: If the file exists, or is a folder.
    """
    if path.is_dir() or (path.exists() and not overwrite):
        kind = 'a folder' if path.is_dir() else 'an existing one'
        raise ValueError(
            f'`OUT` must be a new file, got {kind}, {str(path)!r}: name another one'
            f'{"" if path.is_dir() else ", or add --overwrite"}'
        )


def complete_preprocessor(model: nn.Module, cfg: Config) -> None:
    """Tell the preprocessor of a translation the channels that the data set knows."""
    preprocessor = model.data_preprocessor
    if not isinstance(preprocessor, TranslationPreprocessor) or preprocessor.channels:
        return
    known = modalities_of(cfg)
    if all(name in known for name in preprocessor.sources):
        preprocessor.channels = {n: known[n].channels for n in preprocessor.sources}


@as_tool
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    out = Path(args.out)
    beside = Path(f'{out}.json')
    for path in (out, beside):
        require_new(path, args.overwrite)
    check_packages(args.format)
    device = require_device(args.device, '--device')
    cfg = load_config(args.config, options=args.cfg_options)
    require_file(args.checkpoint, 'checkpoint')
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    model = MODELS.build(without_starts(cfg.model))
    complete_preprocessor(model, cfg)
    choice = dict(streams=args.streams, preprocessing=args.preprocessing == 'inside')
    original = reference(model, **choice)
    check_checkpoint(model, args.checkpoint, strict=True)
    original.to(device).eval()
    network = prepare(freeze_exchange(model) if args.freeze else model, **choice)
    description = describe(model, network, cfg, args.format, args.device)
    with replacing(out) as unfinished:
        write(network, unfinished, args.format)
        if not args.no_verify:
            difference = check_written(original, unfinished, args.format)
            print(f'largest difference from the model: {difference:.1e} of the values')
    write_atomically(beside, (json.dumps(description, indent=2) + '\n').encode())
    print(f'{out}: {args.format}, {out.stat().st_size / 2**20:.1f} MiB')
    print(f'{beside}: what it takes and returns')


if __name__ == '__main__':
    main()
