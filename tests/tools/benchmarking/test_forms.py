import torch
import torch.nn.functional as F
from benchmarking.contestants import build, model_config
from benchmarking.forms import FORMS
from mmengine.config import Config
from torch.testing import assert_close


def test_an_exported_network_predicts_what_the_network_does(narrow_config):
    ours = build('ours', model_config(Config.fromfile(narrow_config)))
    inputs = ours.inputs(torch.randn(2, 6, 64, 96))
    exported = FORMS['torchscript'](ours)
    with torch.no_grad():
        logits = ours.predict(inputs)
        (found,) = exported.predict(inputs)
    assert found.shape[2:] == (64, 96)
    assert_close(
        found, F.interpolate(logits, (64, 96), mode='bilinear'), rtol=1e-4, atol=1e-4
    )
