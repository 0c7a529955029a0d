"""The code of docs/inference.md runs."""

import re
from pathlib import Path

import cv2
import numpy as np

from mmseg_cen.inference import MultimodalInferencer

PAGE = Path(__file__).parents[2] / 'docs/inference.md'


def test_the_code_of_the_page_predicts(network, files, tmp_path, monkeypatch):
    shown = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cv2, 'imshow', lambda _, picture: shown.append(picture))
    monkeypatch.setattr(cv2, 'waitKey', lambda _: 27)
    Path('images').symlink_to(files['rgb'])
    Path('depth_maps').symlink_to(files['depth'])
    Path('room.png').symlink_to(f'{files["rgb"]}/a/1.png')
    Path('room_depth.png').symlink_to(f'{files["depth"]}/a/1.png')
    frame = (cv2.imread('room.png'), cv2.imread('room_depth.png', -1))
    names = dict(config=network.config, checkpoint=network.checkpoint, camera=[frame])
    for code in re.findall(r'```python\n(.*?)```', PAGE.read_text(), re.DOTALL):
        exec(code, names)
    assert len([*Path('predictions').rglob('*.png')]) == 6
    inferencer = MultimodalInferencer(network.config, network.checkpoint)
    (expected,) = inferencer(dict(rgb=frame[0], depth=frame[1]))['predictions']
    np.testing.assert_array_equal(names['labels'], expected)
    np.testing.assert_array_equal(names['sample'].pred_sem_seg.data[0], expected)
    assert shown[0].shape == (24, 32, 3)
