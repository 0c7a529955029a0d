"""Train and test CEN, and its twin without exchange, on rooms rendered on the fly.

`bash tools/quickstart.sh` makes a virtual environment and then runs this file, which
prints the commands it runs: they are those for any config.
"""

import argparse
import json
import shlex
import subprocess
import sys
import time
from pathlib import Path

from prettytable import PrettyTable

DEMO = Path('configs/demo')
CONFIGS = {
    'with exchange': DEMO / 'cen_synthetic.py',
    'without exchange': DEMO / 'no_exchange_synthetic.py',
}
COLUMNS = {'RGB': 'rgb/mIoU', 'Depth': 'depth/mIoU', 'Ensemble': 'mIoU'}


def run(log: Path, *args: str | Path) -> None:
    """Run a tool, show the lines of its log that tell its progress, keep them all.

    Raises:
        SystemExit: The tool failed; its last lines are shown.
    """
    command = [sys.executable, *map(str, args)]
    print('$', shlex.join(['python', *command[1:]]), flush=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open('w') as file,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process,
    ):
        for line in process.stdout or ():
            file.write(line)
            if 'Epoch(train)' in line or ('Epoch(' in line and 'mIoU' in line):
                print('  ' + line.partition('INFO - ')[2][:150].rstrip(), flush=True)
    if process.returncode:
        tail = ''.join(log.read_text().splitlines(keepends=True)[-20:])
        raise SystemExit(f'{tail}\nerror: the command above failed, log in {log}')


def figures(work_dir: Path) -> dict[str, float]:
    """The metrics of the last test in a work directory."""
    newest = max(work_dir.glob('*/*.json'), key=lambda path: path.stat().st_mtime)
    return json.loads(newest.read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/quickstart'))
    parser.add_argument(
        '--cfg-options', nargs='+', default=[], help='passed to train.py and test.py'
    )
    args = parser.parse_args()
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
            '--show-dir', work_dir / 'pictures', *options,
        )  # fmt: skip
        result = figures(work_dir / 'test')
        table.add_row([name, *(f'{result[key]:.1f}' for key in COLUMNS.values())])
    print(f'\n{table}\n')
    pictures = sorted((args.work_dir / 'cen_synthetic/pictures').rglob('*.png'))
    print(f'{len(pictures)} pictures, the first of them: {pictures[0]}')
    print(f'{time.time() - start:.0f} seconds')


if __name__ == '__main__':
    main()
