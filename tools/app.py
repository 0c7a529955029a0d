"""Open a page in the browser: files in, predictions of all streams out.

python tools/app.py
python tools/app.py CONFIG CHECKPOINT
python tools/app.py WORK_DIR

open it with the quickstart's network and its rooms, with a network of your own, or with
a training's config and best checkpoint. The page has sliders and switches for the
exchange threshold and the modalities, and the prediction follows. It needs Gradio (pip
install 'mmseg-cen[app]'), and no network.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from _options import ToolParser


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = ToolParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'config',
        nargs='?',
        help='config file, work directory, or file of export.py (default: the work '
        'directory of the quickstart)',
    )
    parser.add_argument('checkpoint', nargs='?', help='checkpoint file, of a config')
    parser.add_argument(
        '--host',
        default='127.0.0.1',
        metavar='ADDRESS',
        help='0.0.0.0 lets other computers of the network see the page (default: '
        'this one only)',
    )
    parser.add_argument(
        '--port', type=int, help='default: the first free one from 7860 on'
    )
    parser.add_argument(
        '--share',
        action='store_true',
        help='let everybody on the internet see the page, through a server of Gradio',
    )
    parser.add_argument('--open', action='store_true', help='open it in the browser')
    parser.add_argument('--device', help="such as 'cpu' or 'cuda:1'")
    parser.add_config_options()
    args = parser.parse_args(argv)
    if args.port is not None and not 0 < args.port < 65536:
        parser.error(f'`--port` must be from 1 to 65535, got {args.port}')
    return args


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import importlib.util
import socket
import tempfile
import threading
import webbrowser

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)
from exploring.answers import Desk
from exploring.explorer import Explorer
from exploring.samples import samples_of

from mmseg_cen.door import as_tool
from mmseg_cen.mistakes import describe

#: Where the demo is trained: by the quickstart, and by its config alone.
DEMO = ('work_dirs/quickstart/cen_synthetic', 'work_dirs/cen_synthetic')
SAMPLES = 8


def demo() -> str:
    """The work directory of the demo.

    Raises:
        FileNotFoundError: If it was not trained.
    """
    trained = [path for path in DEMO if any(Path(path).glob('*.pth'))]
    if not trained:
        raise FileNotFoundError(
            f'the demo must be trained for a page without CONFIG CHECKPOINT, got no '
            f'checkpoint in {DEMO[0]!r}: run `bash tools/quickstart.sh` (installed: '
            '`mmseg-cen train mmseg_cen::demo/cen_synthetic.py`), or name your own '
            'CONFIG CHECKPOINT'
        )
    return trained[0]


def require_gradio() -> None:
    """Refuse to go on without Gradio.

    Raises:
        ValueError: If it is not installed.
    """
    if importlib.util.find_spec('gradio') is None:
        raise ValueError(
            'the page must have the package gradio, got none: install it, pip install '
            "'mmseg-cen[app]'"
        )


def require_free(host: str, port: int) -> None:
    """Refuse a port that is in use, before a network is loaded.

    Raises:
        ValueError: If the page cannot have the port.
    """
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise ValueError(
            f'`--host` and `--port` must be an address of this computer and a free '
            f'port, got {host}:{port} ({error.strerror}): name others'
        ) from error


def collect_samples(explorer: Explorer) -> tuple[list[Any], str]:
    """Samples of the test data, or a sentence on why there are none."""
    try:
        found = samples_of(explorer.inferencer.cfg, explorer.names, SAMPLES)
    except Exception as error:
        line = describe(error)
        if line is None:
            raise
        return [], f'No samples of the test data: {line}.'
    return found, ''


@as_tool
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    require_gradio()
    require_free(args.host, args.port or 0)
    model = args.config or demo()
    explorer = Explorer(model, args.checkpoint, args.device, args.cfg_options)
    samples, note = collect_samples(explorer)
    with tempfile.TemporaryDirectory(prefix='mmseg_cen_page_') as folder:
        # Read where Gradio is imported: no calls home, and uploads end with the page.
        os.environ['GRADIO_ANALYTICS_ENABLED'] = 'False'
        os.environ['GRADIO_TEMP_DIR'] = folder
        os.environ['HF_HUB_OFFLINE'] = '1'
        from exploring.page import build_page
        from exploring.serving import launch

        desk = Desk(explorer, samples, Path(folder))
        page = build_page(desk, Path(model).name, note)
        address = launch(page, args.host, args.port, args.share)
        print(f'{address} (Ctrl-C ends the page)', flush=True)
        if args.open:
            webbrowser.open(address)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            page.close(verbose=False)
    return 0


if __name__ == '__main__':
    sys.exit(main())
