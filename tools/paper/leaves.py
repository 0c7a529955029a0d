"""The text of config leaves: command, the paper's figures, settings."""

import os
import textwrap
from typing import Any

from conversion.text import WIDTH, Name, source

from .row import Leaf, Row
from .rows import rows_of

SPLITS = ('train', 'val')


def text_of_leaf(leaf: Leaf) -> str:
    """The config file of a leaf."""
    if leaf.path.startswith('_base_/'):
        comment = textwrap.indent(_filled(leaf.title, WIDTH - 2), '# ')
        return f'{comment}\n{_body(leaf)}'
    command = f'python tools/train.py configs/{leaf.path}.py'
    return f'"""{leaf.title}.\n\n{command}\n\n{_results(leaf)}\n"""\n\n{_body(leaf)}'


def _filled(text: str, width: int = WIDTH) -> str:
    return textwrap.fill(text, width, break_on_hyphens=False, break_long_words=False)


# --- Settings -------------------------------------------------------------------------


def _body(leaf: Leaf) -> str:
    folder = os.path.dirname(leaf.path)
    base = leaf.base
    files = (f'{base.path}.py',) if isinstance(base, Leaf) else base
    paths = [os.path.relpath(path, folder) for path in files]
    text = source({'_base_': paths[0] if len(paths) == 1 else paths})
    if leaf.path.count('/') > 1 and not leaf.path.startswith('_base_/'):
        # Configs of several folders have one name: align_all.py.
        text += source({'work_dir': f'work_dirs/{leaf.path}'})
    settings = {**leaf.settings}
    if leaf.modality:
        settings = _of_one_modality(settings, leaf.modality)
    written: dict[int, str] = {}
    for key, value in settings.items():
        line = source({key: _by_name(value, written)})
        if comment := leaf.comments.get(key):
            line = f'{line.rstrip()}  # {comment}\n'
        text += line
        written.setdefault(id(value), key)
    return text


def _by_name(value: Any, written: dict[int, str]) -> Any:
    """The value, with objects that have a top-level name replaced by the name."""
    if isinstance(value, dict | tuple) and id(value) in written:
        return Name(written[id(value)])
    if isinstance(value, dict):
        return {key: _by_name(part, written) for key, part in value.items()}
    return value


def _of_one_modality(settings: dict[str, Any], name: str) -> dict[str, Any]:
    """The settings of a leaf, and one modality left of the paper's data."""

    def kept(path: str) -> dict[str, Any]:
        return {'_delete_': True, name: Name('{{_base_.' + f'{path}.{name}' + '}}')}

    model = dict(settings['model'])
    if name != 'rgb':
        model['data_preprocessor'] = dict(num_channels=3)  # as ImageNet's weights
    loaders: dict[str, Any] = {
        f'{split}_dataloader': dict(
            dataset=dict(modalities=kept(f'{split}_dataloader.dataset.modalities'))
        )
        for split in SPLITS
    }
    loaders['test_dataloader'] = loaders['val_dataloader']
    return dict(model=model, **loaders)


# --- The paper's figures --------------------------------------------------------------


def _results(leaf: Leaf) -> str:
    """The paper's figures of a leaf, and of its options if it has rows with some."""
    found = rows_of(leaf)
    rows = [row for rows in found.values() for row in rows]
    end = 'Not trained here.'
    if not leaf.path.startswith('translation/'):
        end = (
            'RefineNet, ResNet-101, NYUDv2, single-scale. Needs ImageNet weights '
            '(torchvision) and a GPU; not trained here.'
        )
    if leaf.note:
        end = f'{leaf.note} {end}'
    end = f'{end} Written by tools/paper/write_configs.py.'
    if not rows:
        return _filled(f'The paper has no such row. {end}')
    header, tables = header_of(rows[0]), _names_of([*found])
    if not any(row.options for row in rows):
        row = max(rows, key=lambda row: len(row.paper))
        return _filled(f"Paper's {header}: {figures_of(row)}, {tables}. {end}")
    lines = [f"Paper's {header}, {tables}, with --cfg-options:"]
    for row in {row.name: row for row in rows}.values():
        lines.append(f'{row.cells[-1]}: {figures_of(row)}')
        if is_as_leaf(row):
            lines[-1] += ', as it stands'
        else:
            lines.append(f'    {options_of(row)}')
    return '\n'.join([*lines, _filled(end)])


def _names_of(tables: list[str]) -> str:
    """Names of tables in a sentence: Tables 1, 2 and 7, and Sec. 4.1."""
    numbers = [key for key in tables if key.isdigit()]
    *most, last = numbers or ['']
    names = f'Tables {", ".join(most)} and {last}' if most else f'Table {last}'
    if len(numbers) == len(tables):
        return names
    return f'{names} and Sec. 4.1' if numbers else 'Sec. 4.1, additional ablations'


def header_of(row: Row) -> str:
    """The figures that :func:`figures_of` states."""
    if not row.translates:
        return 'mIoU'
    return 'FID / KID' if 'FID' in row.paper else 'MAE / root of MSE'


def figures_of(row: Row) -> str:
    """The paper's figures of a row; errors of images in [-1, 1], as they are logged."""
    paper = row.paper
    if 'FID' in paper:
        return f'{paper["FID"]:.2f} / {paper["KID"]:.2f}'
    if 'MAE' in paper:  # the table has them times 10
        return f'{paper["MAE"] / 10:.3f} / {paper["root of MSE"] / 10:.3f}'
    text = f'{paper["Ensemble"]:.1f}'
    if 'RGB' in paper:
        text += f', RGB {paper["RGB"]:.1f}, depth {paper["Depth"]:.1f}'
    if 'Params (M)' in paper:
        text += f' with {paper["Params (M)"]:.1f} M parameters'
    if paper.get('Fusion (M)'):
        text += f', {paper["Fusion (M)"]:.1f} M of them for the fusion'
    return text


# --- Options --------------------------------------------------------------------------


def options_of(row: Row) -> str:
    """A row's options as arguments of --cfg-options."""
    texts = []
    for key, value in row.options.items():
        text = f'"[{",".join(value)}]"' if isinstance(value, tuple) else str(value)
        texts.append(f'{key}={text}')
    return ' '.join(texts)


def is_as_leaf(row: Row) -> bool:
    """Whether the leaf has the row's options already."""

    def of_leaf(key: str) -> Any:
        value: Any = row.leaf.settings
        for name in key.split('.'):
            value = value.get(name, {})
        return value

    return all(of_leaf(key) == value for key, value in row.options.items())


def command_of(row: Row) -> str:
    """The command that trains a row on the paper's data."""
    command = f'python tools/train.py configs/{row.config}'
    return command if is_as_leaf(row) else f'{command} --cfg-options {options_of(row)}'
