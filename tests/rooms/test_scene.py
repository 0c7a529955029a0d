import pytest

from mmseg_cen.rooms import CLASS_OF, CLASSES, MATERIALS


@pytest.mark.parametrize('pair', ['table sofa', 'stool bin', 'lamp balloon'])
def test_joint_classes_share_their_materials_and_their_solidity(pair):
    one, other = (
        {key for key, name in CLASS_OF.items() if name == wanted}
        for wanted in pair.split()
    )
    assert {material for material, _ in one} == {material for material, _ in other}
    assert {solid for _, solid in one} == {solid for _, solid in other} == {True, False}
    assert not one & other


def test_every_class_has_a_rule_and_every_rule_a_class():
    assert {*CLASS_OF.values(), 'wall', 'floor', 'ceiling'} == set(CLASSES)
    assert {material for material, _ in CLASS_OF} < set(MATERIALS)
