import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from mmseg.datasets.transforms import LoadAnnotations as LoadAnnotationsOfMMSeg
from PIL import Image

from mmseg_cen.modality import build_modalities
from mmseg_cen.transforms import LoadAnnotations
from mmseg_cen.transforms.labels import decode_labels, to_classes

H, W = 6, 8
LABELS = (np.arange(H * W).reshape(H, W) % 4).astype(np.uint8)


def encode(array, suffix='.png'):
    done, content = cv2.imencode(suffix, array)
    assert done
    return content.tobytes()


def save(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def to_npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def gray_png(labels, bits):
    """A gray PNG file of 1, 2 or 4 bits, by the specification of the format."""

    def chunk(kind, data):
        head = struct.pack('>I', len(data)) + kind + data
        return head + struct.pack('>I', zlib.crc32(kind + data))

    values = (labels[..., None] >> np.arange(bits)[::-1]) & 1
    rows = b''.join(b'\0' + np.packbits(row).tobytes() for row in values.astype(bool))
    head = struct.pack('>IIBBBBB', W, H, bits, 0, 0, 0, 0)
    chunks = chunk(b'IHDR', head) + chunk(b'IDAT', zlib.compress(rows))
    return b'\x89PNG\r\n\x1a\n' + chunks + chunk(b'IEND', b'')


def palette_image(labels):
    image = Image.fromarray(labels)
    image.putpalette([200, 100, 50] * 256)
    return image


WIDE = LABELS.astype(np.int32) + 300

STORED = {
    'png': ('a.png', encode(LABELS), LABELS),
    'png of 16 bits': ('a.png', encode(WIDE.astype(np.uint16)), WIDE),
    'png of 2 bits': ('a.png', gray_png(LABELS, 2), LABELS),
    'png of 4 bits': ('a.png', gray_png(LABELS * 5, 4), LABELS * 5),
    'png of 1 bit': ('a.png', gray_png(LABELS % 2, 1), LABELS % 2),
    'palette': ('a.png', save(palette_image(LABELS), 'PNG'), LABELS),
    'gif': ('a.gif', save(palette_image(LABELS), 'GIF'), LABELS),
    'bmp': ('a.bmp', encode(LABELS, '.bmp'), LABELS),
    'pgm up to 3': ('a.pgm', b'P5 8 6 3\n' + LABELS.tobytes(), LABELS),
    'pgm of 16 bits': ('a.pgm', b'P5 8 6 999\n' + WIDE.astype('>u2').tobytes(), WIDE),
    'tiff of 16 bits': ('a.tif', encode(WIDE.astype(np.uint16), '.tif'), WIDE),
    'tiff of 32 bits': ('a.tif', save(Image.fromarray(WIDE - 301), 'TIFF'), WIDE - 301),
    'npy': ('a.npy', to_npy(WIDE.astype(np.int64)), WIDE),
    'npy of one channel': ('a.npy', to_npy(LABELS[..., None]), LABELS),
    'npy of truth values': ('a.npy', to_npy(LABELS > 1), LABELS > 1),
}


@pytest.mark.parametrize('what', STORED)
def test_labels_are_the_integers_that_the_file_stores(what):
    name, content, expected = STORED[what]
    found = decode_labels(content, name)
    assert found.dtype.kind in 'ui'
    np.testing.assert_array_equal(found, expected)


def test_a_tiff_of_unsigned_32_bits_keeps_its_highest_values():
    content = save(Image.fromarray(np.array([[-1, 1]], np.int32)), 'TIFF')
    tag = struct.pack('<HHI', 339, 3, 1)  # the format of samples: 2 is signed
    unsigned = content.replace(tag + b'\2', tag + b'\1')
    assert decode_labels(content, 'a.tif').tolist() == [[-1, 1]]
    assert decode_labels(unsigned, 'a.tif').tolist() == [[2**32 - 1, 1]]


REFUSED = {
    'jpeg': ('a.jpg', encode(LABELS, '.jpg'), 'without loss, got JPEG'),
    'jpeg of another name': ('a.png', encode(LABELS, '.jpg'), 'got JPEG'),
    'webp': ('a.webp', encode(np.dstack([LABELS] * 3), '.webp'), 'got WEBP'),
    'rgb': ('a.png', encode(np.dstack([LABELS] * 3)), 'got 3 channels'),
    'alpha': ('a.png', encode(np.dstack([LABELS] * 4)), 'got 4 channels'),
    'channels of npy': ('a.npy', to_npy(np.dstack([LABELS] * 5)), 'got 5 channels'),
    'floats': ('a.tif', encode(LABELS.astype(np.float32), '.tif'), 'got float32'),
    'floats of npy': ('a.npy', to_npy(LABELS / 2), 'must be integers, got float64'),
    'pages': (
        'a.tif',
        save(
            Image.fromarray(LABELS),
            'TIFF',
            save_all=True,
            append_images=[Image.fromarray(LABELS)],
        ),
        'got 2 pages',
    ),
    'half': ('a.png', encode(LABELS)[:60], 'complete file, got a damaged one'),
    'a bit': (
        'a.png',
        encode(LABELS)[:-20] + bytes([encode(LABELS)[-20] ^ 1]) + encode(LABELS)[-19:],
        'got a damaged one',
    ),
    'empty': ('a.png', b'', 'got an empty one'),
    'empty npy': ('a.npy', b'', 'got an empty one'),
    'text': ('a.png', b'hello', 'one of an unknown format'),
    'objects': ('a.npy', to_npy(np.array([None])), 'got a damaged one'),
}


@pytest.mark.parametrize('what', REFUSED)
def test_what_is_no_map_of_labels_is_refused_in_one_line_that_names_the_file(what):
    name, content, reason = REFUSED[what]
    with pytest.raises(ValueError, match=reason) as error:
        decode_labels(content, f'data/{name}')
    message = str(error.value)
    assert f'data/{name}' in message
    assert '\n' not in message
    assert 'BytesIO' not in message


@pytest.mark.parametrize('value', [256, 257, 511, 65535, -1, 2**31, 10**12])
def test_labels_of_any_width_are_checked_before_they_are_cast(value):
    with pytest.raises(ValueError, match=rf'0\.\.3 or 255 \(ignored\), got {value} in'):
        to_classes(np.array([[0, value]], np.int64), 'a.png', 4)


@pytest.mark.parametrize(
    ('stored', 'num_classes', 'ignore_index', 'dtype'),
    [
        ([0, 3, 255], 4, 255, np.uint8),
        ([0, 255, 299, 65535], 300, 65535, np.int32),
        ([0, 3, -1], 4, -1, np.int32),
        ([0, 3, 65535], 4, 65535, np.int32),
        ([0, 254, 255], 255, 255, np.uint8),
    ],
)
def test_classes_of_any_number_and_any_ignored_label_are_kept(
    stored, num_classes, ignore_index, dtype
):
    labels = to_classes(np.array([stored]), 'a.png', num_classes, ignore_index)
    assert labels.tolist() == [stored]
    assert labels.dtype == dtype


def test_a_map_turns_stored_labels_to_classes_at_once():
    stored = np.array([[0, 255, 7, 26001]], np.uint16)
    table = {0: 7, 255: 0, 7: 1, 26001: 255}
    assert to_classes(stored, 'a.png', 8, 255, table).tolist() == [[7, 0, 1, 255]]


def test_a_label_that_the_map_does_not_name_is_refused():
    with pytest.raises(ValueError, match=r'got 1 in a\.png: add .*`label_map`'):
        to_classes(np.array([[0, 1, 255]]), 'a.png', 3, 255, {0: 0, 7: 1})


@pytest.mark.parametrize('dtype', [np.uint8, np.uint16, np.int64])
@pytest.mark.parametrize('ignore_index', [255, 65535])
def test_zero_may_stand_for_void(dtype, ignore_index):
    labels = np.array([[0, 1, 4, min(ignore_index, np.iinfo(dtype).max)]], dtype)
    if labels[0, 3] != ignore_index:
        labels[0, 3] = 0
    found = to_classes(labels, 'a.png', 4, ignore_index, reduce_zero_label=True)
    assert found.tolist() == [[ignore_index, 0, 3, ignore_index]]


@pytest.fixture
def sample(tmp_path):
    """A function that makes a loaded sample with a label file."""

    def sample(content=None, shape=(H, W), **info):
        path = tmp_path / 'label.png'
        path.write_bytes(encode(LABELS) if content is None else content)
        return dict(
            modalities=build_modalities(('rgb', 'depth')),
            img=np.zeros((*shape, 3), np.uint8),
            depth=np.zeros(shape, np.float32),
            img_path='rgb.png',
            seg_map_path=str(path),
            ori_shape=shape,
            seg_fields=[],
            reduce_zero_label=False,
            **info,
        )

    return sample


@pytest.mark.parametrize('reduce_zero_label', [False, True])
@pytest.mark.parametrize('label_map', [None, {0: 1, 1: 0, 2: 255, 3: 2, 255: 255}])
def test_labels_of_8_bits_are_as_the_toolbox_reads_them(
    sample, reduce_zero_label, label_map
):
    labels = LABELS.copy()
    labels[0] = 255
    own = sample(encode(labels), label_map=label_map)
    own['reduce_zero_label'] = reduce_zero_label
    theirs = LoadAnnotationsOfMMSeg()({**own, 'seg_fields': []})
    loaded = LoadAnnotations()(own)
    np.testing.assert_array_equal(loaded['gt_seg_map'], theirs['gt_seg_map'])
    assert loaded['gt_seg_map'].dtype == theirs['gt_seg_map'].dtype
    assert loaded['seg_fields'] == theirs['seg_fields'] == ['gt_seg_map']


def test_another_decoder_may_be_chosen(sample):
    for backend in ('pillow', 'cv2'):
        loaded = LoadAnnotations(imdecode_backend=backend)(sample())
        np.testing.assert_array_equal(loaded['gt_seg_map'], LABELS)
    with pytest.raises(ValueError, match=r'damaged one .*label\.png'):
        LoadAnnotations(imdecode_backend='cv2')(sample(encode(LABELS)[:50]))


def test_labels_of_another_size_are_an_error_that_names_both_files(sample):
    with pytest.raises(ValueError, match='labels and modalities') as error:
        LoadAnnotations()(sample(shape=(H, W + 2)))
    for part in ('label.png', f'{(H, W)}', 'rgb.png', f'{(H, W + 2)}'):
        assert part in str(error.value)


def test_labels_want_modalities_to_be_loaded(sample):
    results = sample()
    del results['depth']
    with pytest.raises(ValueError, match=r"no \['depth'\] of rgb\.png.*LoadModalities"):
        LoadAnnotations()(results)


def test_a_sample_without_a_label_file_is_named(sample):
    results = sample()
    del results['seg_map_path']
    with pytest.raises(ValueError, match=r'got none for rgb\.png: .*column of labels'):
        LoadAnnotations()(results)


def test_the_transform_and_the_data_set_cannot_disagree_about_zero(sample):
    with pytest.warns(UserWarning, match='deprecated'):
        transform = LoadAnnotations(reduce_zero_label=True)
    with pytest.raises(ValueError, match='must be that of the data set, False, got Tr'):
        transform(sample())
