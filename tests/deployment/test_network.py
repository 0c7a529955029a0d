import pytest
import torch
from mmseg.registry import MODELS
from torch.testing import assert_close

from mmseg_cen.deployment.network import prepare, reference

from .conftest import segmentor, translation

MODELS_OF = {
    'two modalities': segmentor(('rgb', 'depth')),
    'three modalities': segmentor(('rgb', 'depth', 'thermal')),
    'translation': translation(),
}


@pytest.mark.parametrize('name', MODELS_OF)
def test_loaded_images_become_what_a_test_predicts(name, build, predict):
    model = build(MODELS_OF[name])
    network = prepare(model, streams=True)
    images = network.random_images(2, 32, 40)
    with torch.no_grad():
        outputs = network(*images)
    expected = predict(model, images)
    assert [*network.outputs] == [*model.modalities, 'ensemble']
    for output, other in zip(outputs, expected, strict=True):
        assert_close(output, other, rtol=1e-5, atol=1e-5)
    with torch.no_grad():
        (alone,) = (prepare(model)(*images),)
    assert torch.equal(alone, outputs[-1])


def test_without_preprocessing_the_input_is_packed_and_normalized(build, predict):
    model = build(segmentor(('rgb', 'depth')))
    images = prepare(model).random_images(2, 32, 40)
    packed = model.data_preprocessor(dict(inputs=[*torch.cat(images, dim=1)]))['inputs']
    network = prepare(model, preprocessing=False)
    assert [(slot.name, slot.channels) for slot in network.inputs] == [('packed', 6)]
    with torch.no_grad():
        output = network(packed)
    assert_close(output, predict(model, images)[-1], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('name', ['two modalities', 'translation'])
def test_all_of_a_network_is_on_the_device_of_its_model(name, build):
    network = reference(build(MODELS_OF[name]).to('meta'))
    assert all(tensor.is_meta for tensor in network.normalization.buffers())


def test_the_model_stays_as_it_is(build):
    model = build(segmentor(('rgb', 'depth')))
    before = repr(model)
    prepare(model)
    assert repr(model) == before
    assert model.backbone[3].weight.requires_grad


UNIMODAL = dict(
    type='EncoderDecoder',
    backbone=dict(type='MobileNetV2', out_indices=(0,), norm_cfg=dict(type='BN')),
    decode_head=segmentor(('rgb', 'depth'))['decode_head']['head'],
)


@pytest.mark.parametrize(
    ('cfg', 'message'),
    [
        (UNIMODAL, 'must be a multimodal one.*got EncoderDecoder with a FCNHead'),
        (
            {**segmentor(('rgb', 'depth')), 'test_cfg': dict(absent=['depth'])},
            r"`model.test_cfg.absent` must be empty.*got \('depth',\)",
        ),
        (
            {**translation(), 'test_protocol': 'released'},
            "`model.test_protocol` must be 'eval'",
        ),
        (
            {
                **translation(),
                'data_preprocessor': dict(type='TranslationPreprocessor'),
            },
            '`data_preprocessor` must be .* --preprocessing outside',
        ),
    ],
)
def test_other_models_are_refused(cfg, message):
    with pytest.raises(ValueError, match=message):
        reference(MODELS.build(cfg))
