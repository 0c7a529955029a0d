"""Convert every model family of mmseg's configs, and check the laws of the streams.

python tools/analysis/sweep_mmseg.py

The table of docs/compatibility.md is written, in about an hour on two cores;
results in `--cache` are not computed again. With `--family`, other rows of the page
stay as they are.

For each combination of backbone, neck and head of a family, the smallest config is
built with random weights for 64 x 64 pixels. For two and three modalities:

1. without exchange, each stream predicts what the unimodal model with its weights
   predicts (all norm layers drawn at random, and different for each modality);
2. without exchange, the training losses of the first stream do not depend on the inputs
   of the others;
3. with exchange, one training step has finite losses and gradients, and whole and slide
   inference give finite logits of all streams and the ensemble.
"""

import argparse
import json
import sys
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from _options import ToolParser


def parse_args() -> argparse.Namespace:
    parser = ToolParser(description=__doc__.split('\n')[0])
    parser.add_argument('--family', nargs='+', help='only these')
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('docs/compatibility.md'),
        help='page to write, of all families (default: docs/compatibility.md)',
    )
    parser.add_argument(
        '--cache',
        type=Path,
        default=Path('work_dirs/sweep.json'),
        help='what was found before (default: work_dirs/sweep.json)',
    )
    parser.add_argument('--again', action='store_true', help='run cached ones, too')
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from sweep.choice import CONFIGS, NO_FAMILIES, combinations
from sweep.running import run
from sweep.table import rows_on, write_table

from mmseg_cen.door import as_tool


@as_tool
def main() -> None:
    args = parse_args()
    warnings.filterwarnings('ignore')
    init_default_scope('mmseg')
    MMLogger.get_instance('sweep', log_level='ERROR')

    results = json.loads(args.cache.read_text()) if args.cache.is_file() else {}
    every = [p.name for p in sorted(CONFIGS.iterdir()) if p.name not in NO_FAMILIES]
    for family in args.family or every:
        if family not in every:
            sys.exit(
                f'error: `--family` must be among {every}, got {family!r}: name '
                'some of these'
            )
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
    kept = rows_on(args.out) if args.family else ()
    write_table(results.values(), args.out, kept)


if __name__ == '__main__':
    main()
