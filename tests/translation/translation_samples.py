"""Hand-made samples of a translation."""

from types import SimpleNamespace

import torch
from mmengine.evaluator import Evaluator
from mmengine.structures import PixelData

from mmseg_cen.translation import TranslationDataSample

SOURCES = dict(shade=1, texture=1)


def make_samples(n=4, channels=3, size=(24, 20), sources=SOURCES, invalid=0.0):
    """Return samples with targets and predictions that are near them."""
    generator = torch.Generator().manual_seed(n)

    def draw(*shape):
        return 2 * torch.rand(*shape, generator=generator) - 1

    samples = []
    for i in range(n):
        target = draw(channels, *size)
        sample = TranslationDataSample(
            metainfo=dict(img_path=f'a/{i}.png', sources=sources, target='rgb'),
            gt_image=PixelData(data=target),
            pred_image=PixelData(data=0.7 * target + 0.3 * draw(*target.shape)),
        )
        if sources:
            streams = {name: draw(*target.shape) for name in sources}
            sample.pred_streams = PixelData(**streams)
        if invalid:
            valid = torch.rand(1, *size, generator=generator) > invalid
            sample.gt_valid = PixelData(data=valid)
        samples.append(sample)
    return samples


def predictions(sample):
    streams = {name: sample.pred_streams.get(name) for name in sample.get('sources')}
    return {**streams, 'ensemble': sample.pred_image.data}


def evaluate(metric, samples, batch_size=2):
    evaluator = Evaluator(metric)
    for start in range(0, len(samples), batch_size):
        evaluator.process(samples[start : start + batch_size], None)
    return evaluator.evaluate(len(samples))


def fake_runner(dataset, visualizer=None):
    loop = SimpleNamespace(dataloader=SimpleNamespace(dataset=dataset))
    return SimpleNamespace(val_loop=loop, test_loop=loop, visualizer=visualizer, iter=0)
