"""Which validations were made, so that an interrupted one is made up."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from mmengine.dist import broadcast_object_list, is_main_process, master_only
from mmengine.logging import print_log
from mmengine.runner import Runner

from mmseg_cen.disk import replacing

#: In a work directory: iteration of the last validation that was made to its end.
RECORD = 'last_validation'


@master_only
def note_validation(runner: Runner) -> None:
    """Note that the model of this iteration is validated."""
    with replacing(Path(runner.work_dir, RECORD)) as unfinished:
        unfinished.write_text(str(runner.iter))


@master_only
def forget_validations(runner: Runner) -> None:
    """Forget the validations that an earlier training made after this iteration."""
    if not runner.iter:
        Path(runner.work_dir, RECORD).unlink(missing_ok=True)
    elif _last_noted(runner) > runner.iter:
        note_validation(runner)


def is_validated(runner: Runner) -> bool:
    """Whether the model of this iteration was validated; all processes agree."""
    answer: list[Any] = [False]
    if is_main_process():
        answer = [_last_noted(runner) >= runner.iter]
    broadcast_object_list(answer)
    return bool(answer[0])


def validate(runner: Runner) -> None:
    """Validate the model, and note that."""
    runner.val_loop.run()
    note_validation(runner)


def make_up_validation(runner: Runner) -> None:
    """Validate a resumed model unless that was done before the interruption."""
    if not is_validated(runner):
        print_log(
            f'the validation at iteration {runner.iter} was interrupted: it is made up',
            'current',
        )
        validate(runner)


def _last_noted(runner: Runner) -> int:
    """Iteration of the last validation; -1 if none was made, or none was noted."""
    with suppress(OSError, ValueError):
        return int(Path(runner.work_dir, RECORD).read_text())
    return -1
