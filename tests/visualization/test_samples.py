import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmseg_cen.visualization.samples import draw_sample, title

META = dict(
    classes=('wall', 'floor', 'chair'), palette=[[9, 0, 0], [0, 9, 0], [0, 0, 9]]
)


def make_sample(
    modalities, size=(8, 10), streams=True, truth=True, name='a/b/room.jpg'
):
    def labels():
        return PixelData(data=torch.randint(3, (1, *size)))

    sample = SegDataSample(metainfo=dict(img_path=name, modalities=modalities))
    sample.pred_sem_seg = labels()
    if truth:
        sample.gt_sem_seg = labels()
        sample.gt_sem_seg.data[..., 0] = 255
    if streams:
        fields = {key: labels().data for key in modalities}
        sample.pred_streams = PixelData(**fields)
    return sample


def make_inputs(modalities, size=(8, 10)):
    return 255 * torch.rand(sum(modalities.values()), *size)


@pytest.mark.parametrize(
    'modalities', [dict(rgb=3), dict(rgb=3, thermal=1, normals=3, polarization=4)]
)
@pytest.mark.parametrize('streams', [True, False])
@pytest.mark.parametrize('truth', [True, False])
def test_any_sample_can_be_drawn(modalities, streams, truth):
    """Whose inputs may be larger than its labels."""
    sample = make_sample(modalities, streams=streams, truth=truth)
    inputs = make_inputs(modalities, (16, 20)).numpy()
    picture = draw_sample(inputs, sample, META)
    assert picture.dtype == np.uint8
    height, width = picture.shape[:2]
    # Ground truth and errors; without streams, the prediction and the overlay, too.
    columns = len(modalities) + 2 * truth + 2 * (not streams)
    columns = max(columns, len(modalities) + 1 + truth)
    assert width == pytest.approx(columns * (260 + 12), rel=0.05)
    assert (height > 500) == streams


def test_a_sample_without_metainfo_is_one_image():
    sample = SegDataSample(pred_sem_seg=PixelData(data=torch.zeros(1, 8, 8).long()))
    inputs = make_inputs(dict(rgb=3), (8, 8)).numpy()
    assert draw_sample(inputs, sample, dict(classes=('wall',))).ndim == 3


def test_the_colors_of_all_predictions_are_in_the_picture():
    sample = make_sample(dict(rgb=3, depth=1), truth=False)
    sample.pred_sem_seg.data[:] = 0
    sample.pred_streams.rgb[:] = 1
    sample.pred_streams.depth[:] = 2
    inputs = make_inputs(dict(rgb=3, depth=1)).numpy()
    picture = draw_sample(inputs, sample, META)
    for color in META['palette']:
        # One panel of about 260 x 208 pixels each, and the square in the legend.
        assert (picture == color).all(-1).sum() > 200 * 256


def test_an_absent_stream_leaves_its_place_empty():
    sample = make_sample(dict(rgb=3, depth=1))
    inputs = make_inputs(dict(rgb=3, depth=1)).numpy()
    whole = draw_sample(inputs, sample, META)
    del sample.pred_streams.depth
    assert draw_sample(inputs, sample, META).shape == whole.shape


def test_titles_are_words():
    assert [title(name) for name in ('rgb', 'depth', 'depth_map')] == [
        'RGB', 'Depth', 'Depth map'
    ]  # fmt: skip


def test_the_label_that_the_data_set_ignores_is_drawn_as_ignored():
    """Even if it is a class of the network."""
    sample = make_sample(dict(rgb=3), streams=False)
    inputs = make_inputs(dict(rgb=3)).numpy()
    sample.gt_sem_seg.data[:] = 0
    void = sample.clone()
    labels = torch.full_like(sample.gt_sem_seg.data, 255)
    void.gt_sem_seg = PixelData(data=labels)
    as_class = draw_sample(inputs, sample, META)
    ignored = draw_sample(inputs, sample, META | dict(ignore_index=0))
    assert (ignored == draw_sample(inputs, void, META)).all()
    assert not np.array_equal(ignored, as_class)


def test_predictions_of_a_binary_model_are_drawn_as_classes():
    sample = make_sample(dict(rgb=3))
    inputs = make_inputs(dict(rgb=3)).numpy()
    expected = draw_sample(inputs, sample, META)
    sample.pred_sem_seg = PixelData(data=sample.pred_sem_seg.data.float())
    sample.pred_streams = PixelData(rgb=sample.pred_streams.rgb.float())
    assert (draw_sample(inputs, sample, META) == expected).all()


def test_pixels_that_are_wrong_are_red_where_there_is_ground_truth():
    sample = make_sample(dict(rgb=3), streams=False)
    sample.gt_sem_seg.data[:] = 0
    sample.pred_sem_seg.data[:] = 0
    sample.pred_sem_seg.data[:, :4] = 1  # half of the rows
    picture = draw_sample(make_inputs(dict(rgb=3)).numpy(), sample, META)
    red = (picture == (220, 38, 38)).all(-1).sum()
    assert red == pytest.approx(260 * 208 / 2, rel=0.01)


def test_many_classes_have_numbers_in_the_picture_and_the_legend():
    classes = tuple(f'class {k}' for k in range(20))
    sample = make_sample(dict(rgb=3), size=(40, 40), streams=False, truth=False)
    labels = torch.arange(20).repeat_interleave(2).expand(40, 40)
    sample.pred_sem_seg = PixelData(data=labels[None].clone())
    inputs = make_inputs(dict(rgb=3), (40, 40)).numpy()
    colors = [[200, 0, 10 * k] for k in range(20)]
    many = draw_sample(inputs, sample, dict(classes=classes, palette=colors))
    sample.pred_sem_seg.data[:] = labels % 12
    few = draw_sample(inputs, sample, dict(classes=classes, palette=colors))
    assert many.shape[0] > few.shape[0]
