"""Which networks a report predicts with."""

from pathlib import Path

import pytest
from mmengine.config import Config
from reporting.predicting import require_one_prediction

CONFIGS = Path(__file__).parents[3] / 'configs'


@pytest.mark.parametrize(
    'path', ['translation/cyclic/rooms.py', 'multitask/rooms_depth.py']
)
def test_what_predicts_no_classes_and_no_single_target_is_refused(path):
    with pytest.raises(ValueError, match='give --predict 0, and draw them by'):
        require_one_prediction(Config.fromfile(CONFIGS / path))
    for other in ('demo/cen_synthetic.py', 'multitask/rooms_exchange.py'):
        require_one_prediction(Config.fromfile(CONFIGS / other))
