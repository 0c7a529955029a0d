"""The result of one config: passed, failed, refused or not installed."""

import importlib.util
import re
import traceback
from pathlib import Path
from typing import Any

from conversion.model import SEGMENTORS
from mmengine.config import Config, ConfigDict
from mmseg.registry import MODELS

from mmseg_cen.models.heads import why_refused

from .checks import check
from .choice import shrink

PACKAGES = ('mmpretrain', 'mmdet', 'timm', 'diffusers', 'ldm')


class NotInstalledError(Exception):
    """A package that the config needs is missing."""


class RefusedError(Exception):
    """The model cannot be converted."""


def as_list(cfg: Any) -> list:
    return list(cfg) if isinstance(cfg, (list, tuple)) else [cfg]


def prerequisites(path: Path, cfg: ConfigDict) -> None:
    """Check that a config can be converted and run.

    Raises:
        RefusedError: If the model cannot be converted.
        NotInstalledError: If a package is missing.
    """
    for head in as_list(cfg.get('decode_head')) + as_list(cfg.get('auxiliary_head')):
        head_type = MODELS.get(head['type']) if head else None
        if head_type and (reason := why_refused(head_type)):
            raise RefusedError(f'{head_type.__name__}: {reason}')
    if cfg.type not in SEGMENTORS:
        raise RefusedError(f'{cfg.type}: it is not a plain encoder and decoder')
    text = Config.fromfile(path, import_custom_modules=False).pretty_text
    for package in PACKAGES:
        used = re.search(rf'\b{package}\b', text)
        if used and importlib.util.find_spec(package) is None:
            raise NotInstalledError(package)


def run(path: Path, cfg: ConfigDict) -> dict[str, Any]:
    """Result of one config: ``status``, ``reason``, numbers of layers and weights."""
    try:
        prerequisites(path, cfg)
        Config.fromfile(path)  # imports what the config asks for
        small = shrink(cfg)
        counts = {}
        for M in (2, 3):
            counts[M] = check(small, M)
    except RefusedError as error:
        return dict(status='refused', reason=str(error))
    except NotInstalledError as error:
        return dict(status='not installed', reason=f'needs {error}')
    except ImportError as error:
        return dict(status='not installed', reason=str(error).split(': run')[0])
    except ValueError as error:
        status = 'refused' if 'cannot be private' in str(error) else 'failed'
        return dict(status=status, reason=str(error))
    except Exception as error:
        traceback.print_exc()
        return dict(status='failed', reason=f'{type(error).__name__}: {error}')
    return dict(status='pass', reason='', **counts[2])
