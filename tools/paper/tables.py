"""Train the rows of one of the paper's tables, and print them beside the paper's.

python tools/analysis/paper_tables.py --table 1 --train --data synthetic --seeds 0 1 2 --jobs 2
python tools/analysis/paper_tables.py --table 7 --train --data nyud_half --epochs 60
python tools/analysis/paper_tables.py --table 1 --collect work_dirs/exchange_half work_dirs/l1_half

With `--train`, each row and seed is a training of its own, by tools/train.py. Finished
trainings are skipped and interrupted ones go on where they were, so that the command can
be repeated. Tables with common rows share their runs. Without `--train`, finished runs
are collected: the runs of an earlier call, or the work directories of `--collect`, in
which a run belongs to the row whose settings its config has. Runs of different data or
lengths are not averaged, and a copy of a run is left out. Controls, and trainings for
missing or noisy modalities, belong to no row. Of other settings in one row, such as other
shares or learning rates, and of two runs of one seed, a line is printed: they are averaged.

The settings of a row are added to the network of the data, see tools/paper/configs.py.
The paper's figures are for `nyud` and `taskonomy`: with other data, compare the order of
the rows. `±` is the standard deviation over the seeds. The small translations have no
FID and KID.

The table is also written to table_TABLE_DATA.md and .csv in the work directory; a table
of some --rows, or of a number of --epochs, has a name of its own. `--page docs/results.md`
also writes it, and the command of its trainings, on that page, in place of the table that
was there of this name.

`--table real` is ours: systems on real images. Its rows are compared with the one without
exchange, image by image, for which each work directory has a per_image.npz, written by the
training or by a test of its checkpoint.
"""  # noqa: E501

import csv
import sys
from dataclasses import replace

from mmseg_cen.door import as_tool

from .findings import findings
from .options import parse_args
from .printing import check_claims, markdown, tabulate
from .published import command_of, other_than_command, publish
from .rows import ALL_TABLES
from .runs import collect, read_runs
from .training import plan, train


@as_tool
def main() -> None:
    args = parse_args()
    if args.jobs < 1:
        raise ValueError(
            f'`--jobs` must be at least 1, got {args.jobs}: give a larger number'
        )
    if args.epochs is not None and args.epochs < 1:
        raise ValueError(
            f'`--epochs` must be at least 1, got {args.epochs}: give a larger number'
        )
    table = ALL_TABLES[args.table]
    names = [row.name for row in table.rows]
    if unknown := set(args.rows or []) - set(names):
        raise ValueError(
            f'`--rows` must be among {names}, got {sorted(unknown)}: table '
            f'{args.table} has no others'
        )
    if args.rows:
        table = replace(table, rows=[r for r in table.rows if r.name in args.rows])
    if args.train:
        folders = train(plan(table, args.work_dir, args), args.jobs)
    else:
        places = args.collect or [args.work_dir / args.data]
        folders = collect(table.rows, places, args.epochs)
    runs, unfinished = read_runs(folders)
    if runs:
        if table.base in runs:
            lines, below = findings(table, runs)
        else:
            lines = tabulate(table, runs)
            below = '\n'.join(f'* {claim}' for claim in check_claims(table, runs))
        text = markdown(lines) + '\n' + (f'\n{below}' if below else '')
        print(f'\n{text}\n')
        name = f'table_{args.table}_{"collected" if args.collect else args.data}'
        if args.epochs is not None:
            name += f'_{args.epochs}_epochs'
        if len(table.rows) < len(names):
            name += '_part'
        args.work_dir.mkdir(parents=True, exist_ok=True)
        (args.work_dir / f'{name}.md').write_text(text + '\n')
        with (args.work_dir / f'{name}.csv').open('w', newline='') as file:
            csv.writer(file).writerows(lines)
        if args.page is not None:
            if args.collect and (other := other_than_command(table, runs, args)):
                print(
                    f'the runs are others than those that the command on {args.page} '
                    f'trains, of {other}: give --data, --epochs and --seeds of the runs'
                )
            command = f'```bash\n{command_of(sys.argv[1:])}\n```'
            publish(args.page, name, f'{command}\n\n{text}')
    if args.train and unfinished:
        raise SystemExit(
            f'error: all trainings must finish, got {len(unfinished)} that did not: '
            'see train.log in their folders, and repeat the command to go on with them'
        )
    if not runs:
        raise SystemExit(
            f'error: {", ".join(map(str, places))} must hold a finished run with the '
            'settings of a row, got none: use --train, or --collect other folders'
        )
