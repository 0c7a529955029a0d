from types import SimpleNamespace

from mmseg_cen.hooks.every_n_iterations import EveryNIterations


class Record(EveryNIterations):
    def __init__(self, interval):
        super().__init__(interval)
        self.acts = []

    def act(self, runner, outputs):
        self.acts.append((runner.iter, outputs))


def acts(interval, max_iters):
    hook, runner = Record(interval), SimpleNamespace(max_iters=max_iters)
    for runner.iter in range(max_iters):
        hook.after_train_iter(runner, runner.iter, outputs=runner.iter * 10)
    return hook.acts


def test_a_hook_acts_at_the_end_of_each_interval_and_of_the_training():
    assert acts(3, 8) == [(2, 20), (5, 50), (7, 70)]
    assert acts(4, 8) == [(3, 30), (7, 70)]


def test_an_interval_of_zero_is_the_whole_training():
    assert acts(0, 5) == [(4, 40)]
