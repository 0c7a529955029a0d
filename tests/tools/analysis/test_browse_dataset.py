import cv2
import pytest
from analysis import browse_dataset

CONFIG = """
default_scope = 'mmseg'
train_dataloader = dict(dataset=dict(
    type='SyntheticRGBDDataset', num_samples=3, image_size=(32, 48), pipeline=[
        dict(type='LoadSyntheticRoom'), dict(type='RandomFlip', prob=0.5),
        dict(type='PackMultimodalInputs')]))
"""


def test_each_sample_is_drawn_with_all_modalities_and_labels(tmp_path, capsys):
    (tmp_path / 'config.py').write_text(CONFIG)
    arguments = [str(tmp_path / 'config.py'), '--out', str(tmp_path / 'out')]
    browse_dataset.main([*arguments, '--number', '2'])
    pictures = sorted((tmp_path / 'out').iterdir())
    assert [str(path) for path in pictures] == capsys.readouterr().out.split()
    assert len(pictures) == 2
    height, width = cv2.imread(str(pictures[0])).shape[:2]
    assert width > 2.5 * height * 48 / 32 / 2  # three panels in a row


def test_a_number_below_one_and_a_missing_split_are_refused(tmp_path):
    (tmp_path / 'config.py').write_text(CONFIG)
    arguments = [str(tmp_path / 'config.py'), '--out', str(tmp_path / 'out')]
    with pytest.raises(SystemExit, match='`--number` must be positive'):
        browse_dataset.main([*arguments, '--number', '0'])
    with pytest.raises(SystemExit, match=r"must have `val_dataloader`, got \['train"):
        browse_dataset.main([*arguments, '--split', 'val'])
