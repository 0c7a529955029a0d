"""What is written of predictions."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmseg_cen.inference import (
    KINDS,
    STREAMS,
    MultimodalInferencer,
    Outputs,
    Prediction,
    collect,
)
from mmseg_cen.modality import build_modalities
from mmseg_cen.once import heard_warnings


@pytest.fixture
def inferencer(network):
    return MultimodalInferencer(
        network.config, network.checkpoint, device='cpu', show_progress=False
    )


def written(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob('*.*'))


def test_files_of_all_kinds_keep_the_folders_of_the_images(inferencer, files, tmp_path):
    out = tmp_path / 'out'
    found = inferencer(files, out_dir=out, save=[*KINDS, STREAMS])
    assert not found['predictions']
    kinds = [*KINDS, 'streams/rgb', 'streams/depth']
    ends = {kind: KINDS.get(kind, ('.png',))[0] for kind in kinds}
    assert written(out) == sorted(f'{k}/{f}/1{ends[k]}' for k in kinds for f in 'ab')
    labels = cv2.imread(str(found['files'][0]['labels']), cv2.IMREAD_UNCHANGED)
    with np.load(found['files'][0]['probabilities']) as archive:
        assert archive['classes'].tolist() == ['wall', 'floor', 'chair']
        probabilities = archive['probabilities'].astype(float)
    assert (probabilities.argmax(0) == labels).mean() > 0.99  # rounded
    confidence = cv2.imread(str(out / 'confidence/a/1.png'), cv2.IMREAD_UNCHANGED)
    assert abs(confidence / 255 - probabilities.max(0)).max() < 0.01
    stream = cv2.imread(str(out / 'streams/rgb/a/1.png'), cv2.IMREAD_UNCHANGED)
    assert stream.shape == labels.shape == (24, 32)


def test_predictions_within_the_folder_that_is_read_are_not_predicted(files, tmp_path):
    out = tmp_path / 'rgb/predictions'
    outputs = Outputs(out, ['labels', 'streams'], ('rgb', 'depth'))
    modalities = build_modalities(('rgb', 'depth'))
    given = collect(dict(rgb=files['rgb']), modalities)
    assert outputs.without_own(given) == given
    for one in given:
        for kind in ('labels', 'overlay', 'streams/rgb'):
            path = out / kind / f'{one.name}.png'
            path.parent.mkdir(parents=True)
            path.write_bytes(Path(*one.files()).read_bytes())
    again = collect(dict(rgb=files['rgb']), modalities)
    assert len(again) == 8
    with heard_warnings() as heard:
        assert outputs.without_own(again) == given
    assert '6 of 8 samples are left out' in heard[0]


def test_an_interrupted_inference_is_finished_by_the_next(inferencer, files, tmp_path):
    given, out = inferencer.collect(files), tmp_path / 'out'
    outputs = inferencer.outputs(out, ['labels', 'panel'])
    stream = inferencer.stream(given, outputs=outputs)
    assert next(stream).name == 'a/1'
    stream.close()
    assert written(out) == ['labels/a/1.png', 'panel/a/1.png']
    before = Path(out / 'labels/a/1.png').stat().st_mtime_ns
    Path(out / 'panel/b').mkdir()
    left = [one.name for one in inferencer.stream(given, 1, outputs, True)]
    assert left == ['b/1']
    assert Path(out / 'labels/a/1.png').stat().st_mtime_ns == before
    assert not [*inferencer.stream(given, 1, outputs, True)]


def test_samples_before_a_damaged_one_are_written(inferencer, files, tmp_path):
    Path(files['depth'], 'b/1.png').write_bytes(b'')
    out = tmp_path / 'out'
    with pytest.raises(ValueError, match=r'depth/b/1\.png: the file must be an image'):
        inferencer(files, batch_size=2, out_dir=out, save=['labels'])
    assert written(out) == ['labels/a/1.png']


def test_streams_that_a_sample_lacks_are_not_waited_for(network, files, tmp_path):
    inferencer = MultimodalInferencer(
        network.config, network.checkpoint, absent=['rgb'], show_progress=False
    )
    depth = f'{files["depth"]}/a/1.png'
    np.savez(tmp_path / 'x.npz', depth=cv2.imread(depth, cv2.IMREAD_UNCHANGED))
    for inputs, name in ((dict(depth=depth), '1'), (tmp_path / 'x.npz', 'x')):
        given, out = inferencer.collect(inputs), tmp_path / f'of_{name}'
        outputs = inferencer.outputs(out, [STREAMS])
        assert len([*inferencer.stream(given, 1, outputs, True)]) == 1
        assert written(out) == [f'streams/depth/{name}.png']
        assert not [*inferencer.stream(given, 1, outputs, True)]
    (paths,) = inferencer(dict(depth=depth), out_dir=out, save=[STREAMS])['files']
    assert [*paths] == ['streams/depth']


def test_streams_that_a_network_does_not_return_are_said(tmp_path):
    """As of an exported one: else, nothing would be written without a word."""
    sample = SegDataSample(pred_sem_seg=PixelData(data=torch.zeros(1, 4, 4)))
    images, meta = dict(rgb=np.zeros((3, 4, 4))), dict(classes=('wall', 'floor'))
    prediction = Prediction('a', sample, images, meta)
    with heard_warnings() as heard:
        files = Outputs(tmp_path, ['labels', STREAMS], ['rgb']).write(prediction)
    assert [*files] == ['labels']
    assert 'the ensemble alone' in heard[0]
    with pytest.raises(ValueError, match=r"got 'streams' .* the ensemble alone"):
        Outputs(tmp_path, [STREAMS], ['rgb']).write(prediction)


def test_files_that_are_read_are_not_written_over(inferencer, files, tmp_path):
    (tmp_path / 'labels').symlink_to(tmp_path / 'rgb')
    with pytest.raises(ValueError, match='must not hold files that are read'):
        inferencer(files, out_dir=tmp_path)


def test_unknown_kinds_are_refused(inferencer, tmp_path):
    with pytest.raises(ValueError, match=r"`save` must be kinds .* got \['maps'\]"):
        inferencer.outputs(tmp_path, ['maps'])


def test_the_overlay_lies_on_the_first_modality_that_is_there(network, files):
    inferencer = MultimodalInferencer(
        network.config, network.checkpoint, absent=['rgb'], show_progress=False
    )
    given = inferencer.collect(dict(depth=files['depth']))
    prediction = next(inferencer.stream(given))
    assert prediction.overlay().shape == (24, 32, 3)
    assert len(np.unique(prediction.overlay(opacity=0).reshape(-1, 3), axis=0)) > 50
