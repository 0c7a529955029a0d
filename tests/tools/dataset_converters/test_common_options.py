"""Options of all converters."""

from dataset_converters.common_options import make_parser

from mmseg_cen.modality import FILLS, ORIENTATIONS
from mmseg_cen.translation.derived import RECIPES


def test_a_tool_without_a_download_has_one_path():
    args = make_parser('A tool.', source=False).parse_args(['folder', '--check'])
    assert args.out == 'folder'
    assert not hasattr(args, 'source')


def test_choices_are_those_of_the_package(load_tool):
    """They are written down again, so that --help needs no import of it."""
    assert tuple(sorted(RECIPES)) == load_tool('derive_domains').DOMAINS
    assert load_tool('encode_depth').FILLS == FILLS
    assert load_tool('from_folders').ORIENTATIONS == ORIENTATIONS
