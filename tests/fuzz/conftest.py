"""What the laws of random inputs share: an error is one line of one form."""

import re

import pytest

FORM = re.compile(r'\bmust\b.*, got\b.*: \S', re.DOTALL)


@pytest.fixture
def outcome():
    """A function that calls another one: what it returns, and the error instead."""

    def outcome(function, *args):
        try:
            return function(*args), None
        except Exception as error:
            return None, error

    return outcome


@pytest.fixture
def assert_told():
    """A function that checks an error: rule, value and remedy, and what it names."""

    def assert_told(error, *names):
        text = str(error)
        assert FORM.search(text), text
        for name in names:
            assert str(name) in text

    return assert_told
