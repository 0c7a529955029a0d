"""Whether a file of each image is of the end of the training in its folder."""

from pathlib import Path

from reporting.reading import read_run

#: By how much the mIoU of the file may differ from the logged one, which is rounded, of
#: a processor that rounds in other places.
TOLERANCE = 0.05


def concern_of(path: Path, miou: float) -> str:
    """Why a file may be of less than a finished training; empty if nothing says so.

    Args:
        path: The file; nothing is known if no training has logged in its folder.
        miou: The mIoU of the ensemble over its images, in percent.
    """
    try:
        run = read_run(path.parent, path.parent.name)
    except (FileNotFoundError, ValueError):
        return ''
    done, of, unit = run.length
    if done < of:
        return (
            f'{path} is of a training that is not finished, {done} of {of} {unit}: it '
            'counts as a run, wait for its end or leave it out'
        )
    _, logged = run.validations.get('mIoU', ((), (miou,)))
    if abs(logged[-1] - miou) > TOLERANCE:
        return (
            f'{path} has the mIoU {miou:.2f}, and the last validation of the training '
            f'beside it {logged[-1]:.2f}: it is of another checkpoint or of other '
            'data, write it again by tools/test.py --per-image unless that is meant'
        )
    return ''
