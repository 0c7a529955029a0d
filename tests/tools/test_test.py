import json
import os
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

from mmseg_cen.metrics import iou, read_per_image


def test_a_missing_checkpoint_ends_in_one_line(error_of, config):
    line = error_of('test.py', config, 'no.pth')
    assert line.startswith("error: the checkpoint must be a file, got 'no.pth'")


def test_one_of_several_checkpoints_must_be_chosen(error_of, config, tmp_path):
    paths = [tmp_path / f'best_mIoU_epoch_{k}.pth' for k in (10, 5)]
    for k, path in enumerate(paths):
        path.touch()
        os.utime(path, (k, k))
    line = error_of('test.py', config, *paths)
    assert line.startswith('error: `checkpoint` must be one file')
    assert line.endswith(f"(the newest is '{paths[1]}')")


def test_weights_that_the_checkpoint_replaces_are_not_looked_for(
    error_of, config, tmp_path, monkeypatch
):
    """They need torchvision; the copy of the config keeps them for a training."""
    monkeypatch.setattr('mmseg_cen.models.pretrained.find_spec', lambda name: None)
    torch.save(dict(state_dict=dict(weight=torch.zeros(1))), tmp_path / 'other.pth')
    for _ in range(2):  # the second one finds the copy of the first
        line = error_of(
            'test.py', config, tmp_path / 'other.pth', '--work-dir', tmp_path / 'work',
            '--cfg-options', 'model.backbone.init_cfg.type=Pretrained',
            'model.backbone.init_cfg.checkpoint=torchvision://resnet18',
        )  # fmt: skip
        assert line.startswith('error: the checkpoint must be of the model')
        (copy,) = (tmp_path / 'work').glob('*.py')
        assert "checkpoint='torchvision://resnet18'" in copy.read_text()


@pytest.mark.slow
def test_a_checkpoint_of_another_model_is_refused(error_of, config, trained, tmp_path):
    line = error_of(
        'test.py', config, trained / 'iter_4.pth', '--work-dir', tmp_path,
        '--cfg-options', 'model.decode_head.head.channels=24',
    )  # fmt: skip
    assert line.startswith('error: the checkpoint must be of the model')


@pytest.mark.slow
def test_testing_reports_every_stream_and_saves_predictions_and_pictures(
    tool, config, trained, tmp_path
):
    code, output = tool(
        'test.py', config, trained / 'iter_4.pth', '--work-dir', tmp_path / 'work',
        '--out', tmp_path / 'out', '--show-dir', tmp_path / 'pictures',
        '--per-image', tmp_path / 'images.npz',
    )  # fmt: skip
    assert code == 0, output
    figures = json.loads(next((tmp_path / 'work').rglob('2*.json')).read_text())
    assert {'rgb/mIoU', 'depth/mIoU', 'mIoU'} <= set(figures)
    measured = read_per_image(tmp_path / 'images.npz')
    mean = np.nanmean(iou(measured.areas['ensemble'].sum(0)))
    assert figures['mIoU'] == pytest.approx(mean, abs=0.006)
    assert measured.images == tuple(f'room_0_{k:06d}' for k in range(8))
    names = [f'room_0_{k:06d}.png' for k in range(8)]
    for folder in ('out', 'pictures'):
        assert sorted(p.name for p in (tmp_path / folder).iterdir()) == names
    prediction = cv2.imread(str(tmp_path / 'out' / names[0]), cv2.IMREAD_UNCHANGED)
    assert prediction.shape == (32, 48)
    assert prediction.max() < 13


@pytest.mark.slow
def test_test_time_augmentation_keeps_every_stream_of_a_frozen_exchange(
    tool, config, trained, tmp_path
):
    code, output = tool(
        'test.py', config, trained / 'iter_4.pth', '--work-dir', tmp_path / 'work',
        '--tta', '--show-dir', tmp_path / 'pictures', '--show-interval', '4',
        '--freeze',
    )  # fmt: skip
    assert code == 0, output
    assert 'before     frozen' in output
    figures = json.loads(next((tmp_path / 'work').rglob('2*.json')).read_text())
    assert {'rgb/mIoU', 'depth/mIoU', 'mIoU'} <= set(figures)
    assert len(list((tmp_path / 'pictures').iterdir())) == 2


def test_only_a_modality_of_the_model_can_be_left_out(error_of, config):
    line = error_of('test.py', config, __file__, '--absent', 'thermal')
    assert line.startswith('error: `absent`')
    assert "('rgb', 'depth'), got" in line
    assert 'thermal' in line


@pytest.mark.slow
def test_each_subset_of_the_modalities_is_tested(tool, config, trained, tmp_path):
    command = ['test.py', config, trained / 'iter_4.pth', '--work-dir', tmp_path]
    code, output = tool(*command, '--subsets', '--tta')
    assert code == 0, output
    (path,) = tmp_path.glob('*/*.json')
    metrics = json.loads(path.read_text())
    code, output = tool(*command, '--absent', 'depth', '--tta')
    assert code == 0, output
    path = max(tmp_path.glob('*/*.json'))
    assert json.loads(path.read_text())['mIoU'] == metrics['rgb/mIoU']
    assert 'rgb+depth/depth/mIoU' in metrics


def test_an_option_of_a_segmentor_or_of_augmentation_is_refused_without_it(load_tool):
    test = load_tool('test.py')
    cfg = Config(dict(model=dict(type='EncoderDecoder'), tta_model=dict()))
    with pytest.raises(ValueError, match="for --absent, got 'EncoderDecoder'"):
        test.leave_out(cfg, ['depth'])
    with pytest.raises(ValueError, match='for --tta, got no tta_pipeline: '):
        test.enable_tta(cfg)
    cfg = Config(dict(model=dict(type='MultitaskSegmentor'), tta_model={}))
    with pytest.raises(ValueError, match="alone for --tta, got 'MultitaskSegmentor'"):
        test.enable_tta(cfg)


def test_subsets_and_protocols_are_tested_in_the_precision_of_the_config(load_tool):
    cfg = Config(dict(test_cfg=dict(type='TestLoop', fp16='bf16')))
    load_tool('test.py').set_loop(cfg, type='SubsetTestLoop')
    assert cfg.test_cfg == dict(type='SubsetTestLoop', fp16='bf16')


def test_augmentation_is_of_each_data_set_within_wrappers(load_tool):
    parts = [dict(type='MultimodalSegDataset', pipeline=[]) for _ in range(2)]
    repeated = dict(type='RepeatDataset', times=1, dataset=parts[1])
    dataset = dict(type='ConcatDataset', datasets=[parts[0], repeated])
    cfg = Config(
        dict(
            model=dict(type='CENSegmentor'), tta_model=dict(),
            tta_pipeline=[dict(type='TestTimeAug')],
            test_dataloader=dict(dataset=dataset),
        )
    )  # fmt: skip
    load_tool('test.py').enable_tta(cfg)
    first, second = cfg.test_dataloader.dataset.datasets
    assert first.pipeline == second.dataset.pipeline == cfg.tta_pipeline
    assert 'pipeline' not in second


@pytest.mark.parametrize(
    'model',
    [dict(type='CyclicPix2Pix'), dict(type='MultitaskSegmentor', tasks=('depth',))],
)
def test_predictions_of_neither_classes_nor_one_target_are_not_saved(model, load_tool):
    with pytest.raises(ValueError, match='take --show-dir for pictures'):
        load_tool('test.py').save_predictions(Config(dict(model=model)), 'out')


def test_images_are_saved_whatever_measures_them(load_tool):
    cfg = Config(
        dict(model=dict(type='CENPix2Pix'), test_evaluator=dict(type='IoUMetric'))
    )
    load_tool('test.py').save_predictions(cfg, 'out')
    assert [hook.type for hook in cfg.custom_hooks] == ['TranslationImagesHook']


def test_pictures_of_every_kind_have_a_folder(load_tool):
    test = load_tool('test.py')
    args = SimpleNamespace(show=False, show_dir='pictures', show_interval=1)
    for kind in ('Multimodal', 'Translation', 'Multitask', 'Cyclic'):
        hook = dict(type=f'{kind}VisualizationHook')
        cfg = Config(dict(test_evaluator=[], default_hooks=dict(visualization=hook)))
        test.enable_pictures(cfg, args)
        assert cfg.default_hooks.visualization.out_dir == 'pictures'


def test_only_a_metric_of_ours_stores_each_image(load_tool):
    test = load_tool('test.py')
    metrics = [dict(type='IoUMetric'), dict(type='StreamIoUMetric')]
    cfg = Config(dict(test_evaluator=metrics))
    test.save_per_image(cfg, 'a.npz')
    assert cfg.test_evaluator[1].per_image_file == 'a.npz'
    assert 'per_image_file' not in cfg.test_evaluator[0]
    cfg = Config(dict(test_evaluator=metrics[0]))
    with pytest.raises(ValueError, match=r"for --per-image, got \['IoUMetric'\]: "):
        test.save_per_image(cfg, 'a.npz')
    cfg = Config(dict(test_evaluator={**metrics[1], 'format_only': True}))
    with pytest.raises(ValueError, match='for --per-image, got format_only=True of'):
        test.save_per_image(cfg, 'a.npz')


def test_predictions_and_pictures_need_a_folder_each(error_of, config, tmp_path):
    (tmp_path / 'same').symlink_to(tmp_path)
    folders = ('--out', tmp_path, '--show-dir', tmp_path / 'same')
    line = error_of('test.py', config, __file__, *folders)
    assert line.startswith('error: `--show-dir` must be another folder than `--out`')


def test_pictures_of_the_toolbox_become_ours_which_keep_folders(load_tool):
    test = load_tool('test.py')
    cfg = Config(dict(
        default_hooks=dict(visualization=dict(type='SegVisualizationHook')),
        test_evaluator=dict(type='StreamIoUMetric'),
    ))  # fmt: skip
    args = SimpleNamespace(show=False, show_dir='pictures', show_interval=2)
    test.enable_pictures(cfg, args)
    expected = dict(
        type='MultimodalVisualizationHook', draw=True, interval=2, out_dir='pictures'
    )
    assert cfg.default_hooks.visualization == expected
    cfg.default_hooks.visualization = None  # no hook of the toolbox
    test.enable_pictures(cfg, args)
    assert cfg.default_hooks.visualization == expected


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--missing', 'zero'], '`--missing` must come with --protocol emm, got None'),
        (['--protocol', 'emm', '--no-gaussian', 'rgb'], 'must come with --protocol nm'),
        (['--protocol', 'emm', '--subsets'], 'not allowed with argument'),
        (
            ['--protocol', 'nm', '--out', 'folder'],
            '`--protocol` must come without --out',
        ),
    ],
)
def test_options_of_other_protocols_are_refused(
    load_tool, monkeypatch, capsys, options, message
):
    monkeypatch.setattr('sys.argv', ['test.py', 'config.py', 'a.pth', *options])
    with pytest.raises(SystemExit):
        load_tool('test.py').parse_args()
    assert message in capsys.readouterr().err


def test_a_protocol_is_for_models_of_several_streams(error_of, config):
    line = error_of(
        'test.py', config, __file__, '--protocol', 'emm',
        '--cfg-options', 'model.type=EncoderDecoder',
    )  # fmt: skip
    assert line.startswith("error: `model.type` must be 'CENSegmentor' for --protocol")


def test_a_protocol_writes_its_table(load_tool, narrow_config, tmp_path, monkeypatch):
    init_default_scope('mmseg')
    model = MODELS.build(Config.fromfile(narrow_config).model)
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'weights.pth')
    monkeypatch.setattr('sys.argv', [
        'test.py', str(narrow_config), str(tmp_path / 'weights.pth'),
        '--protocol', 'emm', '--missing', 'zero', '--work-dir', str(tmp_path),
        '--cfg-options', 'test_dataloader.dataset.num_samples=1',
    ])  # fmt: skip
    load_tool('test.py').main()
    (path,) = tmp_path.glob('*/emm.md')
    assert f'`{narrow_config}` with `{tmp_path}/weights.pth`' in path.read_text()
    assert 'is zero: the network does not know' in path.read_text()
