from dataclasses import replace

import cv2
import numpy as np

from mmseg_cen.preparation import Folder, prepare


def test_the_sheet_shows_the_palette_and_the_edges_of_depth(tmp_path, toys):
    step = np.full((64, 64), 1000, np.uint16)
    step[:, 32:] = 3000
    gray = np.full((64, 64, 3), 90, np.uint8)
    labels = np.full((64, 64), 2, np.uint8)
    palette = [(0, 0, 0), (1, 1, 1), (10, 200, 30), (3, 3, 3)]
    plan = toys.plan(
        lambda _: dict(rgb=gray, depth=step, label=labels), 1, palette=palette
    )
    prepare(plan, tmp_path)
    sheet = cv2.imread(str(tmp_path / 'contact_sheet.png'))[..., ::-1]
    own = (sheet == (10, 200, 30)).all(-1)
    edges = (sheet == (255, 0, 0)).all(-1)
    assert own.sum() > 0.9 * 256 * 256  # a panel is enlarged to 256 pixels
    columns = np.flatnonzero(edges.any(axis=0))
    assert 0 < len(columns) < 20  # one line, from top to bottom
    assert edges.any(axis=1).sum() > 240


def test_a_sheet_has_eight_rows_at_most(tmp_path, toys):
    heights = []
    for count in (8, 30):
        plan = replace(
            toys.plan(lambda _: dict(label=np.zeros((4, 4), np.uint8)), count),
            folders=dict(label=Folder(kind='label', num_classes=2)),
        )
        prepare(plan, tmp_path / str(count))
        sheet = tmp_path / str(count) / 'contact_sheet.png'
        heights.append(cv2.imread(str(sheet)).shape[0])
    assert heights[0] == heights[1]
