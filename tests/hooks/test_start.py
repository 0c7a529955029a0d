import copy
from types import SimpleNamespace
from unittest.mock import MagicMock

import numpy as np
import pytest
from mmengine.hooks import RuntimeInfoHook as RuntimeInfoHookOfMMEngine
from mmengine.runner import Runner
from mmseg.evaluation import IoUMetric
from mmseg.registry import MODELS
from torch.utils.data import DataLoader

from mmseg_cen.hooks import RuntimeInfoHook
from mmseg_cen.hooks.start import check_classes, check_evaluation, check_targets
from mmseg_cen.metrics import StreamIoUMetric
from mmseg_cen.multitask import DepthErrorMetric

LABELS = [[[0, 1, 2, 255], [0, 1, 2, 2]]] * 2


def segmentor(num_classes=3, seg_pad_val=255):
    """A plain model of the toolbox, over the modalities side by side."""
    return MODELS.build(
        dict(
            type='EncoderDecoder',
            data_preprocessor=dict(type='SegDataPreProcessor', seg_pad_val=seg_pad_val),
            backbone=dict(
                type='ResNet', depth=18, in_channels=4, base_channels=4, stem_channels=4
            ),
            decode_head=dict(
                type='FCNHead', in_channels=32, channels=4, num_classes=num_classes
            ),
        )
    )


def start(tmp_path, model, data):
    """Begin to train as a script without any tool of ours does."""
    runner = Runner(
        model=model,
        work_dir=str(tmp_path / 'work'),
        default_scope='mmseg',
        train_dataloader=DataLoader(data, batch_size=2),
        optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1)),
        train_cfg=dict(by_epoch=True, max_epochs=1),
        default_hooks=dict(checkpoint=None),
    )
    hooks = [h for h in runner.hooks if isinstance(h, RuntimeInfoHookOfMMEngine)]
    assert [type(hook) for hook in hooks] == [RuntimeInfoHook]
    runner.train()


def test_any_runner_checks_the_heads_before_the_first_batch(
    tmp_path, labeled, monkeypatch
):
    data = labeled(LABELS)
    monkeypatch.setattr(type(data), '__getitem__', None)  # nothing is loaded
    with pytest.raises(ValueError, match='the data set, 3, got 4 in decode_head: set'):
        start(tmp_path, segmentor(num_classes=4), data)


def training(model, data, validation=None):
    loops = dict(train_dataloader=SimpleNamespace(dataset=data), val_loop=validation)
    hub = MagicMock()
    counts = dict(epoch=0, iter=0, max_epochs=1, max_iters=1)
    return SimpleNamespace(model=model, message_hub=hub, **loops, **counts)


def evaluation(data, **options):
    metric = IoUMetric(**options)
    return SimpleNamespace(
        dataloader=SimpleNamespace(dataset=data),
        evaluator=SimpleNamespace(metrics=[metric]),
    )


def test_a_training_of_one_mind_begins(labeled):
    data = labeled(LABELS)
    RuntimeInfoHook().before_train(training(segmentor(), data, evaluation(data)))


def test_all_parts_may_agree_upon_another_ignored_label(labeled):
    labels = np.array(LABELS[0], np.uint16)
    labels[labels == 255] = 65535
    data = labeled([labels], ignore_index=65535)
    model = segmentor(seg_pad_val=65535)
    hook = RuntimeInfoHook()
    with pytest.raises(ValueError, match=r'each head .* 65535, got 255'):
        hook.before_train(training(model, data))
    model.decode_head.ignore_index = 65535
    with pytest.raises(ValueError, match=r'of IoUMetric must be .*, 65535, got 255'):
        hook.before_train(training(model, data, evaluation(data)))
    hook.before_train(training(model, data, evaluation(data, ignore_index=65535)))
    model.data_preprocessor.seg_pad_val = 255
    with pytest.raises(ValueError, match='seg_pad_val'):
        hook.before_train(training(model, data))


def test_a_data_set_without_classes_is_refused(labeled):
    for classes in (None, ()):
        with pytest.raises(ValueError, match='`classes` of a MultimodalSegDataset'):
            check_classes(labeled(LABELS, classes))


def test_a_single_class_is_refused(labeled):
    with pytest.raises(ValueError, match=r"classes=\('background', 'chair'\)"):
        check_classes(labeled(LABELS, ('chair',)))


def test_labels_that_a_test_would_resize_are_refused(labeled):
    moved = labeled(LABELS, between=[dict(type='Resize', scale=(8, 4))])
    with pytest.raises(ValueError, match=r'file, \(2, 4\), .* got \(4, 8\) of .*000'):
        check_evaluation(segmentor(), evaluation(moved))
    moved.pipeline.transforms[1:3] = moved.pipeline.transforms[2:0:-1]
    check_evaluation(segmentor(), evaluation(moved))


def test_a_test_that_leaves_samples_out_is_refused(labeled):
    loop = evaluation(labeled([*LABELS, LABELS[0]]))
    data = loop.dataloader.dataset
    loop.dataloader = DataLoader(data, batch_size=2, drop_last=True)
    with pytest.raises(ValueError, match='got True, which leaves out 1 of 3: leave'):
        check_evaluation(segmentor(), loop)
    for options in (dict(batch_size=2), dict(batch_size=3, drop_last=True)):
        loop.dataloader = DataLoader(data, **options)
        check_evaluation(segmentor(), loop)


def test_what_a_metric_cannot_do_with_the_data_is_refused_at_the_start(
    labeled, tmp_path
):
    data = labeled(LABELS)
    loop = evaluation(data)
    loop.evaluator.metrics = [StreamIoUMetric('camera')]
    with pytest.raises(ValueError, match=r"got \['camera'\], but .*: set `groups"):
        check_evaluation(segmentor(), loop)
    data = loop.dataloader.dataset = labeled(LABELS, groups=dict(camera='0'))
    check_evaluation(segmentor(), loop)
    # Of several processes, each saves some samples.
    other = copy.copy(data)
    other.get_data_info = lambda index: dict(img_path=f'b/00{index}.png')
    metric = StreamIoUMetric(output_dir=str(tmp_path / 'out'))
    metric.check_data([data])
    with pytest.raises(ValueError, match=r'different names .*000.png and b/000.png'):
        metric.check_data([data, other])


def test_a_validation_by_itself_is_checked_once(labeled, monkeypatch):
    data = labeled(LABELS)
    runner = training(segmentor(5), data, evaluation(data))
    runner.test_loop = runner.val_loop
    hook = RuntimeInfoHook()
    for step in (hook.before_val, hook.before_test):
        with pytest.raises(ValueError, match='got 5 in decode_head'):
            step(runner)
    hook._trains = True
    hook.before_val(runner)


def test_data_of_other_projects_are_left_alone():
    runner = training(segmentor(7), [1, 2, 3], evaluation([1, 2, 3]))
    RuntimeInfoHook().before_train(runner)


def test_the_log_names_the_list_of_a_validation_and_of_a_test(labeled, monkeypatch):
    said = []
    place = 'mmseg_cen.hooks.start.print_log'
    monkeypatch.setattr(place, lambda text, *_: said.append(text))
    data, hook = labeled(LABELS), RuntimeInfoHook()
    name = type(data).__name__
    runner = training(segmentor(), data, evaluation(data))
    runner.test_loop = evaluation(data)
    data.ann_file = 'data/deliver/val.txt'
    hook.before_val(runner)
    data.ann_file = ''
    hook.before_test(runner)
    assert said == [
        f'validation: data/deliver/val.txt, 2 samples of {name}',
        f'test: all samples, 2 samples of {name}',
    ]


def test_metrics_of_tasks_that_the_model_lacks_are_refused():
    model = SimpleNamespace(targets=('gt_depth_map',))
    check_targets(model, [DepthErrorMetric()])
    message = r"predicts \('gt_depth_map',\), got IoUMetric of gt_sem_seg: add"
    with pytest.raises(ValueError, match=message):
        check_targets(model, [DepthErrorMetric(), IoUMetric()])
    check_targets(segmentor(), [IoUMetric(), DepthErrorMetric()])  # of no tasks
