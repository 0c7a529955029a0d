import json

import pytest

from mmseg_cen.preparation import check, prepare, read_groups


def test_an_unfinished_folder_has_no_meta_json(tmp_path, toys):
    prepare(toys.plan(toys.refuse('3')), tmp_path)
    with pytest.raises(FileNotFoundError, match='not finished'):
        check(tmp_path)
    assert read_groups(tmp_path) == {}


@pytest.mark.parametrize('key', ['folders', 'splits', 'samples'])
def test_a_meta_json_that_lacks_something_is_damaged(tmp_path, toys, key):
    prepare(toys.plan(), tmp_path)
    meta = json.loads((tmp_path / 'meta.json').read_text())
    del meta[key]
    (tmp_path / 'meta.json').write_text(json.dumps(meta))
    with pytest.raises(ValueError, match=r'meta\.json must be as a tool wrote it'):
        check(tmp_path)
