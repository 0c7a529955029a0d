"""Mistakes of users, in one line: what must be, what was found, what to do."""

import errno
import linecache
import os
import re
import sys
import traceback
from pathlib import Path
from urllib.error import URLError

MISSING = 'the config must have {0!r}, got none: add it'

#: Mistakes that libraries report in their own words: a pattern of ``Type: message``,
#: and what is wrong and what to do, with the groups of the pattern filled in.
KNOWN = {
    r'Expected more than 1 value per channel when training, got input size (.*)': (
        'a norm layer in training must see more than one value per channel, got '
        'activations of {0}: set train_dataloader.batch_size to 2 or more, '
        'train_dataloader.drop_last=True where the last batch is smaller, or larger '
        'crops'
    ),
    r"ModuleNotFoundError: No module named '(torchvision)'": (
        'weights of torchvision:// must have the package torchvision, got none: '
        'install it (pip install torchvision, or the extra mmseg-cen[weights]), or '
        'name a file in model.backbone.init_cfg'
    ),
    r"ModuleNotFoundError: No module named '(.*?)'": (
        'the package {0!r} must be installed, got none: install it, or correct the '
        'name in `custom_imports`'
    ),
    r'ImportError: (.*)': 'modules must import, got {0!r}: correct or install them',
    r'OutOfMemoryError: (.*?)\. ': (
        'the batch must fit into the memory of the GPU, got {0!r}: set a smaller '
        'batch_size or smaller crops, or train with --amp'
    ),
    r'(?:Memory|_ArrayMemory)Error: ?(.*)': (
        'the data must fit into the memory, got {0!r}: set a smaller batch_size, or '
        'fewer num_workers'
    ),
    r'DataLoader worker \(pid.*\) (?:is killed by|exited) (.*)': (
        'processes that load data must have memory, got one that ended ({0}): set '
        'fewer train_dataloader.num_workers, or give more (shared) memory (docker run '
        '--shm-size)'
    ),
    r'(?:PytorchStreamWriter|inline_container)(.*)': (
        'a checkpoint must be written to its end, got a failure: free space on the '
        'disk of the work directory, then continue with --resume'
    ),
    r'([^\s\'"]+) is not in the (mmengine::\S+) registry': (
        '`type` must be a registered name, got {0!r}, which is not in {1}: set '
        "default_scope='mmseg' in the config, or correct the name"
    ),
    r'([^\s\'"]+) is not in the (\S+) registry': (
        '`type` must be a registered name, got {0!r}, which is not in {1}: correct it, '
        'or name its module in `custom_imports`'
    ),
    r'`?cfg`? or `?default_args`? must contain the key "type", but got (.*)': (
        'each part of a config must have `type`, got {0}: correct its name, or add '
        '`type`'
    ),
    r"TypeError: (\w+)\.(?:__init__|set_randomness)\(\) got an "
    r"unexpected keyword argument '(\w+)'": (
        'a config must give arguments that {0} has, got {1!r}: correct the name'
    ),
    r'TypeError: (\w+)\.__init__\(\) missing .*? arguments?: (.*)': (
        'a config must give the arguments {1} of {0}, got none: add them'
    ),
    r"AttributeError: 'Config(?:Dict)?' object has no attribute '(\w+)'": MISSING,
    r'`self\._(train|val|test)_loop` should not be None': (
        'the config must have {0}_dataloader and {0}_cfg, got one without: add them'
    ),
    r'(\w+), (\w+), and (\w+) should be either all None or not None': (
        'the config must have {0}, {1} and {2}, or none of them, got some: add the rest'
    ),
    r'The image size in a batch should be the same': (
        'the samples of a batch must have one size, got several: set '
        'test_dataloader.batch_size=1 (val_dataloader, train_dataloader), or resize '
        'them in the pipeline'
    ),
    r'image size (\(.*?\)) should be divisible by the whole downsample rate (\d+)': (
        'images must have sides that {1} divides for this backbone, got {0} (height, '
        'width): set other sizes in the pipeline, or size_divisor={1} in place of '
        'size of the data_preprocessor, and its test_cfg=dict(size_divisor={1})'
    ),
    r'None is not a callable object': (
        '`type` must be a registered name, got an unknown one of an optimizer: correct '
        'optim_wrapper.optimizer.type'
    ),
    r'FileNotFoundError: (\S+) can not be found': (
        'weights must be a file that exists, got {0!r}: correct `checkpoint` of the '
        '`init_cfg`'
    ),
    r'AssertionError: (\S+) is not in the pretrained model': (
        '`prefix` of an `init_cfg` must be what names of its checkpoint begin with, '
        'got {0!r}, with which none does: correct it, or leave it out'
    ),
    r'environment variable (\w+) expected, but not set': (
        'the processes of --launcher must be started by one, got no {0}: use '
        'tools/dist_train.sh or tools/dist_test.sh'
    ),
    r'KeyError: (OMPI_\w+)': (
        'the processes of `--launcher mpi` must be started by mpirun, got no {0}: '
        'write mpirun before the command, or leave the option out'
    ),
    r'invalid device ordinal': (
        'each process must have a GPU, got more processes than GPUs: start fewer; with '
        'srun, give GPUs to the nodes (--gpus-per-node), not to each task'
    ),
    r'EADDRINUSE|[Aa]ddress already in use': (
        'the port must be free, got one in use: set PORT to another'
    ),
}  # fmt: skip

#: "`x` must be ..., got ...: do ..."; mmengine has a message that looks alike.
OUR_FORM = re.compile(r'\bmust\b(?! contain the key).*\bgot\b', re.DOTALL)

#: What a process meets when another one has ended.
CONSEQUENCES = re.compile(
    r'[Cc]onnection (?:closed|reset)|[Bb]roken pipe|NCCL|Gloo|DistBackend|'
    r'DistNetwork|DistStore'
)


def describe(error: BaseException) -> str | None:
    """What is wrong and what to do, in one line; None if only a programmer can tell."""
    if isinstance(error, OSError) and (error.errno or isinstance(error, URLError)):
        return describe_os_error(error)
    text = _worker_message(_text(error))
    name, message = text or (type(error).__name__, _text(error))
    if OUR_FORM.search(message):
        return one_line(message)
    whole = f'{name}: {message}'
    for pattern, line in KNOWN.items():
        if found := re.search(pattern, whole, re.DOTALL):
            groups = (one_line(group)[:160] for group in found.groups())
            return line.format(*groups)
    frames = traceback.extract_tb(error.__traceback__)
    is_said = isinstance(error, ValueError) and text is None and _is_raised_here(frames)
    if is_said or isinstance(error, OSError):  # without a number, a sentence
        return one_line(message)
    if frames and frames[-1].name == '__missing__':  # of mmengine's ConfigDict
        return MISSING.format(message)
    if part := _part_of_config(error):
        return (
            f'a config must give {part} arguments that it takes, got '
            f'{one_line(whole)[:300]}: correct them'
        )
    return None


def describe_os_error(error: OSError) -> str:
    """What is wrong with a file or a connection, in one line."""
    file = repr(str(error.filename)) if error.filename is not None else 'a file'
    if isinstance(error, URLError):
        return (
            f'files of the internet must be reachable, got {one_line(error.reason)}: '
            'download the weights elsewhere, and name the file in the config'
        )
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        place = '' if error.filename is not None else f' ({_full_places()})'
        return (
            f'the disk must have space for {file}{place}, got a full one '
            f'({error.strerror}): free space, then repeat the command (a training: '
            'with --resume)'
        )
    rule, remedy = {
        errno.ENOENT: ('must exist', 'check the path'),
        errno.EEXIST: ('must be a folder, or a new name', 'name another one'),
        errno.ENOTDIR: ('must be below a folder', 'name another path'),
        errno.EISDIR: ('must be a file', 'name a file, not a folder'),
        errno.EACCES: ('must be permitted', 'check the permissions, or name another'),
        errno.EPERM: ('must be permitted', 'check the permissions, or name another'),
        errno.EROFS: ('must be writable', 'name a folder on another disk'),
        errno.ENAMETOOLONG: ('must be shorter', 'give it another name'),
        errno.EMFILE: ('must be opened', 'set fewer num_workers, or raise ulimit -n'),
    }.get(
        error.errno or 0,
        ('must be readable and writable', 'check the disk and the path'),
    )
    return f'{file} {rule}, got {error.strerror!r}: {remedy}'


def _text(error: BaseException) -> str:
    """The message of an error; Python prints that of a KeyError in quotes."""
    is_key = isinstance(error, KeyError) and error.args
    return str(error.args[0] if is_key else error)


def one_line(message: object) -> str:
    """A message without line breaks."""
    return ' '.join(str(message).split())


def _worker_message(text: str) -> tuple[str, str] | None:
    """Type and message of an error in a process that loads data, if it is one."""
    if not re.match(r'Caught \w+ in DataLoader worker', text):
        return None
    found = re.findall(r'^([\w.]+): (.*(?:\n(?!  ).*)*)', text, re.MULTILINE)
    return (found[-1][0], found[-1][1].strip()) if found else None


def _part_of_config(error: BaseException) -> str | None:
    """Name of what was being built from a config when an error was raised."""
    name, trace = None, error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        if frame.f_code.co_name == 'build_from_cfg' and 'obj_cls' in frame.f_locals:
            name = getattr(frame.f_locals['obj_cls'], '__name__', None)
        trace = trace.tb_next
    return name


def _is_raised_here(frames: traceback.StackSummary) -> bool:
    """Whether a ``raise`` of this repository raised an error."""
    if not frames:
        return False
    root = Path(__file__).parent
    path = Path(frames[-1].filename)
    ours = root in path.parents or root.parent / 'tools' in path.parents
    line = linecache.getline(frames[-1].filename, frames[-1].lineno or 0)
    return ours and line.strip().startswith('raise ')


def _full_places() -> str:
    """Folders of the command line, or used by every tool, whose disk is full."""
    places = [os.getcwd(), os.environ.get('TMPDIR', '/tmp'), *sys.argv[1:]]
    full = []
    for place in dict.fromkeys(places):
        if os.path.exists(place):
            stat = os.statvfs(place)
            if stat.f_bavail * stat.f_frsize < 1 << 20:
                full.append(place)
    return f'full: {", ".join(full)}' if full else 'of the work directory'
