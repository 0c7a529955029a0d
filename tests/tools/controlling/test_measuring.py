"""Tests of controls are of all samples as they are, whatever the config tests."""

import pytest
from controlling import measuring


@pytest.mark.parametrize(
    'loop',
    [dict(type='SubsetTestLoop'), dict(type='ProtocolTestLoop', protocol='nm'), None],
)
def test_a_control_is_tested_once_with_all_its_modalities(
    demo, tmp_path, monkeypatch, loop
):
    built = []

    def build_runner(cfg, kind):
        built.append(cfg)
        raise StopIteration

    monkeypatch.setattr(measuring, 'build_runner', build_runner)
    demo.test_cfg = loop and dict(**loop, fp16='bf16')
    demo.test_evaluator.update(output_dir='out', per_image_file='a.npz')
    with pytest.raises(StopIteration):
        measuring.measure(demo, 'a.pth', tmp_path, 'real')
    assert not {'output_dir', 'per_image_file'} & {*built[0].test_evaluator}
    fp16 = 'bf16' if loop else False
    assert built[0].test_cfg == dict(type='TestLoop', fp16=fp16)


def test_a_metric_that_measures_nothing_is_refused_before_a_training(demo):
    measuring.require_metric(demo)
    demo.test_evaluator.format_only = True
    with pytest.raises(ValueError, match='got format_only=True of its StreamIoUM'):
        measuring.require_metric(demo)
