"""MUSES: streets in any weather by camera, lidar, radar and event camera."""

from mmseg.datasets import CityscapesDataset
from mmseg.registry import DATASETS

from .multimodal import MultimodalSegDataset

WEATHER = ('clear', 'fog', 'rain', 'snow')
TIMES = ('day', 'night')
#: What the SDK adds to the values of lidar and radar before it multiplies them, so that
#: heights below the sensor can be stored; see ``rescale_and_shift_image`` there.
SHIFT, SCALE = 100, 150

# As the SDK stores them: (value + 100) * 150; the shift is left to the mean of the
# preprocessor, for pixels without a point are 100 then, and 0 behind it.
_POINTS = dict(channels=3, dtype='uint16', scale=1 / SCALE, pad_value=float(SHIFT))


@DATASETS.register_module()
class MUSESDataset(MultimodalSegDataset):
    """MUSES with the 19 classes of Cityscapes: 2500 street scenes of four sensors.

    ``{rgb,lidar,radar,event,label}/*.png`` below ``data_root``, as
    ``tools/dataset_converters/muses.py`` writes them; the stems keep the names of the
    official folders, ``train/fog/night/REC0006_frame_040876``, from which each sample
    has the groups ``weather`` and ``time``.

    ``lidar`` and ``radar`` are loaded as (H, W, 3): height in meters, intensity, range
    in meters, each plus 100, which ``mean=[100, 100, 100]`` of the preprocessor takes
    away. ``event`` is (H, W, 3): counts of events that turned brighter and darker, 0.

    "MUSES: The Multi-Sensor Semantic Perception Dataset for Driving under Uncertainty",
    ECCV 2024.

    Arguments are as in :class:`MultimodalSegDataset`.
    """

    METAINFO = dict(CityscapesDataset.METAINFO)
    MODALITIES = dict(
        rgb={},
        lidar=dict(_POINTS),
        radar=dict(_POINTS),
        event=dict(channels=3, dtype='uint8', interpolation='nearest'),
    )
    PREFIXES = dict(seg_map_path='label')
    GROUPS = dict(
        weather=rf'(?:^|/)({"|".join(WEATHER)})/',
        time=rf'(?:^|/)({"|".join(TIMES)})/',
    )
