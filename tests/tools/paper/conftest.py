"""Shared by the tests of the paper's tables."""

from itertools import count

import pytest
from paper.configs import build_config
from paper.rows import TABLES

ROWS = {row.name: row for table in TABLES.values() for row in table.rows}


@pytest.fixture(scope='session')
def finished_run():
    seconds = count()

    def finished_run(folder, name='exchange_half', epochs=2, **metrics):
        """What a training of a row leaves behind."""
        cfg = build_config(ROWS[name], 'synthetic', epochs, 0)
        (folder / '20200101/vis_data').mkdir(parents=True)
        figures = ''.join(f'"{key}": {value}, ' for key, value in metrics.items())
        (folder / '20200101/vis_data/scalars.json').write_text(
            f'{{"loss": 1.0, "time": 0.5, "data_time": {next(seconds)}, '
            '"iter": 1, "step": 1}\n'
            f'{{"mIoU": 12.5, "rgb/mIoU": 11.0, {figures}"step": {epochs}}}\n'
        )
        (folder / 'last_checkpoint').write_text(f'/somewhere/epoch_{epochs}.pth')
        cfg.dump(folder / f'{name}.py')
        return folder

    return finished_run
