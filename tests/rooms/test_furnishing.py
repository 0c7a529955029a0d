import numpy as np

from mmseg_cen.rooms import CLASSES, MATERIALS, Scene, furnish, render


def drawn(count: int, **options: bool) -> list[Scene]:
    return [furnish(np.random.default_rng([0, i]), **options) for i in range(count)]


def test_solid_rooms_are_the_same_ones_without_pictures():
    for mixed, solid in zip(drawn(20), drawn(20, solid=True), strict=True):
        assert all(thing.solid for thing in solid.things)
        for a, b in zip(mixed.things, solid.things, strict=True):
            assert (a.material, a.shape, a.yaw) == (b.material, b.shape, b.yaw)
            np.testing.assert_array_equal(a.center, b.center)
        names = {CLASSES[k] for k in np.unique(render(solid, 48, 64)[2])}
        assert not names & {'picture', 'rug'}


def test_material_and_solidity_are_tossed_independently():
    things = [thing for scene in drawn(300) for thing in scene.things]
    for material in set(MATERIALS) - {'plaster', 'planks', 'whitewash'}:
        solid = [thing.solid for thing in things if thing.material == material]
        assert len(solid) > 100
        # Four standard deviations of a fair coin.
        assert abs(np.mean(solid) - 0.5) < 2 / np.sqrt(len(solid)), material


def test_every_class_occurs_often_enough_to_be_learned():
    counts = np.zeros(len(CLASSES))
    images = np.zeros(len(CLASSES))
    for scene in drawn(60):
        pixels = np.bincount(render(scene, 32, 32)[2].ravel(), minlength=len(CLASSES))
        counts += pixels
        images += pixels > 0
    assert (counts / counts.sum()).min() > 0.01
    assert images.min() > 10
