"""Metrics over two processes; run as a script, this file is one of them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import mmseg_cen  # noqa: F401  isort: skip

import pytest
import torch
import torch.distributed as dist
from mmengine.evaluator import Evaluator
from translation_samples import make_samples

from mmseg_cen.translation.metrics import (
    GenerativeMetric,
    TranslationMetric,
)

NUM_SAMPLES = 7  # the second process repeats one


def extractor(images):
    return images.float().flatten(2).sort(2).values[:, :, ::60].flatten(1) / 255


def evaluate(samples):
    generative = GenerativeMetric(extractor=extractor, num_subsets=5, subset_size=4)
    evaluator = Evaluator([TranslationMetric(), generative])
    for sample in samples:
        evaluator.process([sample], None)
    return evaluator.evaluate(NUM_SAMPLES)


@pytest.mark.slow
def test_two_processes_measure_exactly_what_one_does(tmp_path):
    torchrun = [sys.executable, '-m', 'torch.distributed.run', '--standalone']
    command = [*torchrun, '--nproc_per_node=2', __file__, str(tmp_path / 'found')]
    root = Path(__file__).parents[3]
    path = os.pathsep.join([str(root), str(root / 'tests' / 'translation')])
    env = {**os.environ, 'PYTHONPATH': path}
    assert subprocess.run(command, env=env, check=False).returncode == 0
    expected = evaluate(make_samples(NUM_SAMPLES, invalid=0.002))
    assert json.loads((tmp_path / 'found').read_text()) == expected
    assert expected['KID_std'] > 0


if __name__ == '__main__':
    torch.manual_seed(0)
    dist.init_process_group('gloo')
    rank = dist.get_rank()
    # As mmengine's sampler: every second sample, filled up to equal numbers.
    every = make_samples(NUM_SAMPLES, invalid=0.002)
    samples = [*every, every[0]][rank::2]
    metrics = evaluate(samples)
    if rank == 0:
        Path(sys.argv[1]).write_text(json.dumps(metrics))
    dist.destroy_process_group()
