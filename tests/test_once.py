from mmseg_cen.once import heard_warnings, warn_once


def test_a_subject_is_said_once(warned):
    for subject, message in (('a', 'one'), ('b', 'two'), ('a', 'three')):
        warn_once(subject, message)
    assert warned == ['one', 'two']


def test_what_was_said_before_is_heard_again(warned):
    warn_once('a', 'one')
    with heard_warnings() as heard:
        for subject, message in (('a', 'one'), ('b', 'two'), ('a', 'one')):
            warn_once(subject, message)
    warn_once('c', 'three')
    assert heard == ['one', 'two']
    assert warned == ['one', 'two', 'three']
