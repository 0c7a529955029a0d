"""Every block of code is run by a test, or says what it needs."""

import re

import pytest
from website.blocks import (
    NEEDS,
    ROOT,
    Block,
    all_blocks,
    blocks,
    commands,
    tool_of,
)

PAGE = ROOT / 'docs' / 'page.md'
LANGUAGES = {'bash', 'python', 'text', 'mermaid', 'bibtex', 'json', 'yaml', 'ini'}
TESTS = '\n'.join(path.read_text() for path in (ROOT / 'tests').rglob('test_*.py'))
RULE = (
    'a block of code must be run: correct it, or write above it what it needs that '
    f'tests have not, as `<!-- needs data -->` ({", ".join(NEEDS)}), or the test '
    'that runs it, as `<!-- run by tests/tools/test_test.py -->`; see CONTRIBUTING.md'
)


def what_is_wrong(block):
    """Why a block is not run by the test that it names; nothing if it is."""
    if block.needs or not block.note:
        return '' if not block.needs or block.needs in NEEDS else 'nobody can need that'
    if not block.note.startswith('run by '):
        is_sought = f'<!-- {block.note} -->' in TESTS or f"run('{block.note}')" in TESTS
        return '' if is_sought else 'no test looks for this comment'
    paths = [ROOT / path for path in block.test.split(', ')]
    if not all(path.is_file() for path in paths):
        return 'there is no such test'
    text = '\n'.join(path.read_text() for path in paths)
    if block.language != 'bash':
        name = str(block.page.relative_to(ROOT))
        return '' if name in text else f'the test must name {name}'
    calls = [call for words in commands(block.code) if (call := tool_of(words))]
    options = {word for _, given in calls for word in given if word.startswith('--')}
    tools = {tool.rpartition('/')[2].removesuffix('.py') for tool, _ in calls}
    missing = [
        word
        for word in sorted(options | tools)
        if word not in text and f'{word[2:].replace("-", "_")}=' not in text
    ]
    return f'the test has no {" and no ".join(missing)}' if missing else ''


@pytest.mark.parametrize('block', all_blocks(), ids=str)
def test_a_block_is_run_or_says_what_it_needs(block):
    assert block.language in LANGUAGES, 'name the language, for a shell `bash`'
    assert not what_is_wrong(block), RULE


@pytest.mark.parametrize(
    ('note', 'code', 'reason'),
    [
        ('needs luck', '', 'nobody can need that'),
        ('no-such-name', '', 'no test looks for this comment'),
        ('run by tests/test_nothing.py', '', 'there is no such test'),
        (
            'run by tests/tools/test_train.py',
            'python tools/train.py CONFIG --compile --launcher slurm\n',
            'the test has no --launcher',
        ),
    ],
)
def test_a_wrong_comment_is_found(note, code, reason):
    assert what_is_wrong(Block(PAGE, 1, 'bash', note, code)) == reason


def test_blocks_are_seen_with_their_comments():
    text = """
<!-- rows: begin -->

1. A list:

   <!-- needs data -->
   ```bash
   python tools/train.py A \\
       --amp
   ```

```python
a = 1
```
"""
    first, second = blocks(PAGE, text)
    assert (first.needs, first.line, first.language) == ('data', 8, 'bash')
    assert first.code == 'python tools/train.py A \\\n    --amp\n'
    assert (second.note, second.code, second.line) == ('', 'a = 1\n', 13)
    for page in {block.page for block in all_blocks()}:
        fences = re.findall(r'^ *```', page.read_text(), re.MULTILINE)
        assert len(fences) == 2 * len([*blocks(page)]), page


def test_commands_are_taken_apart():
    code = """
# nothing
for k in 1 2; do
    A=1 python tools/train.py a.py --work-dir w/$k [--amp] &   # a comment
done
wait
mmseg-cen test a.py && python -m mmseg_cen infer
"""
    train = ['python', 'tools/train.py', 'a.py', '--work-dir']
    found = [*commands(code)]
    assert found[:2] == [[*train, 'w/1', '--amp'], [*train, 'w/2', '--amp']]
    assert tool_of(found[0]) == ('train.py', found[0][2:])
    assert [tool_of(words) for words in found[2:]] == [
        ('test', ['a.py']),
        ('infer', []),
    ]
    assert tool_of(['pip', 'install', 'x']) is None
