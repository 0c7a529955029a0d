"""Messages of errors, read from the code, and the page that explains some."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
QUOTED = re.compile(r'^\| (`` .*? ``|`[^`]*?(?:`` `\w+` ``[^`]*)?`) \|', re.MULTILINE)


def quotes(page):
    """The beginnings of messages in the first column of the tables of a page."""
    return [
        quote.replace('`` `', '`').replace('` ``', '`').strip('` ')
        for quote in QUOTED.findall(page)
    ]


def occurs(quote, messages):
    """Whether a message has the quoted words; ``…`` stands for one or more values."""
    words = [re.escape(part.strip()) for part in quote.split('…')]
    return any(re.search('.*'.join(words), text) for text in messages)


def test_values_are_left_open_and_patterns_of_libraries_left_out(load_tool):
    messages = load_tool('website/messages.py').messages()
    texts = messages['mmseg_cen/transforms/reading.py']
    assert any(t.startswith('… must have … channel(s), got …') for t in texts)
    assert not any('(.*)' in t or '{0' in t for t in messages['mmseg_cen/mistakes.py'])


def test_the_page_of_all_messages_has_each_once(load_tool):
    tool = load_tool('website/messages.py')
    page = tool.page_of_messages()
    assert page.count('\n- ```') == sum(map(len, tool.messages().values()))


def test_each_message_that_troubleshooting_quotes_is_one_of_the_code(load_tool):
    texts = [
        text
        for group in load_tool('website/messages.py').messages().values()
        for text in group
    ]
    found = quotes((ROOT / 'docs' / 'troubleshooting.md').read_text())
    assert len(found) > 25
    assert [quote for quote in found if not occurs(quote, texts)] == []
    assert not occurs('losses must be green', texts)
