"""Which plot a logged scalar belongs on, and as which curve."""

import re
from dataclasses import dataclass, replace

from mmseg_cen.streams.fold import ENSEMBLE
from mmseg_cen.visualization.curves import APART


@dataclass(frozen=True)
class Quantity:
    """A plot of the page.

    Args:
        title: Its title.
        order: Plots stand in this order.
        y_range: Limits of the values, None for those of the data.
        log: Whether a logarithmic scale is good.
    """

    title: str
    order: int = 50
    y_range: tuple[float | None, float | None] = (None, None)
    log: bool = False


#: Place of the plots of each stage.
BY_STAGE = 22
#: Names of curves that are all of a quantity, or the only one.
WHOLE = ('', 'lr', 'all of it')
PERCENT = (0.0, None)
SHARE = (0.0, 1.0)
NONE = ''

#: Pattern of the key, and the plot; the group `s` is the curve, other groups complete
#: the title. The first that matches counts.
OF_TRAINING = (
    (r'loss', Quantity('Total loss', 10, log=True)),
    (r'decode\.(?P<s>\w+)\.loss_(?P<t>\w+)', Quantity('Loss {t} of the streams', 11)),
    (r'decode\.loss_(?P<t>\w+)', Quantity('Loss {t}', 11)),
    (r'(?P<a>aux\w*)\.(?P<s>\w+)\.loss_(?P<t>\w+)', Quantity('Loss {t}, {a}', 12)),
    (r'(?P<a>aux\w*)\.loss_(?P<t>\w+)', Quantity('Loss {t}, {a}', 12)),
    (r'loss_d(_(?P<s>real|fake))?', Quantity('Loss of the discriminator', 12)),
    (r'loss_gan_(?P<s>\w+)', Quantity('Adversarial loss of the generator', 13)),
    (r'loss_l1_(?P<s>\w+)', Quantity('L1 loss of the generator', 11)),
    (r'loss_sparsity', Quantity('Sparsity penalty', 14, (0.0, None))),
    (
        r'decode\.(?P<s>\w+)\.acc_\w+',
        Quantity('Pixel accuracy of training batches, %', 15, PERCENT),
    ),
    (r'decode\.acc_\w+', Quantity('Pixel accuracy of training batches, %', 15)),
    (
        r'(?P<a>aux\w*)(\.(?P<s>\w+))?\.acc_\w+',
        Quantity('Pixel accuracy, {a}, %', 16, PERCENT),
    ),
    (
        r'exchange/(?P<s>\w+)/own',
        Quantity('Exchanged share of the own part', 20, SHARE),
    ),
    (
        r'exchange/(?P<s>\w+)/all',
        Quantity('Exchanged share of all channels', 21, SHARE),
    ),
    (
        r'exchange/(?P<t>\w+)/own/(?P<s>[\w.]+)',
        Quantity('Exchanged share of {t}, by stage', BY_STAGE, SHARE),
    ),
    (r'exchange/\w+/all/[\w.]+', Quantity(NONE)),
    (r'alpha/(?P<s>\w+)', Quantity('Alpha, weights of the ensemble', 25, SHARE)),
    (r'((?P<s>.+)\.)?lr', Quantity('Learning rate', 30, (0.0, None))),
    (r'(?P<s>base)_lr', Quantity('Learning rate', 30, (0.0, None))),
    (
        r'((?P<s>data)_)?time',
        Quantity('Seconds per iteration', 31, (0.0, None)),
    ),
    (r'memory', Quantity('GPU memory, MB', 32, (0.0, None))),
    (r'grad_norm', Quantity('Norm of the gradient', 33, log=True)),
)
FIRST = ('mIoU', 'MAE', 'mAcc', 'aAcc', 'PSNR', 'SSIM', 'FID', 'KID')


def training_quantity(key: str) -> tuple[Quantity, str]:
    """The plot and the name of the curve of a scalar of the training."""
    for pattern, quantity in OF_TRAINING:
        if found := re.fullmatch(pattern, key):
            groups = found.groupdict()
            title = quantity.title.format(**groups)
            return replace(quantity, title=title), groups.get('s') or _plain(key)
    return Quantity(key, 17 if 'loss' in key else 50), ''


def validation_quantity(key: str) -> tuple[Quantity, str]:
    """The plot and the name of the curve of a scalar of the validations."""
    if key in ('val/time', 'val/data_time'):
        return Quantity(NONE), ''
    *prefix, metric = key.split('/')
    if prefix[:1] == ['streams']:
        return Quantity('Streams that agree, or one of which is right, %', 5), '/'.join(
            [*prefix[1:], metric]
        )
    is_apart = bool(prefix) and (':' in prefix[0] or prefix[0] in APART)
    group = prefix[0] if is_apart else ''
    output = (prefix[1:] if group else prefix) or [ENSEMBLE]
    order = FIRST.index(metric) if metric in FIRST else 6
    is_share = metric in ('mIoU', 'mAcc', 'aAcc')
    title = f'{metric}{", %" * is_share} of the validation'
    if group:
        title, order = f'{metric}{", %" * is_share}, {group}', 8
    y_range = PERCENT if is_share else (None, None)
    return Quantity(title, order, y_range), '/'.join(output)


def _plain(key: str) -> str:
    return {'time': 'all of it', 'loss_d': 'sum', 'lr': 'lr'}.get(key, '')
