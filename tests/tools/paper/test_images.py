"""Files of each image: of the training, or of a test of its checkpoint."""

import pytest
from paper import images
from paper.configs import build_config
from paper.images import as_test, file_of, images_of
from paper.rows import TABLES
from paper.runs import Run, read_run, run_config

ROWS = {row.name: row for table in TABLES.values() for row in table.rows}


@pytest.fixture
def tests(monkeypatch, write_run):
    """Folders that are tested, with a result that is right 50 %."""
    folders = []

    def measure(work_dir, path):
        folders.append(work_dir)
        write_run(path, 0.5)

    monkeypatch.setattr(images, 'measure', measure)
    return folders


def run_of(folder, miou):
    return Run({'mIoU': miou}, 0.1, 1, 0, folder)


def test_what_the_training_has_written_is_taken_if_it_is_of_the_last_validation(
    tmp_path, write_run, tests, capsys
):
    path = write_run(file_of(tmp_path), 0.7)
    miou = images.miou(images.read_per_image(path))
    assert images_of(run_of(tmp_path, round(miou, 2)))[0] == str(path)
    assert not tests
    write_run(tmp_path / 'other.npz', 0.5)
    other = images.miou(images.read_per_image(tmp_path / 'other.npz'))
    images_of(run_of(tmp_path, other))
    assert tests == [tmp_path]
    assert 'another mIoU' not in capsys.readouterr().out
    images_of(run_of(tmp_path, other + 1))
    assert 'per_image.npz has another mIoU than the log' in capsys.readouterr().out


def test_what_an_older_training_has_not_written_is_measured(tmp_path, tests):
    name, _ = images_of(run_of(tmp_path, 50.0))
    assert name == str(tmp_path / 'per_image.npz')
    assert tests == [tmp_path]


def test_a_run_without_checkpoint_is_named(tmp_path, finished_run):
    folder = finished_run(tmp_path / 'run')
    run = read_run(folder, run_config(folder))
    with pytest.raises(ValueError, match=r'per_image\.npz or its checkpoint epoch_2'):
        images_of(run)


def test_the_test_is_the_validation():
    cfg = build_config(ROWS['exchange_half'], 'synthetic', 1, 0)
    cfg.val_dataloader.dataset.num_samples = 3
    cfg.val_cfg.fp16 = 'bf16'
    test = as_test(cfg)
    assert test.test_dataloader.dataset.num_samples == 3
    assert test.test_cfg == dict(type='TestLoop', fp16='bf16')
