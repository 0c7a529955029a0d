"""A network that tools/deployment/export.py has written, by the JSON beside it."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import print_log
from mmengine.structures import PixelData
from mmseg.models.utils import resize
from torch import Tensor

from mmseg_cen.datasets import select
from mmseg_cen.deployment.formats import FORMATS, check_packages
from mmseg_cen.launch import require_file
from mmseg_cen.modality import Modality, build_modalities
from mmseg_cen.models import MultimodalPreprocessor
from mmseg_cen.modes import require_device
from mmseg_cen.streams.fold import ENSEMBLE
from mmseg_cen.transforms import given_pipeline
from mmseg_cen.transforms.inspection import is_depth

from .network import Network, Options

#: Options of a modality that a description may have.
FILE_OPTIONS = {field.name for field in fields(Modality)}


def exported_network(path: str, options: Options) -> Network:
    """Open a file of tools/deployment/export.py.

    A file runs on the device that it was exported on, whatever ``options`` say.

    Args:
        path: The file; its description is beside it.
        options: How the network runs.

    Raises:
        ValueError: If it is no segmentation, or cannot run so.
        FileNotFoundError: If a file does not exist.
    """
    description = read_description(path)
    fixed = ('tta', 'freeze', 'amp', 'channels_last', 'compile')
    if refused := [name for name in fixed if getattr(options, name)]:
        raise ValueError(
            f'an exported network must run as it was written, got {refused}: leave '
            'them out, and export it so (--freeze of tools/deployment/export.py)'
        )
    if description['test']['mode'] != 'whole':
        print_log(
            'The exported network predicts whole images; the test of its config has '
            'sliding windows',
            'current',
            logging.WARNING,
        )
    device = _device_of(description, options)
    run = FORMATS[description['format']].read(Path(path), torch.device(device))
    read = {one['name']: _modality(one) for one in description['modalities']}
    modalities = select(read, list(read), options.modalities)
    if options.absent:
        raise ValueError(
            f'an exported network must have all modalities, got absent='
            f'{list(options.absent)}: take the checkpoint'
        )
    pipeline = [
        dict(type='LoadModalities'),
        *description['test']['transforms'],
        dict(type='PackMultimodalInputs'),
    ]
    classes = description['classes']
    channels = description['outputs'][-1]['shape'][1]
    meta = dict(
        classes=classes or [str(k) for k in range(max(channels, 2))],
        palette=description['palette'],
        ignore_index=description['ignore_index'],
    )
    network = _ExportedSegmentor(description, run, device)
    return Network(
        modalities,
        given_pipeline(
            pipeline,
            modalities,
            reduce_zero_label=description.get('reduce_zero_label', False),
            size=options.size,
        ),
        {key: value for key, value in meta.items() if value is not None},
        network.predict,
        are_probabilities=channels == 1,
    )


def read_description(path: str) -> dict[str, Any]:
    """The description beside an exported segmentation.

    Raises:
        ValueError: If it is a translation, or packages are missing that run it.
        FileNotFoundError: If a file does not exist.
    """
    require_file(path, 'exported network')
    beside = f'{path}.json'
    require_file(beside, 'description beside an exported network')
    description: dict[str, Any] = json.loads(Path(beside).read_text(encoding='utf-8'))
    if description['task'] != 'segmentation':
        raise ValueError(
            f'the network must be a segmentation, got a {description["task"]}, '
            f'{path!r}: predict it by tools/test.py --out'
        )
    if not description['modalities']:
        raise ValueError(
            'the description of an exported network must name its modalities to read '
            f"their files, got none in '{beside}', as its data_preprocessor did not "
            'say them: give it a MultimodalPreprocessor, and export it again'
        )
    check_packages(description['format'])
    return description


def _device_of(description: Mapping[str, Any], options: Options) -> str:
    """Where an exported network runs: where its graph has its constants.

    Raises:
        ValueError: If this computer has no such device.
    """
    device = description.get('device')
    if device is None:  # of onnxruntime
        return options.device
    try:
        require_device(device)
    except ValueError as error:
        raise ValueError(
            f'an exported network must run on the device it was exported on, got '
            f'{device!r}, which this computer does not have: export it with '
            f'--device cpu'
        ) from error
    if torch.device(device).type != torch.device(options.device).type:
        print_log(
            f'The exported network runs on {device}, not on {options.device}: it was '
            f'exported there (--device of tools/deployment/export.py)',
            'current',
            logging.WARNING,
        )
    return str(device)


def _modality(described: Mapping[str, Any]) -> Modality:
    """How the files of a modality of an exported network are read."""
    name = described['name']
    known = {k: v for k, v in described['file'].items() if k in FILE_OPTIONS}
    # Those of the network are others where a transform encodes depth.
    known.setdefault('channels', described['channels'])
    modality = build_modalities({name: known})[name]
    is_rendered = described.get('rendered')
    if is_rendered is None:  # the data set was not known, or the version earlier
        is_untold = modality.dtype is None and modality.scale is None
        is_rendered = is_depth(name, modality) and is_untold
    if is_rendered:
        return replace(modality, dtype='float32', fill='nearest')
    return modality


class _ExportedSegmentor:
    """An exported network as one that predicts batches of samples."""

    def __init__(self, description: Mapping[str, Any], run: Any, device: str) -> None:
        self.run = run
        self.device = device
        self.streams = [one['stream'] for one in description['outputs']]
        self.least = description['size']['at_least']
        # Descriptions of earlier versions have neither; these are usual.
        self.threshold = description.get('threshold', 0.3)
        self.align_corners = description.get('align_corners', False)
        self.names = [one['name'] for one in description['modalities']]
        self.preprocessor = None
        if description['preprocessing'] == 'outside':
            options = {
                one['name']: {
                    key: one[key] for key in ('mean', 'std') if one[key] is not None
                }
                | dict(
                    channels=one['channels'],
                    bgr_to_rgb=one['reversed_by_preprocessing'],
                )
                for one in description['modalities']
            }
            self.preprocessor = MultimodalPreprocessor(
                options, description['channels_of_stream'], self.names
            )

    def predict(self, batch: dict[str, Any]) -> list[Any]:
        """The samples of a batch, with predictions at the size of the images."""
        samples = batch['data_samples']
        height, width = batch['inputs'][0].shape[-2:]
        if min(height, width) < self.least:
            raise ValueError(
                f'images must have {self.least} pixels a side at least for an exported '
                f'network, got {width}x{height}: take the checkpoint, or set `size`'
            )
        outputs = self.run(self.inputs(batch))
        for b, sample in enumerate(samples):
            scores = {
                name: self._scores(output[b : b + 1], sample.ori_shape)
                for name, output in zip(self.streams, outputs, strict=True)
            }
            _set_predictions(sample, scores, self.threshold)
        return list(samples)

    def inputs(self, batch: dict[str, Any]) -> tuple[Tensor, ...]:
        """What the file takes: packed modalities, or an image of each modality."""
        if self.preprocessor is not None:
            packed = self.preprocessor(batch)['inputs']
            return (packed.to(self.device),)
        parts: dict[str, list[Tensor]] = {name: [] for name in self.names}
        for x, sample in zip(batch['inputs'], batch['data_samples'], strict=True):
            channels = sample.modalities
            for name, part in zip(channels, x.split([*channels.values()]), strict=True):
                parts[name].append(part)
        return tuple(torch.stack(parts[name]).to(self.device) for name in self.names)

    def _scores(self, logits: Tensor, size: Sequence[int]) -> Tensor:
        (resized,) = resize(
            logits.float(),
            size=tuple(size),
            mode='bilinear',
            align_corners=self.align_corners,
            warning=False,
        )
        return resized.sigmoid() if len(resized) == 1 else resized


def _set_predictions(
    sample: Any, scores: Mapping[str, Tensor], threshold: float
) -> None:
    """Write scores and classes into a sample, as a CENSegmentor does."""
    classes = {
        name: (one > threshold).to(one)
        if len(one) == 1
        else one.argmax(dim=0, keepdim=True)
        for name, one in scores.items()
    }
    main = ENSEMBLE if ENSEMBLE in scores else next(iter(scores))
    streams = [name for name in scores if name != main]
    sample.seg_logits = PixelData(data=scores[main])
    sample.pred_sem_seg = PixelData(data=classes[main])
    if streams:
        sample.stream_logits = PixelData(**{name: scores[name] for name in streams})
        sample.pred_streams = PixelData(**{name: classes[name] for name in streams})
