import cv2
import numpy as np

from mmseg_cen.preparation import Sample, check_folder, prepare, read_groups
from mmseg_cen.preparation.files import encode_png

ALL = ['contact_sheet.png', 'meta.json', 'report.txt', 'train.txt', 'val.txt']


def test_every_pixel_arrives_and_the_lists_are_in_order(tmp_path, toys):
    assert prepare(toys.plan(), tmp_path) == 0
    for i in range(6):
        for name, expected in toys.draw(Sample(str(i), '')).items():
            image = cv2.imread(str(tmp_path / name / f'{i}.png'), cv2.IMREAD_UNCHANGED)
            assert image.dtype == expected.dtype
            np.testing.assert_array_equal(image, expected)
    assert (tmp_path / 'train.txt').read_text() == '0\n1\n3\n4\n'
    assert (tmp_path / 'val.txt').read_text() == '2\n5\n'
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ALL
    assert read_groups(tmp_path)['3'] == {'camera': 'c1'}


def test_the_bytes_do_not_depend_on_the_number_of_processes(tmp_path, toys):
    prepare(toys.plan(), tmp_path / 'a', jobs=1)
    prepare(toys.plan(), tmp_path / 'b', jobs=3)
    assert toys.tree(tmp_path / 'a') == toys.tree(tmp_path / 'b')


def test_a_strict_run_takes_another_count_than_the_official_one_as_error(
    tmp_path, toys
):
    plan = toys.plan(splits=dict(train=5, val=None))
    assert prepare(plan, tmp_path, strict=True) == 1
    assert not (tmp_path / 'meta.json').exists()
    assert prepare(plan, tmp_path) == 0


def test_a_repaired_download_ends_as_if_it_had_been_sound(tmp_path, toys):
    prepare(toys.plan(toys.refuse('3')), tmp_path / 'a')
    assert prepare(toys.plan(), tmp_path / 'a') == 0
    prepare(toys.plan(), tmp_path / 'b')
    assert toys.tree(tmp_path / 'a') == toys.tree(tmp_path / 'b')


def test_bad_samples_can_be_left_out(tmp_path, toys, capsys):
    assert prepare(toys.plan(toys.refuse('3')), tmp_path, skip_bad=True) == 0
    assert (tmp_path / 'train.txt').read_text() == '0\n1\n4\n'
    assert 'without 1 sample' in capsys.readouterr().out
    assert check_folder(tmp_path) == []


def test_leaving_bad_samples_out_is_proposed_if_others_are_left(tmp_path, toys, capsys):
    prepare(toys.plan(toys.refuse('3')), tmp_path / 'a')
    assert '--skip-bad' in capsys.readouterr().out
    missing = toys.plan(toys.refuse('0'), count=1)
    for skip_bad in (False, True):
        assert prepare(missing, tmp_path / 'b', skip_bad=skip_bad) == 1
        assert '--skip-bad' not in capsys.readouterr().out


def test_problems_of_the_whole_download_cannot_be_left_out(tmp_path, toys):
    assert prepare(toys.plan(problems=['no']), tmp_path, skip_bad=True) == 1


def test_problems_of_the_whole_download_are_said_before_any_sample_is_converted(
    tmp_path, toys, capsys
):
    said = []

    def convert(sample):
        said.append(capsys.readouterr().out)
        return toys.draw(sample)

    prepare(toys.plan(convert, problems=['val.txt is missing']), tmp_path)
    assert said[0] == 'PROBLEM: val.txt is missing\n'


def test_half_written_files_of_a_killed_run_are_not_taken_for_good(tmp_path, toys):
    prepare(toys.plan(toys.refuse('2')), tmp_path / 'a')
    half = encode_png(toys.draw(Sample('2', ''))['rgb'])[:50]
    (tmp_path / 'a/rgb/2.png').write_bytes(half)
    (tmp_path / 'a/rgb/.2.png.99.part').write_bytes(b'half')
    prepare(toys.plan(), tmp_path / 'a')
    prepare(toys.plan(), tmp_path / 'b')
    assert toys.tree(tmp_path / 'a') == toys.tree(tmp_path / 'b')


def test_files_that_are_not_in_the_way_stay_beside_the_data(tmp_path, toys):
    for name in ('notes.md', '.mine.part'):
        (tmp_path / name).write_bytes(b'precious')
    (tmp_path / 'rgb').mkdir()
    assert prepare(toys.plan(), tmp_path) == 0
    assert prepare(toys.plan(count=3), tmp_path) == 0
    assert {path.name for path in tmp_path.glob('*') if path.is_file()} == {
        *ALL, 'notes.md', '.mine.part',
    }  # fmt: skip
    assert check_folder(tmp_path) == []


def test_a_file_that_the_tool_adds_is_gone_until_it_is_added_again(tmp_path, toys):
    plan = toys.plan(extras={'config': None, 'statistics': b'1'})
    assert prepare(plan, tmp_path) == 0
    assert (tmp_path / 'statistics').read_bytes() == b'1'
    (tmp_path / 'config').touch()
    assert prepare(plan, tmp_path) == 0
    assert not (tmp_path / 'config').exists()
    bad = toys.plan(toys.refuse('3'), extras=plan.extras, options=dict(other=True))
    assert prepare(bad, tmp_path) == 1
    assert not (tmp_path / 'statistics').exists()
