import pytest
from mmengine.config import Config

from mmseg_cen.transforms import LoadModalities
from mmseg_cen.transforms.cache_option import hand_cache_to_loaders

PIPELINE = [
    dict(type='LoadModalities'),
    dict(type='LoadAnnotations', cache=None),
    dict(type='LoadSyntheticRoom'),
    dict(type='TestTimeAug', transforms=[[dict(type='mmseg.LoadAnnotations')]]),
]


def config(**fields):
    data = dict(type='MultimodalSegDataset', pipeline=PIPELINE)
    several = dict(type='ConcatDataset', datasets=[data])
    repeated = dict(type='RepeatDataset', dataset=several)
    return Config(
        dict(
            train_dataloader=dict(dataset=repeated),
            test_dataloader=dict(dataset=data),
            val_dataloader=None,
            **fields,
        )
    )


def pipelines(cfg):
    train = cfg.train_dataloader.dataset.dataset.datasets[0].pipeline
    return train, cfg.test_dataloader.dataset.pipeline


def test_one_field_of_a_config_is_for_all_files_that_it_reads(tmp_path):
    cache = dict(folder=str(tmp_path / 'cache'), max_bytes=10**6)
    cfg = config(decoded_cache=cache)
    hand_cache_to_loaders(cfg)
    assert 'decoded_cache' not in cfg
    for modalities, labels, room, augmented in pipelines(cfg):
        assert modalities.cache == cache
        assert labels.cache is None  # said of the transform itself
        assert 'cache' not in room
        assert augmented.transforms[0][0].cache == cache
    LoadModalities(cache=pipelines(cfg)[0][0].cache)


@pytest.mark.parametrize('fields', [{}, dict(decoded_cache=None)])
def test_without_the_field_nothing_changes(fields):
    cfg = config(**fields)
    hand_cache_to_loaders(cfg)
    assert cfg.to_dict() == config().to_dict()


def test_a_cache_is_refused_before_anything_is_built(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(ValueError, match='can be written to and locked'):
        hand_cache_to_loaders(config(decoded_cache=str(tmp_path / 'file/cache')))
