from mmseg_cen.once import warn_once


def test_a_subject_is_said_once(warned):
    for subject, message in (('a', 'one'), ('b', 'two'), ('a', 'three')):
        warn_once(subject, message)
    assert warned == ['one', 'two']
