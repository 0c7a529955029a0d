"""The systems of a translation differ in their sources and the exchange only."""

from paper.comparison import settings
from paper.configs import build_config
from paper.printing import tabulate
from paper.real_translation import TABLES
from paper.runs import Run

TABLE = TABLES['real_translation']


def test_each_source_alone_and_all_with_and_without_exchange_are_compared():
    found = {}
    for row in TABLE.rows:
        cfg = build_config(row, 'nyud_half_small', None, 0)
        own = settings(cfg)
        task = f'{"+".join(own["sources"])} to {own["target"]}'
        exchanges = own['generator.exchange_threshold'], own['penalty']
        found[row.cells] = task, *(exchanges if len(own['sources']) > 1 else ())
        assert cfg.model.data_preprocessor.sources == cfg.model.sources
        assert cfg.model.generator.track_running_stats is False
        assert cfg.model.gan_weight == 0.1
        assert cfg.train_cfg.val_interval == cfg.train_cfg.max_epochs == 8
    rgb, depth = 'depth+normal to rgb', 'rgb+edge to depth'
    assert found == {
        (rgb, 'depth alone'): ('depth to rgb',),
        (rgb, 'normal alone'): ('normal to rgb',),
        (rgb, 'no exchange'): (rgb, None, None),
        (rgb, 'CEN'): (rgb, True, 'own'),
        (depth, 'rgb alone'): ('rgb to depth',),
        (depth, 'edge alone'): ('edge to depth',),
        (depth, 'no exchange'): (depth, None, None),
        (depth, 'CEN'): (depth, True, 'own'),
    }
    assert len({row.name for row in TABLE.rows}) == len(TABLE.rows)


def test_errors_are_those_of_table_6_without_columns_of_the_paper():
    metrics = {'MAE': 0.42, 'RMSE': 0.5, 'depth/MAE': 0.43, 'SSIM': 0.3}
    header, *lines = tabulate(TABLE, {'depth_to_rgb': [Run(metrics, 0.2, 1000, 0)]})
    assert header[2:6] == ['depth MAE x10', 'MAE x10', 'root of MSE x10', 'SSIM']
    assert header[6:] == ['Params (M)', 'Fusion (M)', 's/iter', 'runs']
    assert lines[0][2:7] == ['4.30', '4.20', '5.00', '0.30', '0.001']
