"""The networks that are compared, each with the inputs that it takes."""

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)

import copy
from typing import Any

import torch
from mmengine.model import revert_sync_batchnorm
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from mmseg_cen.launch import check_checkpoint, load_config
from mmseg_cen.models.modalities import hand_down, names_of
from mmseg_cen.models.segmentor import is_cen_segmentor
from mmseg_cen.modes import compile_network
from mmseg_cen.streams.exchange import own_part
from mmseg_cen.streams.fold import fold_streams
from mmseg_cen.streams.places import exchanging_norms

from .lists import list_segmentor, weights_of_lists
from .plain import plain_model

OURS = 'ours'
#: What it is measured against, beside other configs.
RIVALS = ('plain', 'lists')
#: Parts of a model that know the modalities.
PARTS = ('backbone', 'decode_head', 'auxiliary_head', 'data_preprocessor')


class Contestant:
    """A network of the toolbox, and what it does in a test and in a training.

    Args:
        model: An ``EncoderDecoder``, such as a CENSegmentor.

    Attributes:
        model: The network.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model

    def inputs(self, images: Tensor) -> Any:
        """What the network takes for packed images (B, M*C, H, W).

        A network of fewer modalities takes the first ones.

        Raises:
            ValueError: If it has more modalities.
        """
        channels = getattr(self.model.backbone, 'packed_channels', images.shape[1])
        if channels > images.shape[1]:
            raise ValueError(
                f'a network of --against must have no more modalities than the config, '
                f'got one of {channels} packed channels for {images.shape[1]}: turn '
                f'the two about'
            )
        return images[:, :channels].contiguous()

    def targets(self, labels: Tensor) -> Any:
        """What its losses take for labels (B, H, W)."""
        return [SegDataSample(gt_sem_seg=PixelData(data=x[None])) for x in labels]

    def predict(self, inputs: Any) -> Any:
        """Logits, at the size at which the head gives them."""
        return self.model(inputs, mode='tensor')

    def loss(self, inputs: Any, targets: Any) -> Tensor:
        """The sum of all losses."""
        losses = self.model(inputs, targets, mode='loss')
        return self.model.parse_losses(losses)[0]

    def compile(self) -> None:
        """Compile the parts of the network when they first run."""
        compile_network(self.model)


class PlainContestant(Contestant):
    """A unimodal network, which sees M modalities as M images."""

    def __init__(self, model: nn.Module, num_modalities: int) -> None:
        super().__init__(model)
        self.num_modalities = num_modalities

    def inputs(self, images: Tensor) -> Tensor:
        return fold_streams(images, self.num_modalities)

    def targets(self, labels: Tensor) -> Any:
        return super().targets(labels.repeat_interleave(self.num_modalities, dim=0))


class ListContestant(Contestant):
    """A :class:`~benchmarking.lists.ListSegmentor`, which takes a list of images."""

    def __init__(self, model: nn.Module, num_modalities: int) -> None:
        super().__init__(model)
        self.num_modalities = num_modalities

    def inputs(self, images: Tensor) -> list[Tensor]:
        parts = images.chunk(self.num_modalities, dim=1)
        return [part.contiguous() for part in parts]

    def targets(self, labels: Tensor) -> Tensor:
        return labels

    def predict(self, inputs: list[Tensor]) -> list[Tensor]:
        return self.model(inputs)

    def loss(self, inputs: list[Tensor], targets: Tensor) -> Tensor:
        return self.model.loss(inputs, targets)

    def compile(self) -> None:
        for part in self.model.children():
            part.compile()


def build(
    name: str,
    config: dict[str, Any],
    exchanged: float = 0.5,
    checkpoint: str | None = None,
) -> Contestant:
    """Build a network with random weights, or those of a checkpoint.

    Args:
        name: ``'ours'``, the model of the config; ``'lists'``, the same with the same
            weights; ``'plain'``; or the path of another config.
        config: The ``model`` of the config, a CENSegmentor.
        exchanged: Share of the channels of each own part whose scaling factors become
            0, so that they are exchanged.
        checkpoint: Weights of the model of the config.

    Raises:
        ValueError: If the network cannot be built.
    """
    if name not in (OURS, *RIVALS):
        config, checkpoint = model_config(load_config(name)), None
    M = len(config['modalities'])
    if name == 'plain':
        return PlainContestant(build_model(plain_model(config)), M)
    ours = build_model(config)
    if checkpoint is not None:
        check_checkpoint(ours, checkpoint, strict=True)  # and loads it
    else:
        exchange_share(ours, exchanged)
    if name != 'lists':
        return Contestant(ours)
    lists = list_segmentor(config)
    lists.load_state_dict(weights_of_lists(ours.state_dict(), M))
    return ListContestant(lists, M)


def build_model(config: dict[str, Any]) -> nn.Module:
    """Build a network from its config, without reading pretrained weights."""
    return revert_sync_batchnorm(MODELS.build(copy.deepcopy(config)))


def exchange_share(model: nn.Module, share: float) -> None:
    """Set the scaling factors of a share of each own part to 0, the others to 1."""
    for norm in exchanging_norms(model).values():
        M, C = norm.num_modalities, norm.num_features
        small = torch.zeros(M, C, dtype=torch.bool)
        for m, part in enumerate(own_part(M, C)):
            channels = part.nonzero().flatten()
            small[m, channels[: round(share * len(channels))]] = True
        with torch.no_grad():
            norm.gamma.copy_((~small).to(norm.gamma))


def model_config(config: Any, num_modalities: int | None = None) -> dict[str, Any]:
    """The ``model`` of a config, whose parts know the modalities.

    Args:
        config: The config.
        num_modalities: Number of modalities M; ``None``: that of the config.

    Raises:
        ValueError: If the model is not a CENSegmentor.
    """
    model = config.get('model')
    if not is_cen_segmentor(model):
        raise ValueError(
            f"the `model` of the config must be a 'CENSegmentor', got "
            f'{model and model.get("type")!r}: name a config of a segmentation'
        )
    model = without_pretrained(model.to_dict())
    parts = {part: model.get(part) for part in PARTS}
    if num_modalities is not None:
        model['modalities'] = [f'modality{m}' for m in range(num_modalities)]
        parts['data_preprocessor'] = None
        for part in flat(
            parts['backbone'], parts['decode_head'], parts['auxiliary_head']
        ):
            part.pop('modalities', None)
            part.pop('num_modalities', None)
    model['modalities'] = names_of({**model, **parts})
    return model | hand_down(model['modalities'], parts)


def without_pretrained(config: Any) -> Any:
    """A config without the checkpoints that its parts start from."""
    if isinstance(config, (list, tuple)):
        return type(config)(without_pretrained(part) for part in config)
    if not isinstance(config, dict):
        return config
    starts = config.get('init_cfg')
    is_pretrained = isinstance(starts, dict) and starts.get('type') == 'Pretrained'
    left_out = {'pretrained', *(['init_cfg'] if is_pretrained else [])}
    return {k: without_pretrained(v) for k, v in config.items() if k not in left_out}


def input_channels(model: dict[str, Any]) -> int:
    """Packed channels M*C of the input of a model."""
    backbone = model['backbone']
    backbone = backbone.get('backbone', backbone)  # of a CENBackbone
    return len(model['modalities']) * backbone.get('in_channels', 3)


def flat(*configs: Any) -> list[dict[str, Any]]:
    """Configs, those of lists among them, without None."""
    lists = [c if isinstance(c, list) else [c] for c in configs]
    return [config for configs in lists for config in configs if config is not None]
