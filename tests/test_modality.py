import pytest

from mmseg_cen.modality import (
    Modality,
    build_modalities,
    complete_options,
    keyed_modalities,
    main_modality,
    modality_key,
)


def test_defaults_depend_on_name_and_type():
    built = build_modalities(
        dict(rgb={}, depth=dict(dtype='uint16'), gray=dict(dtype='uint8'), hha={})
    )
    assert built == dict(
        rgb=Modality(channels=3, dtype='uint8', interpolation='bilinear'),
        depth=Modality(dtype='uint16', interpolation='nearest'),
        gray=Modality(dtype='uint8', interpolation='bilinear'),
        hha=Modality(),
    )


@pytest.mark.parametrize(
    'name',
    [
        'img',
        'ensemble',
        'gt_seg_map',
        'scale',
        'flip',
        'a b',
        '1st',
        '',
        'shape',
        'RGB',
        'gloss',
    ],
)
def test_names_that_would_collide_are_refused(name):
    with pytest.raises(ValueError, match='name of a modality'):
        build_modalities({name: {}})


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(channels=0), '`channels` must be a positive'),
        (dict(channels=1.5), '`channels` must be a positive'),
        (dict(suffix=()), '`suffix` must be'),
        (dict(dtype='uint17'), '`dtype` must name'),
        (dict(scale=0), '`scale` must be positive'),
        (dict(scale=float('inf')), '`scale` must be positive and finite, got inf'),
        (dict(fill='farthest'), '`fill` must be'),
        (dict(fill=float('nan')), '`fill` must be a number that is finite'),
        (dict(interpolation='cubic'), '`interpolation` must be one of'),
        (dict(channels=3, pad_value=[0, 1]), '`pad_value` must be'),
        (dict(invalid='a lot'), '`invalid` must hold values'),
        (dict(dtype='uint16', invalid=-1), '`invalid` must be values that uint16'),
        (dict(orientation='turn'), '`orientation` must be one of'),
        (dict(plausible=(100, 4)), '`plausible` must be two depths'),
    ],
)
def test_values_that_are_not_allowed_are_refused(options, message):
    with pytest.raises(ValueError, match=rf"modality 'depth': {message}"):
        build_modalities(dict(depth=options))


def test_rgb_has_three_channels():
    with pytest.raises(ValueError, match='give it another name'):
        build_modalities(dict(rgb=dict(channels=4)))


@pytest.mark.parametrize('none', [{}, ()])
def test_no_modality_is_an_error(none):
    with pytest.raises(ValueError, match='at least one modality'):
        build_modalities(none)


def test_names_alone_have_the_default_options():
    assert list(build_modalities(['depth', 'rgb']).items()) == list(
        build_modalities(dict(depth={}, rgb={})).items()
    )


def test_names_are_a_sequence_without_repetition():
    with pytest.raises(ValueError, match=r"got 'rgb': write \('rgb',\)"):
        build_modalities('rgb')
    with pytest.raises(ValueError, match=r"once, got \['rgb', 'rgb'\]"):
        build_modalities(('rgb', 'rgb'))


def test_options_that_inherit_replace_single_ones_of_the_known():
    known = dict(rgb=dict(suffix='.jpg'), depth=dict(scale=0.001, fill='nearest'))
    assert complete_options(('depth', 'rgb'), known) == known
    options = dict(depth=dict(inherit=True, fill=None), rgb=dict(inherit=False))
    expected = dict(depth=dict(scale=0.001, fill=None), rgb={})
    assert complete_options(options, known) == expected
    assert known['depth'] == dict(scale=0.001, fill='nearest')
    with pytest.raises(ValueError, match=r"\['rgb', 'depth'\], got 'hha': give the"):
        complete_options(('hha',), known)


def test_unknown_options_are_named_with_those_allowed():
    with pytest.raises(ValueError, match=r"'depth' .*'suffix', .*\['a', 'sufix'\]"):
        build_modalities(dict(depth=dict(sufix='.png', a=1)))


def test_rgb_is_the_image_of_the_toolbox_or_else_the_first_modality():
    assert main_modality(['depth', 'rgb']) == 'rgb'
    assert main_modality(['depth', 'thermal']) == 'depth'
    modalities = build_modalities(['depth', 'rgb'])
    results = dict(modalities=modalities)
    assert modality_key(results, 'rgb') == 'img'
    assert modality_key(results, 'depth') == 'depth'
    assert keyed_modalities(results) == dict(
        depth=modalities['depth'], img=modalities['rgb']
    )
    assert keyed_modalities({}) == {}


def test_lists_of_configs_become_tuples_of_a_hashable_modality():
    modality = build_modalities(
        dict(x=dict(channels=2, suffix=['.a', '.b'], pad_value=[0, 1]))
    )['x']
    assert modality == Modality(channels=2, suffix=('.a', '.b'), pad_value=(0, 1))
    assert isinstance(hash(modality), int)
    modality = Modality(invalid=[1, [2, 3]], plausible=[4, 100])
    assert modality == Modality(invalid=(1, '2..3'), plausible=(4, 100))
    assert isinstance(hash(modality), int)
