"""Features of the Inception network that FID and KID are defined with."""

import importlib
import sys
import types
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from PIL import Image
from torch import Tensor, nn

from mmseg_cen.checkpoints import read_checkpoint, state_of

_SIZE = 299
_FILES = (  # the same file under the names of torch-fidelity and of pytorch-fid
    'weights-inception-2015-12-05-6726825d.pth',
    'pt_inception-2015-12-05-6726825d.pth',
)
RESIZES = ('tensorflow', 'clean', 'pytorch')


@MODELS.register_module()
class InceptionFeatures(nn.Module):
    """The 2048 pooled features of the Inception-v3 of 2015 ("pool3").

    The network is torch-fidelity's, equal to the TensorFlow original; its weights come
    from a file. There is no other network to fall back to: without the library or the
    weights it cannot be built.

    Args:
        weights: Path of the weights; ``'download'`` lets the library fetch them;
            ``None`` takes the file from the folder to which the library downloads
            (``torch.hub.get_dir()``).
        resize: How images are resized to 299×299. ``'tensorflow'``: bilinear without
            antialias, bit by bit as the original; ``'clean'``: bicubic with antialias
            (Parmar et al., "On Aliased Resizing and Surprising Subtleties in GAN
            Evaluation", 2022); ``'pytorch'``: bilinear without antialias as PyTorch
            samples it, like pytorch-fid and the released code of the paper.

    Shape:
        (B, 3, H, W) uint8 → (B, 2048) float32.

    Raises:
        ImportError: If torch-fidelity is missing.
        OSError: If the weights are missing or cannot be fetched.
        ValueError: If ``resize`` is unknown or the weights are another network's.
    """

    def __init__(self, weights: str | None = None, resize: str = 'tensorflow') -> None:
        super().__init__()
        if resize not in RESIZES:
            raise ValueError(
                f'`resize` must be one of {RESIZES}, got {resize!r}: choose one of them'
            )
        self.resize = resize
        library = import_inception()
        path = None if weights == 'download' else _find_weights(weights, library)
        if path is not None:
            _check_weights(path)
        self.network = library.FeatureExtractorInceptionV3(
            'inception-v3-compat', ['2048'], feature_extractor_weights_path=path
        )
        # In the order of the forward pass, up to the pooled features.
        stages = [m for name, m in self.network.named_children() if name != 'fc']
        self.stages = nn.Sequential(*stages, nn.Flatten())

    def train(self, mode: bool = True) -> 'InceptionFeatures':
        """Stay in evaluation mode."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        if self.resize == 'tensorflow':
            features: Tensor = self.network(images)[0]
            return features
        if self.resize == 'clean':
            images = torch.stack([_resize_clean(image) for image in images.cpu()])
            images = images.to(next(self.parameters()).device)
            return self.stages((images - 128) / 128)
        images = F.interpolate(images / 255, (_SIZE, _SIZE), mode='bilinear')
        return self.stages(2 * images - 1)


def _resize_clean(image: Tensor) -> Tensor:
    """Resize (3, H, W) with antialias, without rounding: float32 in [0, 255]."""
    pictures = (Image.fromarray(channel.float().numpy()) for channel in image)
    size, method = (_SIZE, _SIZE), Image.Resampling.BICUBIC
    channels = [np.asarray(picture.resize(size, method)) for picture in pictures]
    return torch.from_numpy(np.stack(channels)).clamp(0, 255)


def import_inception() -> Any:
    """Import the module of torch-fidelity with the Inception network.

    The package imports torchvision, which not every build of torch has. The network
    does not need it: where torchvision is missing, the module is imported without the
    ``__init__`` of the package.

    Raises:
        ImportError: If torch-fidelity is missing.
    """
    name = 'torch_fidelity.feature_extractor_inceptionv3'
    spec = find_spec('torch_fidelity')
    if spec is None:
        raise ImportError(
            'torch-fidelity must be installed for FID and KID, got none: '
            '`pip install torch-fidelity`, with `--no-deps` where torchvision has no '
            'build for this torch (it is not needed here)'
        )
    before = set(sys.modules)
    try:
        return importlib.import_module(name)
    except ImportError:
        _forget('torch_fidelity', before)
    package = types.ModuleType('torch_fidelity')
    package.__path__ = list(spec.submodule_search_locations or ())
    sys.modules['torch_fidelity'] = package
    try:
        return importlib.import_module(name)
    finally:
        # Whoever imports the package later gets it whole, or its own error.
        _forget('torch_fidelity', before)


def _forget(package: str, known: set[str]) -> None:
    for name in set(sys.modules) - known:
        if name == package or name.startswith(f'{package}.'):
            del sys.modules[name]


def _find_weights(weights: str | None, library: Any) -> str:
    folder = Path(torch.hub.get_dir(), 'checkpoints')
    places = [folder / name for name in _FILES] if weights is None else [Path(weights)]
    for place in places:
        if place.is_file():
            return str(place)
    raise FileNotFoundError(
        'FID and KID must have the weights of the Inception network, got no file '
        f'{places[0]}: fetch {library.URL_INCEPTION_V3} (90 MB) and put it there, give '
        "its path as `weights`, or set weights='download' to fetch it at start-up"
    )


def _check_weights(path: str) -> None:
    """Refuse another network's file before the library unpickles it."""
    state = state_of(read_checkpoint(path, 'cpu'), path)
    known = 'Conv2d_1a_3x3.conv.weight' in state and 'fc.weight' in state
    if not known or tuple(state['fc.weight'].shape) != (1008, 2048):
        raise ValueError(
            f'`weights` must be the Inception network of FID, {_FILES[0]}, got another '
            f'network: {path}'
        )
