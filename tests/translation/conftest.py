"""Hand-made samples of a translation, and functions that evaluate metrics on them."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.structures import PixelData

from mmseg_cen.translation import TranslationDataSample

SOURCES = dict(shade=1, texture=1)


@pytest.fixture
def make_samples():
    """Function that makes samples with targets and predictions that are near them."""

    def make(n=4, channels=3, size=(24, 20), sources=SOURCES, invalid=0.0, paths=None):
        generator = torch.Generator().manual_seed(n)

        def draw(*shape):
            return 2 * torch.rand(*shape, generator=generator) - 1

        samples = []
        for i in range(n):
            target = draw(channels, *size)
            sample = TranslationDataSample(
                metainfo=dict(
                    img_path=paths[i] if paths else f'a/{i}.png',
                    sources=sources,
                    target='rgb',
                ),
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

    return make


@pytest.fixture
def predictions():
    """Function that returns the predicted images of a sample, by name."""

    def of_sample(sample):
        names = sample.get('sources')
        streams = {name: sample.pred_streams.get(name) for name in names}
        return {**streams, 'ensemble': sample.pred_image.data}

    return of_sample


@pytest.fixture
def evaluate():
    """Function that evaluates a metric on samples, batch by batch."""

    def run(metric, samples, batch_size=2):
        evaluator = Evaluator(metric)
        for start in range(0, len(samples), batch_size):
            evaluator.process(samples[start : start + batch_size], None)
        return evaluator.evaluate(len(samples))

    return run


class Dataset:
    metainfo = {}

    def __init__(self, paths):
        self.paths = paths

    def __len__(self):
        return len(self.paths)

    def get_data_info(self, index):
        return dict(img_path=self.paths[index])


class Runner(SimpleNamespace):
    """Stands in for a runner in a test of samples with these paths."""

    def __init__(self, samples):
        dataset = Dataset([sample.img_path for sample in samples])
        loop = SimpleNamespace(dataloader=SimpleNamespace(dataset=dataset))
        self.images = {}
        visualizer = SimpleNamespace(
            add_image=lambda name, image, step: self.images.update({name: image})
        )
        super().__init__(
            val_loop=loop, test_loop=loop, visualizer=visualizer, iter=3, images={}
        )


@pytest.fixture
def runner_of():
    """Function that returns what stands in for a runner in a test of samples."""
    return Runner
