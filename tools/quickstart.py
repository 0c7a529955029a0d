"""Train and test CEN, and its twin without exchange, on rooms rendered on the fly.

`bash tools/quickstart.sh` makes a virtual environment and then runs this file, which
prints the commands it runs (any config is trained and tested by the same commands), a
table of the figures, and the path of a picture of both networks' predictions.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

from _options import ToolParser


def parse_args() -> argparse.Namespace:
    parser = ToolParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        '--work-dir',
        type=Path,
        default=Path('work_dirs/quickstart'),
        help='folder of all that is written (default: work_dirs/quickstart)',
    )
    parser.add_argument(
        '--cfg-options', nargs='+', default=[], help='passed to train.py and test.py'
    )
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)
import cv2
import numpy as np
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS
from prettytable import PrettyTable

from mmseg_cen.disk import write_picture
from mmseg_cen.door import ENDS_WITH_PARENT, as_tool
from mmseg_cen.visualization import (
    Panel,
    SampleNames,
    color_labels,
    color_modality,
    draw_grid,
    score,
)

DEMO = Path('configs/demo')
CONFIGS = {
    'with exchange': DEMO / 'cen_synthetic.py',
    'without exchange': DEMO / 'no_exchange_synthetic.py',
}
COLUMNS = {'RGB': 'rgb/mIoU', 'Depth': 'depth/mIoU', 'Ensemble': 'mIoU'}
ROOMS = (0, 1)
PICTURE = 'exchange.png'


def run(log: Path, *args: str | Path) -> None:
    """Run a tool, show the lines of its log that tell its progress, keep them all.

    Raises:
        SystemExit: If the tool failed; the message has the last lines of its log.
    """
    command = [sys.executable, *map(str, args)]
    print('$', shlex.join(['python', *command[1:]]), flush=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open('w') as file,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **ENDS_WITH_PARENT},
        ) as process,
    ):
        for line in process.stdout or ():
            file.write(line)
            if 'Epoch(train)' in line or ('Epoch(' in line and 'mIoU' in line):
                print('  ' + line.partition('INFO - ')[2][:150].rstrip(), flush=True)
    if process.returncode:
        tail = ''.join(log.read_text().splitlines(keepends=True)[-20:])
        raise SystemExit(
            f'{tail}\nerror: the command must succeed, got exit status '
            f'{process.returncode}: see {log}'
        )


def figures(work_dir: Path) -> dict[str, float]:
    """The metrics of the last test in a work directory."""
    newest = max(work_dir.glob('*/*.json'), key=lambda path: path.stat().st_mtime)
    return json.loads(newest.read_text())


def draw_rooms(work_dir: Path) -> Path:
    """Draw test rooms beside the predictions of both networks.

    A row is one room: RGB, depth, ground truth, and the predicted ensembles without and
    with exchange, each with its mIoU and pixel accuracy in this room.

    Args:
        work_dir: Work directory of the quickstart, with the saved predictions of both
            tests.

    Returns:
        Path of the picture.
    """
    # The file that the test has written knows the options of the command line, too.
    config = Config.fromfile(work_dir / 'cen_synthetic/test/cen_synthetic.py')
    init_default_scope(config.default_scope)
    dataset = DATASETS.build(config.test_dataloader.dataset)
    classes, palette = dataset.metainfo['classes'], dataset.metainfo['palette']
    names = SampleNames(dataset)
    rows, seen = [], set()
    for index in ROOMS[: len(dataset)]:
        room = dataset[index]
        sample = room['data_samples']
        modalities = np.split(room['inputs'].numpy(), [3])
        (rgb, _), (depth, meters) = map(color_modality, modalities)
        truth = sample.gt_sem_seg.data.squeeze(0).numpy()
        row = [
            Panel(rgb, 'RGB', f'test room {index}'),
            Panel(depth, 'Depth', f'{meters} m'),
            Panel(color_labels(truth, palette), 'Ground truth'),
        ]
        seen |= {*truth.flat}
        for name in reversed(CONFIGS):
            folder = work_dir / CONFIGS[name].stem / 'predictions'
            file = folder / f'{names(sample, "")}.png'
            labels = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
            caption = score(labels, truth, len(classes))
            row.append(Panel(color_labels(labels, palette), name.capitalize(), caption))
            seen |= {*labels.flat}
        rows.append(row)
    legend = [(classes[k], palette[k]) for k in sorted(seen) if k < len(classes)]
    path = work_dir / PICTURE
    small = (cv2.IMWRITE_PNG_COMPRESSION, 9)
    write_picture(path, draw_grid(rows, legend), small)
    return path


@as_tool
def main() -> None:
    args = parse_args()
    options = ['--cfg-options', *args.cfg_options] if args.cfg_options else []
    start = time.time()
    table = PrettyTable(['test mIoU (%)', *COLUMNS])
    for name, config in CONFIGS.items():
        work_dir = args.work_dir / config.stem
        run(
            work_dir / 'train.log',
            'tools/train.py', config, '--work-dir', work_dir, *options,
        )  # fmt: skip
        checkpoint = Path((work_dir / 'last_checkpoint').read_text())
        run(
            work_dir / 'test.log',
            'tools/test.py', config, checkpoint, '--work-dir', work_dir / 'test',
            '--show-dir', work_dir / 'pictures', '--out', work_dir / 'predictions',
            *options,
        )  # fmt: skip
        result = figures(work_dir / 'test')
        table.add_row([name, *(f'{result[key]:.1f}' for key in COLUMNS.values())])
    print(f'\n{table}\n')
    pictures = sorted((args.work_dir / 'cen_synthetic/pictures').rglob('*.png'))
    print(f'{len(pictures)} pictures, the first of them: {pictures[0]}')
    print(f'with and without exchange: {draw_rooms(args.work_dir)}')
    print(f'{time.time() - start:.0f} seconds')


if __name__ == '__main__':
    main()
