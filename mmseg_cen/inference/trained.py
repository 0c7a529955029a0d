"""The network of a config and a checkpoint."""

from typing import Any

import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from mmengine.runner.amp import autocast
from mmseg.registry import MODELS

from mmseg_cen.datasets import samples_of_test, select
from mmseg_cen.freezing import freeze_exchange
from mmseg_cen.launch import check_checkpoint
from mmseg_cen.models import CENSegmentor
from mmseg_cen.models.pretrained import without_starts
from mmseg_cen.modes import check_precision, set_network_modes
from mmseg_cen.transforms import given_pipeline

from .network import Network, Options


def trained_network(cfg: Config, weights: str, options: Options) -> Network:
    """Build the network of a config, with the weights of a checkpoint.

    Args:
        cfg: Of a multimodal segmentor.
        weights: The checkpoint.
        options: How the network runs.

    Raises:
        ValueError: If the config lacks what an option needs, or the checkpoint is of
            another model.
    """
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    samples = samples_of_test(cfg)
    model = revert_sync_batchnorm(MODELS.build(without_starts(cfg.model)))
    names = tuple(model.data_preprocessor.modalities)
    takes_absence = isinstance(model, CENSegmentor)
    if options.absent and not (takes_absence and {*options.absent} <= {*names}):
        raise ValueError(
            f'`absent` must be modalities of a CENSegmentor, out of {list(names)}, got '
            f'{list(options.absent)} of a {type(model).__name__}: correct it'
        )
    pipeline = cfg.tta_pipeline if options.tta and 'tta_pipeline' in cfg else None
    if options.tta and (pipeline is None or cfg.get('tta_model') is None):
        raise ValueError(
            'the config must have tta_model and tta_pipeline for test-time '
            'augmentation, got one of them or none: add them, or leave it out'
        )
    check_checkpoint(model, weights, strict=True)
    model.to(options.device).eval()
    binary = getattr(model.decode_head, 'out_channels', 0) == 1
    always_absent = tuple((model.test_cfg or {}).get('absent') or ())
    if options.freeze:
        model = freeze_exchange(model)
    set_network_modes(
        model,
        channels_last=options.channels_last or bool(cfg.get('channels_last')),
        compile=options.compile or cfg.get('compile') or False,
    )
    if options.tta:
        model = MODELS.build({**cfg.tta_model, 'module': model})
        model.to(options.device).eval()
    device = torch.device(options.device).type
    precision = check_precision(options.amp, '--amp', device) if options.amp else None

    def predict(batch: dict[str, Any]) -> list[Any]:
        enabled = precision is not None
        with (
            torch.no_grad(),
            autocast(device_type=device, enabled=enabled, dtype=precision),
        ):
            found: list[Any] = model.test_step(batch)
        return found

    modalities = select(samples.modalities, names, options.modalities)
    return Network(
        modalities,
        given_pipeline(
            pipeline or samples.pipeline,
            modalities,
            {*samples.optional, *options.absent, *always_absent},
            samples.reduce_zero_label,
            options.size,
        ),
        samples.meta,
        predict,
        are_probabilities=options.tta or binary,
        model=model,
        cfg=cfg,
    )
