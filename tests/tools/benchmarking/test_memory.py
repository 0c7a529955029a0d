import torch
from benchmarking.contestants import model_config
from benchmarking.measuring import Case, Setting
from benchmarking.memory import _measure
from mmengine.config import Config


def test_memory_is_that_of_a_step(narrow_config):
    model = model_config(Config.fromfile(narrow_config))
    setting = Setting({2: model}, torch.device('cpu'))
    peak = _measure(setting, Case('ours', 'eager', 'train', 2, (32, 32)), 1)
    assert peak is None or peak >= 0
