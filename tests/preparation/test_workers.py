import json
import multiprocessing
import time

import pytest

from mmseg_cen.preparation import check, prepare


@pytest.mark.slow
@pytest.mark.skipif(
    'fork' not in multiprocessing.get_all_start_methods(), reason='needs fork'
)
def test_killed_and_started_again_gives_the_same_bytes(tmp_path, toys):
    context = multiprocessing.get_context('fork')
    out, done = tmp_path / 'out', 0
    for _ in range(3):
        reader, writer = context.Pipe(duplex=False)
        plan = toys.plan(toys.slow_draw, count=60)
        process = context.Process(target=prepare, args=(plan, out), kwargs={'jobs': 2})
        process.start()
        writer.close()
        while process.is_alive() and len([*out.glob('label/*.png')]) < done + 8:
            time.sleep(0.02)
        process.kill()
        process.join()
        # Its children end, too, and close the pipe.
        assert reader.poll(5)
        with pytest.raises(EOFError):
            reader.recv()
        done = len([*out.glob('label/*.png')])
        assert not (out / 'meta.json').exists()
    assert 0 < done < 60
    assert prepare(toys.plan(count=60), out) == 0
    prepare(toys.plan(count=60), tmp_path / 'other')
    assert toys.tree(out) == toys.tree(tmp_path / 'other')
    assert json.loads((out / 'meta.json').read_text())['splits'] == dict(
        train=40, val=20
    )


def test_at_least_one_process_is_needed(tmp_path, toys):
    prepare(toys.plan(), tmp_path)
    with pytest.raises(ValueError, match='`jobs` must be at least 1, got 0'):
        check(tmp_path, jobs=0)
