"""Which networks a report predicts with."""

from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from reporting.predicting import in_order, require_one_prediction

CONFIGS = Path(__file__).parents[3] / 'configs'


@pytest.mark.parametrize(
    'path', ['translation/cyclic/rooms.py', 'multitask/rooms_depth.py']
)
def test_what_predicts_no_classes_and_no_single_target_is_refused(path):
    with pytest.raises(ValueError, match='give --predict 0, and draw them by'):
        require_one_prediction(Config.fromfile(CONFIGS / path))
    for other in ('demo/cen_synthetic.py', 'multitask/rooms_exchange.py'):
        require_one_prediction(Config.fromfile(CONFIGS / other))


def test_all_samples_are_predicted_in_their_order():
    loader = dict(
        batch_size=2,
        num_workers=0,
        drop_last=True,
        sampler=dict(type='DefaultSampler', shuffle=True),
        batch_sampler=dict(type='BatchSampler'),
        collate_fn=dict(type='pseudo_collate'),
    )
    data = [*range(9)]
    batches = Runner.build_dataloader({**in_order(loader), 'dataset': data}, seed=0)
    assert [sample for batch in batches for sample in batch] == data
