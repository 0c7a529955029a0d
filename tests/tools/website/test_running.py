"""Commands of the pages run, shortened: all but those that need something.

They run in one folder, one after another, each of them once; what a command reads is
made by the commands that the pages have for it. By default they are those of the first
pages; with COMMANDS=all, those of all pages, for a minute and a half of a core.
"""

import glob
import os
import re
import shlex

import cv2
import numpy as np
import pytest
from website.blocks import ROOT, all_blocks, commands, tool_of

from mmseg_cen.command_line import tools

#: Pages whose commands are always run; those of all others with COMMANDS=all.
FIRST = ('README.md', 'docs/your_own_data.md')
BLOCKS = [
    pytest.param(
        block,
        id=str(block),
        marks=pytest.mark.skipif(
            os.environ.get('COMMANDS') != 'all' and not str(block).startswith(FIRST),
            reason='set COMMANDS=all to run the commands of all pages',
        ),
    )
    for block in all_blocks()
    if block.language == 'bash'
    and not block.note
    and any(tool_of(words) for words in commands(block.code))
]
SIZE = (24, 32)

PREPARE = (
    'python tools/dataset_converters/from_folders.py data/mine --rgb mine/rgb '
    '--depth mine/depth --label mine/label --depth-unit 0.001'
)
SAMPLES = [
    'train_dataloader.dataset.num_samples=4',
    'train_dataloader.batch_size=2',
    'val_dataloader.dataset.num_samples=2',
    'test_dataloader.dataset.num_samples=2',
]
ROOMS = [*SAMPLES, 'train_dataloader.dataset.image_size=[32,32]']
FILES = [
    'train_cfg.max_epochs=1',
    'train_cfg.val_interval=1',
    'train_dataloader.num_workers=0',
]
#: What shortens a training or a test, by the beginning of its config.
SHORTER = {
    'configs/demo': ROOMS,
    'mmseg_cen::demo': ROOMS,
    'configs/translation/demo': SAMPLES,
    'data/mine': FILES,
}
#: Folders of data that are drawn, or made of drawn ones.
DRAWN = ('data/mine', 'data/new', 'data/thermal', 'data/normals')
#: Tools that read no data, whatever the config.
WITHOUT_DATA = ('analysis/get_flops.py',)
#: What the pages leave to the reader.
NAMES = {
    'CONFIG': 'data/mine/config.py',
    'CHECKPOINT': 'work_dirs/mine/best_mIoU_*.pth',
    'WORK_DIR': 'work_dirs/mine',
    'DIR': 'out',
    'randomness.seed=S': 'randomness.seed=0',
    'none=runs/no_exchange': 'none=runs/cen',
}


def draw(folder, rng, names):
    """Six aligned images and arrays of small rooms."""
    for name in names:
        (folder / name).mkdir(parents=True)
        for k in range(1, 7):
            path = folder / name / f'{k:04}'
            if name == 'normal':
                np.save(path, rng.random((*SIZE, 3), np.float32))
                continue
            low, high = {'rgb': (0, 256), 'label': (0, 2)}.get(name, (900, 4000))
            shape = (*SIZE, 3) if name == 'rgb' else SIZE
            image = rng.integers(low, high, shape)
            image = image.astype(np.uint16 if low else np.uint8)
            suffix = '.jpg' if name == 'rgb' else '.png'
            assert cv2.imwrite(f'{path}{suffix}', image)


@pytest.fixture(scope='module')
def desk(tmp_path_factory):
    """The folder in which commands run: a clone's configs, and somebody's images."""
    folder = tmp_path_factory.mktemp('desk')
    (folder / 'configs').symlink_to(ROOT / 'configs')
    rng = np.random.default_rng(0)
    draw(
        folder / 'mine',
        rng,
        ['rgb', 'depth', 'label', 'thermal', 'normal', 'curvature'],
    )
    draw(folder / 'new', rng, ['rgb', 'depth'])
    (folder / 'room.png').symlink_to(folder / 'mine/rgb/0001.jpg')
    (folder / 'room_depth.png').symlink_to(folder / 'mine/depth/0001.png')
    return folder


def filled(arguments):
    """What a user writes for the names on a page, and what makes it short."""
    first = arguments[0] if arguments else ''
    names = NAMES
    if demo := re.match(r'configs/demo/(\w+)\.py', first):
        names = {**NAMES, 'CHECKPOINT': f'work_dirs/{demo[1]}/epoch_8.pth'}
    config = names.get(first, first)
    shorter = [
        option
        for start, options in SHORTER.items()
        if config.startswith(start)
        for option in options
    ]
    return [names.get(word, word) for word in arguments], shorter


@pytest.fixture(scope='module')
def run(desk, run_in_server):
    """Run a command once, after what makes the files that it reads."""
    seen = set()

    def run(words):
        if (call := tool_of(words)) is None or tuple(words) in seen:
            return
        seen.add(tuple(words))
        path = tools().get(call[0], ROOT / 'tools' / call[0]).resolve()
        arguments, shorter = filled(call[1])
        given = [file for word in arguments for file in files_of(word)]
        if shorter and path.stem in ('train', 'test', 'controls'):
            given += ['--cfg-options', *shorter]
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(desk)
            patch.setenv('BROWSER', 'true')
            code, output = run_in_server(path, *given)
        assert code == 0, f'{shlex.join(words)}\n{output}'

    def files_of(word):
        """The files that an argument means, which are made where there are none."""
        for pattern, command in MADE.items():
            found = re.match(pattern, word)
            if found and not glob.glob(word, root_dir=desk):
                run(shlex.split(found.expand(command)))
        return sorted(glob.glob(word, root_dir=desk)) if '*' in word else [word]

    return run


#: Files, and the command that makes them.
MADE = {
    r'data/mine/': PREPARE,
    r'work_dirs/mine': 'python tools/train.py data/mine/config.py',
    r'work_dirs/(\w+_synthetic)': r'python tools/train.py configs/demo/\1.py',
}


def what_is_missing(words):
    """What a command reads that there is not on the desk; nothing if all is there."""
    if (call := tool_of(words)) is None:
        return '' if words[0] == 'pip' else words[0]
    for word in call[1]:
        is_name = re.fullmatch(r'[A-Z][A-Z_]+(\.\w+)?', word) and word not in NAMES
        is_data = word.startswith('data/') and not word.startswith(DRAWN)
        is_config = word.startswith('configs/') and not word.startswith((*SHORTER,))
        if is_name or is_data or (is_config and call[0] not in WITHOUT_DATA):
            return word
    return ''


def test_blocks_without_a_comment_read_what_there_is():
    missing = [
        f'{block}: {word} of {shlex.join(words)}'
        for block in all_blocks()
        if block.language == 'bash' and not block.note
        for words in commands(block.code)
        if (word := what_is_missing(words))
    ]
    assert not missing, (
        'blocks without a comment are run: write above them what they need, e.g. '
        f'`<!-- needs data -->`, see CONTRIBUTING.md: {missing}'
    )


@pytest.mark.parametrize(
    ('command', 'missing'),
    [
        ('python tools/train.py configs/cen/pspnet_r101_nyud.py', 'configs/cen/pspnet'),
        ('python tools/dataset_converters/fmb.py FMB data/fmb', 'FMB'),
        (
            'python tools/dataset_converters/nyudv2.py data/nyudv2 --check',
            'data/nyudv2',
        ),
        ('sbatch train.sh', 'sbatch'),
        ('python tools/test.py CONFIG CHECKPOINT --out DIR', ''),
    ],
)
def test_what_is_not_on_the_desk_is_found(command, missing):
    assert what_is_missing(shlex.split(command)).startswith(missing)
    assert bool(missing) == bool(what_is_missing(shlex.split(command)))


@pytest.mark.slow
@pytest.mark.parametrize('block', BLOCKS)
def test_the_commands_of_a_block_run(block, run):
    for words in commands(block.code):
        run(words)
