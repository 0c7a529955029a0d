import pytest
import torch
from mmengine.config import Config
from mmengine.model import BaseTTAModel
from mmseg.registry import DATASETS, MODELS
from torch import nn

from mmseg_cen import launch
from mmseg_cen.launch import (
    build_runner,
    check_checkpoint,
    is_first_process,
    load_config,
    say_order,
)
from mmseg_cen.short_log import ShortLogRunner


def network(width=3, extra=False):
    layers = [nn.Conv2d(3, width, 1), nn.BatchNorm2d(width)]
    if extra:
        layers.append(nn.Conv2d(width, 2, 1))
    return nn.Sequential(*layers)


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / 'checkpoint.pth'
    torch.save({'state_dict': network().state_dict(), 'meta': {}}, path)
    return str(path)


@pytest.mark.parametrize('strict', [True, False])
def test_a_checkpoint_of_the_same_model_is_accepted(checkpoint, strict):
    check_checkpoint(network(), checkpoint, strict=strict)


def test_wrappers_are_looked_through(checkpoint, tmp_path):
    class Augmented(BaseTTAModel):
        def __init__(self, module):
            nn.Module.__init__(self)
            self.module = module

        def merge_preds(self, data_samples_list):
            return data_samples_list

    check_checkpoint(Augmented(network()), checkpoint, strict=True)
    state = {f'module.{k}': v for k, v in network().state_dict().items()}
    torch.save(state, tmp_path / 'parallel.pth')
    check_checkpoint(network(), str(tmp_path / 'parallel.pth'), strict=True)


@pytest.mark.parametrize('content', [b'', b'text', b'PK\x03\x04damaged'])
def test_what_is_no_checkpoint_is_refused_as_such(content, tmp_path):
    path = tmp_path / 'file.pth'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r'must be .*file.pth.* cannot be read'):
        check_checkpoint(network(), str(path), strict=True)


def test_weights_alone_are_not_resumed(checkpoint):
    with pytest.raises(ValueError, match=r'must say how far .* start from them with l'):
        check_checkpoint(network(), checkpoint, strict=True, resume=True)


@pytest.mark.parametrize('content', [[1], {'state_dict': torch.zeros(1)}])
def test_a_file_without_a_state_dict_is_refused(content, tmp_path):
    torch.save(content, tmp_path / 'file.pth')
    with pytest.raises(ValueError, match=r'state dict .*, which holds a (list|Tensor)'):
        check_checkpoint(network(), str(tmp_path / 'file.pth'), strict=True)


def test_what_else_a_checkpoint_was_trained_as_is_said(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(launch, 'warn_once', lambda subject, text: said.append(text))
    path = str(tmp_path / 'exchanging.pth')
    meta = dict(trained_as=dict(exchanges={'ChannelExchange': 16}))
    torch.save({'state_dict': network().state_dict(), 'meta': meta}, path)
    check_checkpoint(network(), path, strict=True)
    (text,) = said
    assert text.startswith(f'{path!r} was trained with exchanges=')
    assert 'and is used with exchanges={}' in text


def test_the_launcher_tells_which_process_is_the_first(monkeypatch):
    monkeypatch.setenv('RANK', '1')
    assert is_first_process('none')
    assert not is_first_process('pytorch')
    assert is_first_process('slurm')


def test_testing_refuses_what_is_missing_unexpected_or_of_another_shape(checkpoint):
    with pytest.raises(ValueError, match=r'2 missing \(2\.weight, 2\.bias\)\): use'):
        check_checkpoint(network(extra=True), checkpoint, strict=True)
    with pytest.raises(ValueError, match=r'0\.weight \(3, 3, 1, 1\) instead of \(4, 3'):
        check_checkpoint(network(width=4), checkpoint, strict=True)
    with pytest.raises(ValueError, match=r'4 unexpected \(1\.weight, '):
        check_checkpoint(network()[:1], checkpoint, strict=True)


def test_a_start_from_other_weights_needs_one_tensor_that_fits(checkpoint):
    check_checkpoint(network(extra=True), checkpoint, strict=False)
    with pytest.raises(ValueError, match=r'`load_from` .* nothing fits .*init_cfg'):
        check_checkpoint(nn.ModuleDict({'a': network()}), checkpoint, strict=False)


def test_long_lists_of_names_are_cut(checkpoint):
    model = nn.Sequential(*[nn.Linear(1, 1) for _ in range(9)])
    with pytest.raises(ValueError, match=r'missing \((\S+, ){2}\.\.\.\)'):
        check_checkpoint(model, checkpoint, strict=True)


def test_a_test_takes_the_averaged_weights_of_its_checkpoint(tmp_path):
    runner = launch.TestingRunner(
        model=dict(type='ImgDataPreprocessor'),
        work_dir=str(tmp_path),
        custom_hooks=[dict(type='EMAHook'), dict(type='EmptyCacheHook')],
        experiment_name='averaged',
        log_level='ERROR',
    )
    kinds = [type(hook).__name__ for hook in runner.hooks]
    assert 'EMAHook' not in kinds
    assert 'EmptyCacheHook' in kinds


@pytest.mark.parametrize('left', ['last_checkpoint', '2020/vis_data/scalars.json'])
def test_a_test_leaves_the_config_of_a_training_as_it_is(tmp_path, left):
    """By it, tools tell what was trained; a test may be of other options."""
    copy, trained = tmp_path / 'work/a.py', tmp_path / 'work' / left
    trained.parent.mkdir(parents=True)
    trained.write_text('')
    (tmp_path / 'a.py').write_text('')
    for name in ('after', 'without'):
        cfg = Config(
            dict(
                model=dict(type='ImgDataPreprocessor'),
                work_dir=str(copy.parent),
                experiment_name=f'{name} {left[:4]}',
                log_level='ERROR',
            ),
            filename=str(tmp_path / 'a.py'),
        )
        build_runner(cfg, launch.TestingRunner)
        assert copy.exists() == (name == 'without')
        trained.unlink(missing_ok=True)


def test_any_hook_of_a_config_may_be_none(monkeypatch):
    monkeypatch.setattr(ShortLogRunner, 'from_cfg', lambda cfg: cfg)
    hooks = dict(finite=None, timer=None, logger=dict(type='LoggerHook'))
    built = build_runner(Config(dict(default_hooks=hooks)))
    assert built.default_hooks == dict(timer=None, logger=dict(type='LoggerHook'))


def test_a_work_directory_that_is_a_file_is_refused(tmp_path):
    path = tmp_path / 'small.py'
    path.write_text('a = 1')
    with pytest.raises(ValueError, match=r'`work_dir` must be a folder, got the file'):
        load_config(str(path), work_dir=str(path))
    with pytest.raises(ValueError, match=r"`work_dir` must be a folder, got ''"):
        load_config(str(path), work_dir='')


def test_the_command_line_overrides_the_config(tmp_path):
    path = tmp_path / 'small.py'
    path.write_text("a = dict(b=1)\nwork_dir = 'from_config'\n")
    cfg = load_config(str(path), options={'a.b': 2}, launcher='pytorch')
    assert (cfg.a.b, cfg.work_dir, cfg.launcher) == (2, 'from_config', 'pytorch')
    assert load_config(str(path), work_dir='chosen').work_dir == 'chosen'
    path.write_text('a = 1')
    assert load_config(str(path)).work_dir == 'work_dirs/small'


def test_each_seed_has_a_work_directory_of_its_own(tmp_path):
    path = tmp_path / 'small.py'
    path.write_text('randomness = dict(seed=42)')
    names = {
        load_config(str(path), options=seed and {'randomness.seed': seed}).work_dir
        for seed in (None, 1, 2)
    }
    assert names == {f'work_dirs/small{end}' for end in ('', '_seed1', '_seed2')}
    options = {'randomness.seed': 1}
    chosen = load_config(str(path), options=options, work_dir='chosen')
    assert chosen.work_dir == 'chosen'


def reloaded(cfg, tmp_path):
    """A config as a work directory has it: mmengine sorts the entries of dicts."""
    say_order(cfg)
    cfg.dump(tmp_path / 'dumped.py')
    return Config.fromfile(tmp_path / 'dumped.py')


def test_a_copy_of_a_config_has_the_columns_of_lists_in_their_order(tmp_path):
    files = dict(channels=3, dtype='uint8', suffix='.png')
    (tmp_path / 'list.txt').write_text('rgb/0.png event/0.png\n')
    for name in ('rgb', 'event'):
        (tmp_path / name).mkdir()
        (tmp_path / name / '0.png').touch()
    data = dict(
        type='MultimodalSegDataset',
        data_root=str(tmp_path),
        modalities=dict(rgb=files, event=files),
        ann_file='list.txt',
        metainfo=dict(classes=('a', 'b')),
    )
    repeated = dict(type='RepeatDataset', times=2, dataset=data)
    loaders = dict(train_dataloader=repeated, val_dataloader=data)
    cfg = Config({key: dict(dataset=value) for key, value in loaders.items()})
    cfg = reloaded(cfg, tmp_path)
    read = DATASETS.build(cfg.val_dataloader.dataset)
    assert list(read.modalities) == ['rgb', 'event']
    assert read.get_data_info(0)['modality_paths']['rgb'].endswith('rgb/0.png')
    inner = cfg.train_dataloader.dataset.dataset
    assert list(inner.order) == ['rgb', 'event']


BACKBONE = dict(
    type='CENResNet', depth=18, num_modalities=3, base_channels=4, stem_channels=4
)
HEAD = dict(type='FCNHead', in_channels=32, in_index=3, channels=4, num_classes=5)
NAMES = ('thermal', 'rgb', 'depth')
MERGING = dict(type='AverageFusion', stages=('layer4',), merges=True)


@pytest.mark.parametrize('segmentor', ['CENSegmentor', 'EncoderDecoder'])
@pytest.mark.parametrize('fusion', [None, MERGING], ids=['kept', 'merged'])
def test_a_copy_of_a_config_has_the_streams_in_their_order(segmentor, fusion, tmp_path):
    channels = dict(thermal=1, rgb=3, depth=1)
    cfg = Config(
        dict(
            model=dict(
                type=segmentor,
                data_preprocessor=dict(
                    type='MultimodalPreprocessor',
                    modalities={name: dict(channels=channels[name]) for name in NAMES},
                ),
                backbone=dict(fusion=fusion, **BACKBONE),
                decode_head=dict(
                    type='EnsembleHead',
                    modalities=('fused',) if fusion else NAMES,
                    head=HEAD,
                ),
                test_cfg=dict(mode='whole'),
            )
        )
    )
    model = MODELS.build(reloaded(cfg, tmp_path).model)
    assert tuple(model.data_preprocessor.modalities) == NAMES


def test_memory_is_pinned_where_there_is_a_gpu(monkeypatch):
    for device in ('cuda', 'cpu'):
        monkeypatch.setattr(launch, 'get_device', lambda device=device: device)
        loader = dict(batch_size=1, pin_memory=True)
        cfg = Config(dict(train_dataloader=loader, test_dataloader=None))
        launch.pin_for_gpus_only(cfg)
        assert ('pin_memory' in cfg.train_dataloader) == (device == 'cuda')
