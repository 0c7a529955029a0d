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

from mmseg_cen.translation.metrics import GenerativeMetric, TranslationMetric

NUM_SAMPLES = 7  # the second process repeats one


def extractor(images):
    return images.float().flatten(2).sort(2).values[:, :, ::60].flatten(1) / 255


def measure(samples):
    generative = GenerativeMetric(extractor=extractor, num_subsets=5, subset_size=4)
    evaluator = Evaluator([TranslationMetric(), generative])
    for sample in samples:
        evaluator.process([sample], None)
    return evaluator.evaluate(NUM_SAMPLES)


@pytest.mark.slow
def test_two_processes_measure_what_one_does(make_samples, tmp_path):
    samples = make_samples(NUM_SAMPLES, invalid=0.002)
    torch.save(samples, tmp_path / 'samples')
    env = {**os.environ, 'PYTHONPATH': str(Path(__file__).parents[3])}
    processes = [
        subprocess.Popen([sys.executable, __file__, str(tmp_path), rank], env=env)
        for rank in '01'
    ]
    assert [process.wait() for process in processes] == [0, 0]
    found, expected = json.loads((tmp_path / 'found').read_text()), measure(samples)
    # A sum or a count too many would change the sixth digit by far.
    assert found == pytest.approx(expected)
    assert expected['KID_std'] > 0


if __name__ == '__main__':
    folder, rank = Path(sys.argv[1]), int(sys.argv[2])
    dist.init_process_group('gloo', f'file://{folder}/meet', rank=rank, world_size=2)
    # As mmengine's sampler: every second sample, filled up to equal numbers.
    every = torch.load(folder / 'samples', weights_only=False)
    metrics = measure([*every, every[0]][rank::2])
    if rank == 0:
        (folder / 'found').write_text(json.dumps(metrics))
    dist.destroy_process_group()
