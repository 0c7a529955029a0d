"""Predictions of files and arrays, by the conventions of mmengine's inferencers."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.dataset import pseudo_collate
from mmengine.device import get_device
from mmengine.infer import BaseInferencer
from mmengine.registry import init_default_scope
from mmengine.visualization import Visualizer

from .loading import PackedSample, SampleLoader
from .network import Options
from .opening import open_network
from .outputs import DEFAULT_KINDS, Outputs, Prediction
from .progress import Speed, show_progress
from .samples import Given, collect


class MultimodalInferencer(BaseInferencer):
    """Predict multimodal samples: files, folders, patterns, videos, arrays, tensors.

    Files are read as the config says of those of its test. Predictions have the size of
    the image.

    Example::

        inferencer = MultimodalInferencer('config.py', 'epoch_300.pth')
        result = inferencer(dict(rgb='room.png', depth='room_depth.png'))
        labels = result['predictions'][0]  # (H, W), indices of classes

    Args:
        model: Path of a config, or a config; a work directory, whose config and best
            or last checkpoint are taken; or a file that tools/deployment/export.py has
            written, with its JSON beside it.
        weights: Path of the checkpoint.
        device: Where the network runs, such as ``'cpu'`` or ``'cuda:0'``; by default, a
            GPU if there is one.
        modalities: Options of :class:`~mmseg_cen.modality.Modality`, by name, that
            replace those of the config: ``dict(depth=dict(scale=0.001,
            invalid=65535, resize=True))`` for millimeters, no depth where the file has
            65535, and arrays of another size than the image.
        absent: Names of modalities that samples may lack.
        size: Greatest width and height, pixels, to which samples are resized for the
            network, instead of as the config says.
        tta: Whether to average augmented versions, as ``tta_pipeline`` says.
        amp: Type of mixed precision, ``'auto'``, ``'bf16'`` or ``'fp16'``.
        freeze: Whether to leave out channels that the exchange replaces.
        channels_last: Whether the channels of a pixel are side by side in memory.
        compile: Whether to compile the network.
        cfg_options: Values of the config by dotted key, such as ``model.test_cfg``.
        show_progress: Whether to show a bar with the speed.

    Raises:
        ValueError: If the model is none of these, or the checkpoint does not fit.
        FileNotFoundError: If a file does not exist.
    """

    preprocess_kwargs: set[str] = set()
    forward_kwargs: set[str] = set()
    visualize_kwargs: set[str] = {'show', 'wait_time', 'return_vis'}
    postprocess_kwargs: set[str] = set()

    def __init__(
        self,
        model: Any,
        weights: str | None = None,
        device: str | None = None,
        modalities: Mapping[str, Mapping[str, Any]] | None = None,
        absent: Sequence[str] = (),
        size: tuple[int, int] | None = None,
        tta: bool = False,
        amp: str | None = None,
        freeze: bool = False,
        channels_last: bool = False,
        compile: bool = False,  # as mmengine names it
        cfg_options: dict[str, Any] | None = None,
        show_progress: bool = True,
    ) -> None:
        init_default_scope('mmseg')
        options = Options(
            device=str(device or get_device()),
            modalities=modalities or {},
            absent=tuple(absent),
            size=size,
            tta=tta,
            amp=amp,
            freeze=freeze,
            channels_last=channels_last,
            compile=compile,
        )
        # Not the parent's: the network may have no config, and is checked.
        self.network = open_network(model, weights, options, cfg_options)
        self.scope = 'mmseg'
        self.cfg = self.network.cfg
        self.model = self.network.model
        self.pipeline = self._init_pipeline(self.cfg)
        self.collate_fn = pseudo_collate
        self.visualizer: Any = None
        self.show_progress = show_progress
        self.speed = Speed()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the modalities, in the order of the streams."""
        return tuple(self.network.modalities)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        return tuple(self.network.meta['classes'])

    def __call__(
        self,
        inputs: Any,
        return_datasamples: bool = False,
        batch_size: int = 1,
        *,
        show: bool = False,
        wait_time: float = 0,
        return_vis: bool = False,
        out_dir: str | Path | None = None,
        save: Sequence[str] = DEFAULT_KINDS,
        skip_existing: bool = False,
    ) -> dict[str, list[Any]]:
        """Predict samples.

        Args:
            inputs: ``dict(rgb=…, depth=…)``: under the name of each modality a file, a
                folder, a pattern, a video, an array (H, W) or (H, W, C), a tensor
                (C, H, W), or a list of these; a list of such dicts; or a ``.npz`` file
                with an array under each name. In memory, ``rgb`` and three channels of
                uint8 are in BGR, other arrays as in their files.
            return_datasamples: Whether predictions are ``SegDataSample``, else labels.
            batch_size: Samples of one size that the network gets at once.
            show: Whether to show a picture of each sample in a window.
            wait_time: How long, in seconds; 0 waits for a key.
            return_vis: Whether pictures are returned.
            out_dir: Folder that files are written to; nothing but their paths is
                returned then, unless ``return_datasamples`` or ``return_vis``.
            save: Which files, see :data:`~mmseg_cen.inference.outputs.KINDS`.
            skip_existing: Whether samples are left out whose files are all there.

        Returns:
            Under ``'predictions'``, ``'visualization'``, ``'files'`` and ``'names'`` a
            list each, with an entry for each sample or empty.
        """
        found: dict[str, list[Any]] = dict(
            predictions=[], visualization=[], files=[], names=[]
        )
        given = self.collect(inputs)
        outputs = self.outputs(out_dir, save) if out_dir is not None else None
        predictions = self.stream(given, batch_size, outputs, skip_existing)
        for prediction in predictions:
            pictures = self.visualize(
                [prediction.name], [prediction], show, wait_time, return_vis
            )
            part = self.postprocess([prediction], pictures, return_datasamples)
            found['visualization'] += part['visualization']
            found['names'] += part['names']
            if outputs is not None:
                found['files'].append(outputs.paths_of(prediction))
            if outputs is None or return_datasamples:
                found['predictions'] += part['predictions']
        return found

    def collect(self, inputs: Any) -> list[Given]:
        """The samples that inputs stand for, see :meth:`__call__`."""
        return collect(inputs, self.network.modalities)

    def outputs(self, out_dir: str | Path, save: Sequence[str]) -> Outputs:
        """The files that ``save`` stands for, in a folder."""
        return Outputs(out_dir, save, self.names)

    def stream(
        self,
        given: Sequence[Given],
        batch_size: int = 1,
        outputs: Outputs | None = None,
        skip_existing: bool = False,
    ) -> Iterator[Prediction]:
        """Predict samples one after another, and keep none of them in memory.

        Args:
            given: The samples.
            batch_size: Samples of one size that the network gets at once.
            outputs: Files that are written of each.
            skip_existing: Whether samples are left out whose files are all there.

        Yields:
            The prediction of each sample, when its files are written.

        Raises:
            ValueError: If the batch size is not positive.
        """
        if batch_size < 1:
            raise ValueError(
                f'`batch_size` must be at least 1, got {batch_size}: give a larger one'
            )
        if outputs is not None:
            given = outputs.without_own(given)
            outputs.check(given)
            if skip_existing:
                given = [one for one in given if not outputs.are_written(one)]
        self.speed = Speed()
        predictions = self._predictions(given, batch_size, outputs)
        if self.show_progress and len(given) > 1:
            predictions = show_progress(predictions, len(given), self.speed)
        yield from predictions

    def _predictions(
        self, given: Sequence[Given], batch_size: int, outputs: Outputs | None
    ) -> Iterator[Prediction]:
        for batch in self.preprocess(given, batch_size):
            for prediction in self.forward(batch):
                if outputs is not None:
                    outputs.write(prediction)
                yield prediction

    def preprocess(
        self, inputs: Iterable[Given], batch_size: int = 1, **kwargs: Any
    ) -> Iterator[list[PackedSample]]:
        """Load and pack samples, in batches of one size."""
        return self.pipeline.batches(inputs, batch_size)

    def forward(self, inputs: Any, **kwargs: Any) -> list[Prediction]:
        """Predict a batch of :meth:`preprocess`."""
        batch = self.collate_fn([one.packed for one in inputs])
        network = self.network
        samples = network.predict(batch)
        return [
            Prediction(
                one.name, sample, one.images, network.meta, network.are_probabilities
            )
            for one, sample in zip(inputs, samples, strict=True)
        ]

    def visualize(
        self,
        inputs: list[str],
        preds: Sequence[Prediction],
        show: bool = False,
        wait_time: float = 0,
        return_vis: bool = False,
        **kwargs: Any,
    ) -> list[Any]:
        """Show or return a picture (h, w, 3), RGB, of each prediction."""
        if not show and not return_vis:
            return []
        pictures = [prediction.panel() for prediction in preds]
        for name, picture in zip(inputs, pictures, strict=True):
            if show:
                self.visualizer = self.visualizer or Visualizer()
                self.visualizer.show(picture, name, wait_time)
        return pictures if return_vis else []

    def postprocess(
        self,
        preds: Sequence[Prediction],
        visualization: list[Any],
        return_datasample: bool = False,
        **kwargs: Any,
    ) -> dict[str, list[Any]]:
        """Collect predictions and pictures."""
        return dict(
            names=[one.name for one in preds],
            predictions=[p.sample if return_datasample else p.labels for p in preds],
            visualization=visualization,
        )

    def _init_pipeline(self, cfg: Any) -> SampleLoader:
        """What loads and packs samples."""
        return SampleLoader(self.network.pipeline, self.names)
