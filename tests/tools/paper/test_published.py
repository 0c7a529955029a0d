"""Tables on pages, below their commands."""

from paper.published import command_of, publish


def test_a_table_replaces_the_one_of_its_name_and_nothing_else(tmp_path):
    page = tmp_path / 'docs/results.md'
    publish(page, 'table_a', 'first')
    publish(page, 'table_b', 'second')
    text = page.read_text()
    assert text.startswith('# Results\n\n<!-- table_a: begin -->\n\nfirst\n')
    page.write_text(text.replace('first', 'first\n\nmore').replace('# R', 'Mine. # R'))
    publish(page, 'table_a', r'third \1')
    assert page.read_text() == (
        'Mine. # Results\n\n'
        '<!-- table_a: begin -->\n\nthird \\1\n\n<!-- table_a: end -->\n\n'
        '<!-- table_b: begin -->\n\nsecond\n\n<!-- table_b: end -->\n'
    )


def test_the_command_trains_and_has_no_place_of_ones_own_machine():
    given = (
        '--table real --data nyud_r50half --collect /a /b --seeds 0 1 --jobs=2 '
        '--weights /home/me/half.pth --page docs/results.md --work-dir=/runs '
        '--cfg-options channels_last=True'
    )
    assert command_of(given.split()) == (
        'python tools/analysis/paper_tables.py --table real --train '
        '--data nyud_r50half --seeds 0 1 --weights half.pth '
        '--cfg-options channels_last=True'
    )
