"""The shell scripts."""

import subprocess
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]


def test_scripts_are_valid_bash():
    scripts = [*(ROOT / 'tools').glob('*.sh'), ROOT / '.ci' / 'run']
    assert len(scripts) > 5
    for script in scripts:
        result = subprocess.run(['bash', '-n', str(script)], check=False)
        assert result.returncode == 0, script


@pytest.mark.parametrize(
    ('script', 'usage'),
    [('dist_train.sh', 'CONFIG GPUS'), ('dist_test.sh', 'CONFIG CHECKPOINT GPUS')],
)
def test_a_script_without_arguments_tells_its_usage(script, usage, tool):
    code, output = tool(script)
    assert code == 2
    assert usage in output


@pytest.mark.parametrize(
    ('script', 'arguments'),
    [('dist_train.sh', ['2', 'cfg.py']), ('dist_test.sh', ['cfg.py', 'a.pth', '0'])],
)
def test_a_script_wants_a_number_of_processes(script, arguments, tool):
    code, output = tool(script, *arguments)
    assert code == 2
    assert f"must be a number of processes, got '{arguments[-1]}'" in output


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.device_count() == 1, reason='needs no GPU or two')
def test_two_processes_train_and_test_like_one(
    tool, config, trained, weights, tmp_path
):
    code, output = tool(
        'dist_train.sh', config, '2', '--work-dir', tmp_path,
        '--cfg-options', 'train_dataloader.batch_size=2',
    )  # fmt: skip
    assert code == 0, output
    # Rounding decides otherwise where two values are close, such as a gamma and the
    # threshold: in some elements, and in more later on.
    given = weights(tmp_path, 2)
    for name, wanted in weights(trained, 2).items():
        difference = (given[name] - wanted).double().norm()
        assert difference <= 1e-2 * wanted.double().norm() + 1e-4, name
    code, output = tool(
        'dist_test.sh', config, tmp_path / 'iter_4.pth', '2',
        '--work-dir', tmp_path / 'test', '--out', tmp_path / 'out',
    )  # fmt: skip
    assert code == 0, output
    assert len(list((tmp_path / 'out').iterdir())) == 8
