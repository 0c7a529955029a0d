"""Furnished rooms, drawn at random and rendered by ray casting, without any file.

A thing is either solid, or a picture of it: trompe-l'œil, painted on what is behind it
with the outline, the pattern and the shading that the solid would have from here.
The image therefore shows every thing as if it were solid, and the depth shows the
solid ones only, whatever they are made of: colors say nothing about solidity, nor
depth about materials, to the last bit.

    `furnishing` draws a `scene` ─► `rendering` casts `rays` at it, and asks `materials`
    for the colors ─► RGB, depth, labels ─► `sensor` adds noise and holes to the depth

World frame, meters: x to the right, y up from the floor, z into the room. The camera is
level, and every ray has length 1 along its optical axis, so that a distance in units of
the ray *is* the z-depth that an RGB-D sensor reports.

All are pure functions over NumPy arrays. Shapes: N is the number of rays, the pixels
row by row.
"""

from .furnishing import furnish
from .materials import MATERIALS
from .rays import FOCAL_LENGTH, HORIZON, camera_rays
from .rendering import View, render, render_view
from .scene import CLASS_OF, CLASSES, Scene, Thing
from .sensor import sense_depth
