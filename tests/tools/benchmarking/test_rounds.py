import pytest
from benchmarking.rounds import quartiles, ratio, take_turns


def test_functions_take_turns_and_warm_up():
    calls = []
    seconds = take_turns(
        {name: lambda name=name: calls.append(name) for name in 'ABC'}, 2, warmup=1
    )
    assert ''.join(calls) == 'ABC' * 3
    assert [len(values) for values in seconds.values()] == [2, 2, 2]


def test_a_ratio_is_within_rounds():
    """A machine that becomes ten times slower changes no ratio."""
    assert ratio([1, 20, 3], [2, 40, 6]) == 0.5
    assert quartiles([1.0, 2.0, 3.0, 4.0, 5.0]) == (2, 3, 4)
    assert quartiles([3.0]) == (3, 3, 3)
    with pytest.raises(ValueError, match='zip'):
        ratio([1, 2], [1])
