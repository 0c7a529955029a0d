"""The written config runs as it is, wherever it lies, and whatever the data are."""

from pathlib import Path

import cv2
import filelock
import numpy as np
import pytest
from mmengine.config import Config
from mmseg.registry import DATASETS, MODELS

from mmseg_cen.modality import Modality
from mmseg_cen.models.classes import check_heads
from mmseg_cen.once import heard_warnings

ROOT = Path(__file__).parents[3]

SIZE = (12, 16)


@pytest.fixture
def own(load_tool):
    return load_tool('own_config')


@pytest.fixture
def prepare(load_tool, tmp_path, capsys):
    """Prepare samples of RGB and depth; exit status and what was printed."""
    tool = load_tool('from_folders')

    def run(out, labels, *options, label=True, root=None):
        for k, values in enumerate(labels):
            images = dict(
                rgb=np.full((*SIZE, 3), k, np.uint8),
                depth=np.linspace(900, 4000, SIZE[0] * SIZE[1])
                .reshape(SIZE)
                .astype(np.uint16),
                label=np.resize(np.array(values, np.uint8), SIZE),
            )
            for name, image in images.items():
                path = tmp_path / f'in{len(labels)}' / name / f'{k}.png'
                path.parent.mkdir(parents=True, exist_ok=True)
                assert cv2.imwrite(str(path), image)
        root = root or tmp_path / f'in{len(labels)}'
        arguments = [out, '--jobs', 1, '--rgb', root / 'rgb', '--depth', root / 'depth']
        arguments += ['--depth-unit', 0.001, *options]
        if label:
            arguments += ['--label', root / 'label']
        status = tool.main([*map(str, arguments)])
        return status, capsys.readouterr().out

    return run


@pytest.mark.parametrize(
    ('folder', 'name'),
    [
        ('data/mine', 'mine'),
        ('mine', 'mine'),
        ('data/a/out', 'a_out'),
        ('rooms/out', 'rooms_out'),
        ("data/Bob's rooms", 'Bob_s_rooms'),
        ('.', 'own_data'),
    ],
)
def test_a_folder_has_a_work_directory_of_its_own(
    own, tmp_path, monkeypatch, folder, name
):
    monkeypatch.chdir(tmp_path)
    assert own.work_dir_of(tmp_path / folder) == f'work_dirs/{name}'
    elsewhere = {own.work_dir_of(tmp_path.parent / part / 'out') for part in 'ab'}
    assert len(elsewhere) == 2


def test_the_folder_may_have_quotes_and_braces_in_its_name(prepare, tmp_path):
    out = tmp_path / '"Bob\'s" {rooms}, 100 %"'
    status, report = prepare(out, [[0, 1]] * 3)
    assert status == 0
    command = report.partition('Train with: ')[2]
    cfg = Config.fromfile(out / 'config.py')
    assert cfg.data_root == str(out)
    assert len(DATASETS.build(cfg.val_dataloader.dataset)) == 1
    assert 'python tools/train.py' in command


def test_one_training_image_makes_a_batch(prepare, tmp_path):
    assert prepare(tmp_path / 'out', [[0, 1]] * 2)[0] == 0
    loader = Config.fromfile(tmp_path / 'out/config.py').train_dataloader
    dataset = DATASETS.build(loader.dataset)
    assert len(dataset) == loader.batch_size == 2
    assert dataset[0]['data_samples'].img_path == dataset[1]['data_samples'].img_path


def test_one_image_alone_is_refused(prepare, tmp_path):
    with pytest.raises(SystemExit, match='must be two at least, got 1'):
        prepare(tmp_path / 'out', [[0, 1]])


def test_rare_classes_have_weights_and_balanced_ones_none(prepare, tmp_path):
    rare = [0] * 19 + [1] + [255] * 4
    assert prepare(tmp_path / 'rare', [rare] * 3)[0] == 0
    cfg = Config.fromfile(tmp_path / 'rare/config.py')
    weights = cfg.model.decode_head.head.loss_decode.class_weight
    labels = np.resize(np.array(rare), SIZE)
    frequency = np.array([(labels == k).sum() for k in (0, 1)]) / (labels < 255).sum()
    np.testing.assert_allclose(weights, 1 / np.log(1.02 + frequency), atol=1e-3)
    assert prepare(tmp_path / 'even', [[0, 1]] * 3)[0] == 0
    head = Config.fromfile(tmp_path / 'even/config.py').model.decode_head.head
    assert 'class_weight' not in head.loss_decode


def test_named_classes_that_never_occur_leave_nothing_to_learn(prepare, tmp_path):
    with pytest.raises(SystemExit, match='--label-map 0:0,255:1'):
        prepare(tmp_path / 'out', [[0, 255]] * 3, '--classes', 'ground,thing')
    assert not (tmp_path / 'out/config.py').exists()
    options = ['--classes', 'ground,thing', '--label-map', '0:0,255:1']
    assert prepare(tmp_path / 'out', [[0, 255]] * 3, *options)[0] == 0


def test_lists_without_samples_or_classes_leave_nothing_to_learn(prepare, tmp_path):
    lists = tmp_path / 'val'
    lists.write_text('0\n')
    options = ['--val-list', lists, '--num-classes', 2]
    with pytest.raises(SystemExit, match='got void alone in all 2 of train'):
        prepare(tmp_path / 'out', [[0, 1], [255], [255]], *options)
    assert prepare(tmp_path / 'other', [[0, 1]] * 3, *options)[0] == 0
    (tmp_path / 'in3/depth/0.png').write_bytes(b'')
    with pytest.raises(SystemExit, match='must have samples, got none in val'):
        prepare(tmp_path / 'other', [], *options, '--skip-bad', root=tmp_path / 'in3')
    assert not (tmp_path / 'other/config.py').exists()


def test_an_edited_config_survives_any_number_of_conversions(prepare, tmp_path):
    out = tmp_path / 'out'
    for text in ('first', 'second', None, None):
        assert prepare(out, [[0, 1]] * 3)[0] == 0
        if text:
            (out / 'config.py').write_text(text)
    kept = {path.read_text() for path in out.glob('config.old*.py')}
    assert kept == {'first', 'second'}


@pytest.mark.parametrize('is_finished', [True, False])
def test_a_config_survives_a_preparation_that_fails(prepare, tmp_path, is_finished):
    out = tmp_path / 'out'
    assert prepare(out, [[0, 1]] * 3)[0] == 0
    if not is_finished:
        assert prepare(out, [[0, 9]] * 3, '--num-classes', 2)[0] == 1
    (out / 'config.py').write_text('mine')
    if is_finished:
        with (
            filelock.FileLock(out / '.lock'),
            pytest.raises(SystemExit, match='no other run is writing'),
        ):
            prepare(out, [[0, 1]] * 3)
        assert (out / 'config.py').read_text() == 'mine'
    assert prepare(out, [[0, 1]] * 3)[0] == 0
    assert 'mine' in {path.read_text() for path in out.glob('config.old*.py')}


def test_more_than_255_classes_are_a_config_with_another_void(prepare, tmp_path):
    assert prepare(tmp_path / 'out', [[0, 1, 255]] * 3, '--num-classes', 300)[0] == 0
    cfg = Config.fromfile(tmp_path / 'out/config.py')
    model = MODELS.build(cfg.model)
    dataset = DATASETS.build(cfg.val_dataloader.dataset)
    check_heads(model, dataset.metainfo['classes'], dataset.metainfo['ignore_index'])
    assert cfg.val_evaluator.ignore_index == cfg.test_evaluator.ignore_index == 65535
    assert {*dataset[0]['data_samples'].gt_sem_seg.data.unique().tolist()} == {
        0,
        1,
        255,
    }


def test_a_folder_to_write_may_lie_within_the_one_to_read(prepare, tmp_path):
    inside = tmp_path / 'in3/rgb'
    assert prepare(inside / 'out', [[0, 1]] * 3)[0] == 0
    status, report = prepare(inside / 'out', [[0, 1]] * 3)
    assert status == 0
    assert '3 samples were finished before' in report
    with pytest.raises(SystemExit, match='must be another folder than those to read'):
        prepare(inside, [[0, 1]] * 3)


def test_it_stops_at_losses_that_are_not_finite_and_can_be_augmented(prepare, tmp_path):
    assert prepare(tmp_path / 'out', [[0, 1]] * 3)[0] == 0
    cfg = Config.fromfile(tmp_path / 'out/config.py')
    hooks = [hook.type for hook in (*cfg.custom_hooks, *cfg.default_hooks.values())]
    assert {*hooks} >= {'GammaRecorderHook', 'ExchangeStatsHook'}
    assert hooks.count('FiniteLossHook') == 1
    settings = {**cfg.test_dataloader.dataset, 'pipeline': cfg.tta_pipeline}
    sample = DATASETS.build(settings)[0]
    assert len(sample['inputs']) == 6
    assert {tuple(x.shape[1:]) for x in sample['inputs']} == {
        (9, 12),
        (12, 16),
        (15, 20),
    }


def test_data_without_labels_get_a_config_that_predicts_them(
    prepare, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    mine, new = tmp_path / 'data/mine', tmp_path / 'data/new'
    assert prepare(mine, [[0, 1]] * 3)[0] == 0
    options = ['--config', mine / 'config.py']
    assert 'CHECKPOINT' in prepare(new, [[0, 1]], *options, label=False)[1]
    work_dir = tmp_path / 'work_dirs/mine'
    work_dir.mkdir(parents=True)
    (work_dir / 'best_mIoU_epoch_4.pth').touch()
    status, report = prepare(new, [[0, 1]], *options, label=False)
    assert status == 0
    assert (
        f'python tools/test.py {new}/config.py work_dirs/mine/best_mIoU_epoch_4.pth '
        '--out predictions/new'
    ) in report
    cfg = Config.fromfile(new / 'config.py')
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    assert len(dataset) == 1
    assert 'seg_map_path' not in dataset.get_data_info(0)
    assert cfg.model.to_dict() == Config.fromfile(mine / 'config.py').model.to_dict()


def test_the_groups_of_a_network_are_not_those_of_own_samples(prepare, tmp_path):
    mine = tmp_path / 'data/mine'
    assert prepare(mine, [[0, 1]] * 3)[0] == 0
    config = mine / 'grouped.py'
    groups = "groups=dict(camera='cameras.json', day='_([DN])$')"
    config.write_text(
        f"_base_ = './config.py'\ntest_dataloader = dict(dataset=dict({groups}))\n"
    )
    options = ['--config', config]
    assert prepare(tmp_path / 'new', [[0, 1]], *options, label=False)[0] == 0
    cfg = Config.fromfile(tmp_path / 'new/config.py')
    assert len(DATASETS.build(cfg.test_dataloader.dataset)) == 1


def test_networks_of_prepared_data_sets_predict_own_samples(prepare, tmp_path):
    (tmp_path / 'thermal').mkdir()
    assert cv2.imwrite(f'{tmp_path}/thermal/0.png', np.full(SIZE, 9, np.uint8))
    base = 'configs/cen/pspnet_r101_mfnet.py'
    changes = (
        "modalities=('thermal', 'rgb'), order=('thermal', 'rgb'), optional=('rgb',)"
    )
    config = tmp_path / 'network.py'
    config.write_text(
        f"_base_ = '{ROOT / base}'\ntest_dataloader = dict(dataset=dict({changes}))\n"
    )
    thermal = ['--modality', f'thermal={tmp_path}/thermal']
    of_package = base.replace('configs/', 'mmseg_cen::')
    for network in (ROOT / base, config, of_package):
        options = [*thermal, '--config', network]
        assert prepare(tmp_path / 'new', [[0, 1]], *options, label=False)[0] == 0
        cfg = Config.fromfile(tmp_path / 'new/config.py')
        sample = DATASETS.build(cfg.test_dataloader.dataset).get_data_info(0)
        assert {*sample['modality_paths']} == {'rgb', 'thermal'}
        assert sample['groups'] == {}


def test_a_network_of_rendered_rooms_is_refused(load_tool):
    folder = load_tool('own_storage').Folder
    folders = dict(rgb=folder(channels=3), depth=folder(channels=1))
    demo = str(ROOT / 'configs/demo/cen_synthetic.py')
    with pytest.raises(ValueError, match=r'one data set of files, got .* with a Synth'):
        load_tool('own_prediction').check_network(demo, folders)


def test_a_network_of_encoded_depth_predicts_depth(prepare, tmp_path):
    mine = tmp_path / 'mine'
    assert prepare(mine, [[0, 1]] * 3)[0] == 0
    config = mine / 'jet.py'
    config.write_text(
        """_base_ = './config.py'
test_pipeline = [
    dict(type='LoadModalities'),
    dict(type='EncodeDepth', encoding='jet'),
    dict(type='PackMultimodalInputs'),
]
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
depth = dict(_delete_=True, mean=[9.0] * 3, std=[9.0] * 3)
model = dict(data_preprocessor=dict(modalities=dict(depth=depth)))
"""
    )
    options = ['--config', config]
    assert prepare(tmp_path / 'new', [[0, 1]], *options, label=False)[0] == 0
    cfg = Config.fromfile(tmp_path / 'new/config.py')
    (sample,) = DATASETS.build(cfg.test_dataloader.dataset)
    assert sample['inputs'].shape == (6, *SIZE)


def test_a_network_of_other_modalities_is_refused(prepare, tmp_path, load_tool):
    mine = tmp_path / 'mine'
    assert prepare(mine, [[0, 1]] * 3)[0] == 0
    tool = load_tool('own_prediction')
    folder = load_tool('own_storage').Folder
    with pytest.raises(ValueError, match='got no depth: add --modality depth=DIR'):
        tool.check_network(str(mine / 'config.py'), dict(rgb=folder(channels=3)))
    folders = dict(rgb=folder(channels=3), depth=folder(channels=2))
    with pytest.raises(ValueError, match=r'depth must have 1 channel\(s\)'):
        tool.check_network(str(mine / 'config.py'), folders)


def test_images_of_other_bits_than_the_network_knows_need_a_factor(
    prepare, load_tool, tmp_path
):
    mine, new = tmp_path / 'mine', tmp_path / 'new'
    assert prepare(mine, [[0, 1]] * 3)[0] == 0
    (tmp_path / 'bright').mkdir()
    for k in range(3):
        bright = np.full((*SIZE, 3), 257 * 90, np.uint16)
        assert cv2.imwrite(f'{tmp_path}/bright/{k}.png', bright)
    arguments = [new, '--jobs', 1, '--config', mine / 'config.py']
    arguments += ['--depth', tmp_path / 'in3/depth', '--depth-unit', 0.001]
    arguments += ['--modality', f'rgb={tmp_path}/bright']
    tool = load_tool('from_folders')
    with pytest.raises(SystemExit, match='rgb must hold values of uint8') as error:
        tool.main([*map(str, arguments)])
    arguments[-1] += f':scale={str(error.value).rpartition("=")[2]}'
    assert tool.main([*map(str, arguments)]) == 0
    dataset = Config.fromfile(new / 'config.py').test_dataloader.dataset
    dataset.pipeline = [dict(type='LoadModalities')]
    np.testing.assert_allclose(DATASETS.build(dataset)[0]['img'], 90, rtol=1e-5)


@pytest.mark.parametrize(
    ('trained', 'new', 'message'),
    [
        (dict(dtype='uint16'), dict(dtype='uint8'), 'values of uint16, .* got uint8'),
        (dict(dtype='float32'), dict(dtype='int16'), 'values of float32'),
        (dict(dtype='uint16', scale=0.01), dict(dtype='uint16'), 'physical units'),
        (dict(dtype='uint16', scale=0.01), dict(dtype='float32'), None),
        (dict(dtype='uint16', scale=0.01), dict(dtype='uint8', scale=0.5), None),
        (dict(dtype='uint16'), dict(dtype='uint16'), None),
        (dict(dtype='float64'), dict(dtype='float32'), None),
        (dict(), dict(dtype='uint8'), None),
    ],
)
def test_values_without_a_unit_must_be_those_of_the_training(
    load_tool, trained, new, message
):
    tool = load_tool('own_prediction')
    arguments = ('thermal', Modality(**trained), tool.Folder(**new), 'net.py')
    if message is None:
        tool.check_values(*arguments)
        return
    with pytest.raises(ValueError, match=message + r'.*thermal=DIR:scale=FACTOR$'):
        tool.check_values(*arguments)


def test_a_unit_is_doubted_where_the_network_knows_none(prepare, tmp_path):
    mine = tmp_path / 'mine'
    assert prepare(mine, [[0, 1]] * 3)[0] == 0
    config = mine / 'stored.py'
    stored = "dict(_delete_=True, rgb=dict(), depth=dict(dtype='uint16'))"
    config.write_text(
        "_base_ = './config.py'\n"
        f'test_dataloader = dict(dataset=dict(modalities={stored}))\n'
    )
    options = ['--config', config]
    with heard_warnings() as heard:
        assert prepare(tmp_path / 'new', [[0, 1]], *options, label=False)[0] == 0
    assert any('was trained on the values of uint16' in said for said in heard)


def test_the_larger_network_of_the_page_is_one_for_the_data(prepare, tmp_path):
    assert prepare(tmp_path / 'out', [[0, 1, 2]] * 3)[0] == 0
    page = (ROOT / 'docs/your_own_data.md').read_text()
    text = page.partition('<!-- larger -->\n```python\n')[2].partition('```')[0]
    (tmp_path / 'out/resnet50.py').write_text(text)
    cfg = Config.fromfile(tmp_path / 'out/resnet50.py')
    assert cfg.data_root == str(tmp_path / 'out')
    cfg.model.backbone.init_cfg = None
    model = MODELS.build(cfg.model)
    assert model.decode_head.num_classes == 3
    assert len(model.backbone.layer3) == 6


@pytest.mark.parametrize('channels', [2, 3, 5])
def test_modalities_of_any_channels_fit_the_network(prepare, tmp_path, channels):
    (tmp_path / 'event').mkdir()
    for k in range(3):
        np.save(tmp_path / f'event/{k}.npy', np.full((*SIZE, channels), k, np.int16))
    event = f'event={tmp_path}/event'
    status, said = prepare(tmp_path / 'out', [[0, 1]] * 3, '--modality', event)
    assert status == 0, said
    cfg = Config.fromfile(tmp_path / 'out/config.py')
    preprocessor = MODELS.build(cfg.model.data_preprocessor)
    assert preprocessor.num_channels == cfg.model.backbone.get('in_channels', 3)
