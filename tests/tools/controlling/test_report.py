from controlling.measuring import Figures, mean_of
from controlling.report import classes, gains, table, verdict

CLASSES = ['wall', 'floor', 'rug']
TITLES = dict(real='both', copy='rgb twice', noise='noise', single='rgb alone')


def figures(miou, *iou, streams=('rgb', 'depth')):
    outputs = [*streams, 'ensemble']
    return Figures(
        dict.fromkeys(outputs, miou), {key: [*iou] for key in outputs}, CLASSES
    )


def test_differences_are_to_the_real_modality():
    found = dict(
        real=[figures(50.0, 1, 1, 1), figures(52.0, 1, 1, 1)],
        copy=[figures(40.0, 1, 1, 1)],
        single=[figures(30.0, 1, 1, 1, streams=('rgb',))],
    )
    lines = table(found, TITLES, ('rgb', 'depth'), {}).splitlines()
    assert lines[2] == '| both | 51.0 ± 1.4 | 51.0 ± 1.4 | 51.0 ± 1.4 | - | - | - |'
    assert lines[3].endswith('| 40.0 | 40.0 | 40.0 | -11.0 | -11.0 | -11.0 |')
    assert lines[4] == '| rgb alone | 30.0 | - | 30.0 | -21.0 | - | -21.0 |'


def test_classes_are_ordered_by_what_they_gain():
    real, other = figures(0, 60.0, 50.0, None), figures(0, 30.0, 55.0, 10.0)
    assert gains(real, other) == [('wall', 30.0), ('floor', -5.0)]
    text = classes(dict(real=[real], copy=[other]), TITLES)
    assert text == '- **rgb twice**: wall +30.0; floor -5.0'


def test_the_verdict_is_on_the_best_network_without_the_information():
    found = dict(
        real=[figures(50.0, 1, 1, 1)],
        copy=[figures(47.0, 1, 1, 1)],
        noise=[figures(48.5, 1, 1, 1)],
        single=[figures(49.9, 1, 1, 1)],
    )
    assert 'gains +1.5 mIoU (ensemble)' in verdict(found, TITLES)
    assert verdict(found, TITLES).endswith('(noise).')
    assert verdict(dict(real=found['real']), TITLES) is None


def test_a_mean_is_over_the_classes_that_occur_in_all():
    mean = mean_of([figures(10.0, 10.0, 20.0, None), figures(20.0, 30.0, 20.0, 5.0)])
    assert mean.miou['ensemble'] == 15.0
    assert mean.iou['rgb'] == [20.0, 20.0, None]
