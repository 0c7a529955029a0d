"""Write a report of a training, or of several side by side, as one HTML file.

python tools/analysis/report.py work_dirs/my_training
python tools/analysis/report.py work_dirs/cen work_dirs/no_exchange --out both.html
python tools/analysis/report.py work_dirs/my_training --predict 100 --open

The file needs no network. Confusions, calibration, and the best and worst samples need
one pass of the checkpoint over the validation data: it is made where both are there,
and kept in the work directory, so that the next report takes seconds.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from _options import ToolParser


def parse_args() -> argparse.Namespace:
    parser = ToolParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        'work_dirs',
        nargs='+',
        type=Path,
        metavar='WORK_DIR',
        help='folder of a training, whether it has ended or not',
    )
    parser.add_argument(
        '--out',
        type=Path,
        metavar='FILE',
        help='the page (default: report.html in the work directory, of several runs '
        'comparison.html in the first)',
    )
    parser.add_argument(
        '--open', action='store_true', help='open the page in the browser'
    )
    parser.add_argument(
        '--predict',
        type=int,
        metavar='N',
        help='predict N samples of the validation data, evenly spread (default: all); '
        '0 predicts nothing',
    )
    parser.add_argument(
        '--checkpoint',
        type=Path,
        metavar='FILE',
        help='predict with this one (default: best_*.pth, or else the last); of one '
        'run only',
    )
    args = parser.parse_args()
    if args.predict is not None and args.predict < 0:
        parser.error('--predict must be 0 at least')
    if args.checkpoint and len(args.work_dirs) > 1:
        parser.error('--checkpoint must belong to one run: name one WORK_DIR')
    if args.out and args.out.suffix.lower() not in ('.html', '.htm'):
        parser.error('--out must end with .html')
    return args


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import webbrowser

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)
from reporting.page import read_runs, require_jinja, write_report
from reporting.predicting import choose_checkpoint, predictions_of
from reporting.predictions import Predictions
from reporting.reading import Run

from mmseg_cen.config_files import require_file
from mmseg_cen.door import as_tool
from mmseg_cen.mistakes import describe, one_line

NAME, NAME_OF_SEVERAL = 'report.html', 'comparison.html'


def predict(
    run: Run, checkpoint: Path | None, limit: int | None, must: bool
) -> tuple[Run, Predictions | None, str]:
    """The predictions of a run, or why there are none.

    Where they must be made, what goes wrong is an error; else, it is said on the page.
    """
    if limit == 0:
        return run, None, 'the report was written with --predict 0'
    try:
        chosen = checkpoint or choose_checkpoint(run)
        if chosen is None:
            raise FileNotFoundError(
                f'a checkpoint must be in the work directory to predict, got none in '
                f'{str(run.folder)!r}: name one with --checkpoint'
            )
        return run, predictions_of(run, chosen, limit), ''
    except KeyboardInterrupt:
        print('interrupted: the report goes without predictions', file=sys.stderr)
        return run, None, 'it was interrupted'
    except Exception as error:
        if must:
            raise
        words = describe(error) or f'{type(error).__name__}: {one_line(error)}'
        print(f'{run.name}: nothing is predicted, {words}', file=sys.stderr)
        return run, None, words


@as_tool
def main() -> None:
    args = parse_args()
    require_jinja()  # before all data are predicted
    runs = read_runs(args.work_dirs)
    if args.checkpoint:
        require_file(str(args.checkpoint), 'checkpoint')
    # Of several runs, one without checkpoint does not keep the others from the page.
    must = len(runs) == 1 and (args.predict is not None or args.checkpoint is not None)
    predicted = [predict(run, args.checkpoint, args.predict, must) for run in runs]
    name = NAME if len(runs) == 1 else NAME_OF_SEVERAL
    path = args.out or runs[0].folder / name
    write_report(runs, predicted, path)
    print(path)
    if args.open:
        webbrowser.open(path.resolve().as_uri())


if __name__ == '__main__':
    main()
