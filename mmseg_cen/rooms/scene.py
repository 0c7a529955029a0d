"""A room, the things in it, and the camera that looks at them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Shape = Literal['box', 'cylinder', 'sphere']

CLASSES = (
    *('wall', 'floor', 'ceiling'),
    *('cabinet', 'picture', 'podium', 'rug'),
    *('table', 'sofa', 'stool', 'bin', 'lamp', 'balloon'),
)

# Class of a thing by its material and whether it is solid. In the last three groups
# either clue alone leaves two classes, as likely as each other.
CLASS_OF = {
    ('lacquer', True): 'cabinet',
    ('lacquer', False): 'picture',
    ('weave', True): 'podium',
    ('weave', False): 'rug',
    ('timber', True): 'table',
    ('fabric', False): 'table',
    ('fabric', True): 'sofa',
    ('timber', False): 'sofa',
    ('jade', True): 'stool',
    ('brass', False): 'stool',
    ('brass', True): 'bin',
    ('jade', False): 'bin',
    ('paper', True): 'lamp',
    ('rubber', False): 'lamp',
    ('rubber', True): 'balloon',
    ('paper', False): 'balloon',
}


@dataclass(frozen=True)
class Thing:
    """A thing in the room, or the picture of one.

    Args:
        shape: Boxes and cylinders stand upright.
        center: (3,), meters.
        half_size: (3,), meters; the first entry is the radius of a cylinder or sphere.
        yaw: Rotation about the vertical, radians.
        material: Name in :data:`~mmseg_cen.rooms.materials.MATERIALS`.
        solid: Whether the thing is there, rather than painted on what is behind it.
        tint: (3,), factor on the colors of the material.
    """

    shape: Shape
    center: Array
    half_size: Array
    yaw: float
    material: str
    solid: bool
    tint: Array

    @property
    def label(self) -> int:
        """Index in :data:`CLASSES`."""
        return CLASSES.index(CLASS_OF[self.material, self.solid])


@dataclass(frozen=True)
class Scene:
    """A room, the things in it, and a camera that looks at them.

    Args:
        size: Width, height and depth of the room, (3,), meters. One of its corners is
            the origin of the world.
        things: In any order.
        eye: Position of the camera, (3,), meters.
        yaw: Viewing direction, radians from z toward x.
        light: Position of the lamp, (3,), meters.
        tints: Factors on the colors of wall, floor and ceiling, (3, 3).
    """

    size: Array
    things: Sequence[Thing]
    eye: Array
    yaw: float
    light: Array
    tints: Array
