"""The translations of the tables: CEN from some domains to another."""

from typing import Any

from .row import Leaf

#: The network, the data and the schedule of the paper.
PIX2PIX = tuple(
    f'translation/_base_/{path}.py'
    for path in (
        'runtime',
        'models/cen_pix2pix',
        'datasets/taskonomy',
        'schedules/pix2pix_300e',
    )
)
_TITLES = {'rgb': 'RGB'}  # others as they are


def _task(sources: tuple[str, ...], target: str) -> str:
    """A translation in words."""
    names = [_TITLES.get(name, name) for name in (*sources, target)]
    return f'{" + ".join(names[:-1])} to {names[-1]}'


def _domains(sources: tuple[str, ...], target: str) -> Leaf:
    """CEN of these sources; of a single one, pix2pix."""
    generator: dict[str, Any] = dict(num_modalities=len(sources))
    model = dict(
        sources=sources, data_preprocessor=dict(sources=sources), generator=generator
    )
    if target in ('depth', 'shade'):  # of one channel
        generator['out_channels'] = 1
    choice = dict(dataset=dict(sources=sources, target=target))
    settings: dict[str, Any] = dict(sources=sources, model=model, choice=choice)
    for split in ('train', 'val', 'test'):
        settings[f'{split}_dataloader'] = choice
    if target != 'rgb':
        settings['test_evaluator'] = [dict(type='TranslationMetric')]
    title = 'CEN' if len(sources) > 1 else 'Pix2pix'
    return Leaf(
        f'translation/{"_".join(sources)}_to_{target}',
        f'{title}, {_task(sources, target)}, Taskonomy',
        PIX2PIX,
        settings,
    )


SHADE_TEXTURE = ('shade', 'texture')
DOMAINS = {
    (sources, target): _domains(sources, target)
    for sources, target in (
        (SHADE_TEXTURE, 'rgb'),
        ((*SHADE_TEXTURE, 'depth'), 'rgb'),
        (('depth',), 'rgb'),
        (('normal',), 'rgb'),
        (('texture',), 'rgb'),
        (('shade',), 'rgb'),
        (('depth', 'normal'), 'rgb'),
        (('depth', 'normal', 'texture'), 'rgb'),
        (('depth', 'normal', 'texture', 'shade'), 'rgb'),
        (('rgb', 'shade'), 'normal'),
        (('rgb', 'normal'), 'shade'),
        (('rgb', 'edge'), 'depth'),
        (('rgb',), 'depth'),
        (('edge',), 'depth'),
    )
}
