import pytest
from dataset_converters.common_options import make_parser

from mmseg_cen.preparation import run


@pytest.fixture
def command(toys):
    """Run a tool of the toy data set."""

    def main(*argv, **kwargs):
        args = make_parser('A tool.').parse_args(['--jobs', '1', *map(str, argv)])
        return run(args, lambda _: toys.plan(**kwargs))

    return main


def test_a_download_is_converted_and_the_folder_checked(tmp_path, command, capsys):
    (tmp_path / 'in').mkdir()
    assert command(tmp_path / 'in', tmp_path / 'out') == 0
    assert command('--check', tmp_path / 'out') == 0
    assert capsys.readouterr().out.endswith('out is sound\n')
    (tmp_path / 'out/rgb/0.png').unlink()
    assert command('--check', tmp_path / 'out') == 1


def test_options_reach_the_conversion(tmp_path, command, toys):
    download = tmp_path / 'in'
    download.mkdir()
    unusual = dict(splits=dict(train=9, val=2))
    assert command(download, tmp_path / 'a', '--strict', **unusual) == 1
    assert command(download, tmp_path / 'a', **unusual) == 0
    bad = dict(convert=toys.refuse('0'))
    assert command(download, tmp_path / 'b', **bad) == 1
    assert command(download, tmp_path / 'b', '--skip-bad', **bad) == 0


def test_paths_that_cannot_be_used_are_named(tmp_path, command):
    with pytest.raises(ValueError, match='`source` must be given, got one path'):
        command(tmp_path)
    with pytest.raises(FileNotFoundError, match=r'`source` must exist, got .*nowhere'):
        command(tmp_path / 'nowhere', tmp_path / 'out')
    with pytest.raises(ValueError, match='`out` must not be the folder to read'):
        command(tmp_path, f'{tmp_path}/../{tmp_path.name}')
