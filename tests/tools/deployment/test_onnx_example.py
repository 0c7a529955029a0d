"""tools/deployment/onnx_example.py labels files by an ONNX file and its description."""

import ast
import json
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mmseg_cen.modality import Modality
from mmseg_cen.transforms.reading import load

TOOL = 'deployment/onnx_example.py'
SIZE = (6, 8)
SCALE = 0.5
MODALITIES = [
    dict(
        name='rgb',
        channels=3,
        rendered=False,
        file=dict(dtype='uint8', scale=None, fill=None),
    ),
    dict(
        name='depth',
        channels=1,
        rendered=False,
        file=dict(dtype='uint16', scale=SCALE, fill='nearest'),
    ),
]


@pytest.fixture
def network(tmp_path):
    """A file whose logits are the channels of its inputs, and a pair of images."""
    onnx = pytest.importorskip('onnx')
    pytest.importorskip('onnxruntime')
    helper, axes = onnx.helper, ['batch', None, 'height', 'width']

    def value(name, channels):
        shape = [axes[0], channels, *axes[2:]]
        return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        [helper.make_node('Concat', ['rgb', 'depth'], ['ensemble'], axis=1)],
        'channels',
        [value('rgb', 3), value('depth', 1)],
        [value('ensemble', 4)],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=10
    )
    path = tmp_path / 'net.onnx'
    onnx.save(model, path)
    described = dict(
        task='segmentation',
        preprocessing='inside',
        modalities=MODALITIES,
        classes=['blue', 'green', 'red', 'far'],
        palette=[[0, 0, 255], [0, 255, 0], [255, 0, 0], [9, 9, 9]],
        test=dict(transforms=[]),
    )
    Path(f'{path}.json').write_text(json.dumps(described))
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (*SIZE, 3), np.uint8)
    depth = rng.integers(0, 500, SIZE, np.uint16)
    depth[1:4, 2:5] = 0
    for name, image in dict(rgb=rgb, depth=depth).items():
        assert cv2.imwrite(str(tmp_path / f'{name}.png'), image)
    return path


def arguments(network, **others):
    files = dict(rgb='rgb.png', depth='depth.png', **others)
    paths = {f'--{name}': str(network.parent / file) for name, file in files.items()}
    return [str(network), *(part for pair in paths.items() for part in pair)]


def test_files_are_read_as_the_data_set_reads_them(network, load_tool, capsys):
    load_tool(TOOL).main(arguments(network, out='labels.png', overlay='overlay.png'))
    folder = network.parent
    arrays = [
        np.atleast_3d(load(name, modality, str(folder / f'{name}.png')).image)
        for name, modality in dict(
            rgb=Modality(channels=3, dtype='uint8'),
            depth=Modality(dtype='uint16', scale=SCALE, fill='nearest'),
        ).items()
    ]
    expected = np.concatenate(arrays, axis=2).argmax(axis=2)
    labels = cv2.imread(str(folder / 'labels.png'), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(labels, expected)
    assert cv2.imread(str(folder / 'overlay.png')).shape == (*SIZE, 3)
    assert '% of the pixels' in capsys.readouterr().out


@pytest.fixture
def example(load_tool):
    pytest.importorskip('onnxruntime')
    return load_tool(TOOL)


@pytest.mark.parametrize(
    ('dtype', 'options'),
    [
        ('uint16', dict(invalid=[[65535, 65535], [3, 200]])),
        ('uint16', dict(invalid=[[0, 100]], fill=7.5, scale=0.5)),
        ('uint16', dict(invalid=[[0, 100]], fill='nearest')),
        ('uint16', dict(channels=3)),
        ('uint16', dict(channels=4)),
        ('uint8', dict(channels=3, fill=2.0)),
        ('uint8', dict(channels=4)),
        ('float32', dict(invalid=[[0.1, 0.1]])),
        ('float32', dict(fill='nearest')),
        ('uint8', dict(invalid=[[0, 255]])),
    ],
)
def test_options_of_files_mean_what_they_mean_to_the_data_set(
    example, dtype, options, tmp_path
):
    rng = np.random.default_rng(0)
    channels = options.get('channels', 1)
    shape = SIZE if channels == 1 else (*SIZE, channels)
    image = rng.integers(0, 255, shape).astype(dtype)
    image[0, :4] = 0
    if dtype == 'uint16':
        image[1, :4] = 65535
    if dtype == 'float32':
        image[1, :3] = 0.1, np.nan, np.inf
    path = str(tmp_path / ('x.tif' if dtype == 'float32' else 'x.png'))
    assert cv2.imwrite(path, image)
    file = asdict(Modality(dtype=dtype, **options))
    described = dict(
        name='other',
        channels=channels,
        rendered=False,
        file=json.loads(json.dumps(file)),
    )
    (found,) = example.read(path, described, None)
    expected = np.atleast_3d(load('other', Modality(**file), path).image)
    np.testing.assert_array_equal(found.transpose(1, 2, 0), expected)


@pytest.mark.parametrize('name', ['rgb', 'other'])
@pytest.mark.parametrize('orientation', ['apply', 'ignore'])
def test_files_are_turned_as_the_data_set_turns_them(
    example, name, orientation, tmp_path
):
    image = np.arange(144, dtype=np.uint8).reshape(*SIZE, 3)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    path = str(tmp_path / 'x.jpg')
    Image.fromarray(image).save(path, exif=exif)
    modality = Modality(dtype='uint8', channels=3, orientation=orientation)
    described = dict(name=name, channels=3, rendered=False, file=asdict(modality))
    (found,) = example.read(path, described, None)
    expected = load(name, modality, path).image
    np.testing.assert_array_equal(found.transpose(1, 2, 0), expected)


def test_values_that_are_not_finite_are_refused_where_nothing_replaces_them(
    example, tmp_path
):
    path = str(tmp_path / 'x.tif')
    assert cv2.imwrite(path, np.full(SIZE, np.nan, np.float32))
    file = dict(dtype='float32')
    described = dict(name='depth', channels=1, rendered=False, file=file)
    with pytest.raises(ValueError, match='`--depth` must be finite'):
        example.read(path, described, None)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(rgb='none.png'), '`--rgb` must be an image, got .*none.png'),
        (
            dict(depth='rgb.png'),
            '`--depth` must be an image of 1 channels of type uint',
        ),
        (dict(out='labels.jpg'), 'must be a .png'),
    ],
)
def test_wrong_files_are_refused(network, load_tool, change, message):
    given = {'out': 'labels.png', **change}
    files = arguments(network, out=given['out'])
    for name in change.keys() - {'out'}:
        files[files.index(f'--{name}') + 1] = str(network.parent / change[name])
    with pytest.raises(ValueError, match=message):
        load_tool(TOOL).main(files)


@pytest.mark.parametrize('rendered', [True, None])
def test_integers_without_a_unit_need_a_scale(network, load_tool, rendered):
    path = Path(f'{network}.json')
    described = json.loads(path.read_text())
    depth = described['modalities'][1]
    depth['file'] |= dict(scale=None, dtype=None)
    path.write_text(json.dumps(described))
    tool, files = load_tool(TOOL), arguments(network, out='labels.png')
    tool.main(files)  # as the training read them
    depth['rendered'] = rendered
    path.write_text(json.dumps(described))
    with pytest.raises(ValueError, match='`--scale` must tell the unit of depth'):
        tool.main(files)
    tool.main([*files, '--scale', f'depth={SCALE}'])


def test_an_overlay_needs_colors(network, load_tool):
    path = Path(f'{network}.json')
    path.write_text(json.dumps({**json.loads(path.read_text()), 'palette': None}))
    files = arguments(network, out='labels.png', overlay='overlay.png')
    with pytest.raises(ValueError, match='`--overlay` must be of a network whose desc'):
        load_tool(TOOL).main(files)


def test_a_binary_network_has_the_threshold_of_its_description(example):
    logits = np.array([[[-800, -0.9, -0.8, 0.1, 800]]], np.float32)
    classify = example.classify
    # The log odds of 0.3 are -0.847.
    assert classify(logits, 0.3).tolist() == [[0, 0, 1, 1, 1]]
    assert classify(logits, 0.6).tolist() == [[0, 0, 0, 0, 1]]


def test_it_needs_neither_torch_nor_the_package():
    source = Path(__file__).parents[3] / 'tools' / TOOL
    imported = {
        name.name.split('.')[0]
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Import)
        for name in node.names
    }
    assert imported == {'argparse', 'cv2', 'json', 'numpy', 'onnxruntime', 'sys'}
