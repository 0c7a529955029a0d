"""What the page asks: a sample, a threshold, modalities, and how files are stored."""

from typing import Any, NamedTuple

#: In the place of the number of a sample: files were uploaded.
NO_SAMPLE = -1


class Stored(NamedTuple):
    """How the files of a modality are stored, where it was said.

    Args:
        unit: A number.
        invalid: Values, separated by spaces or commas.
        resize: Whether they have another size.
    """

    unit: str | None = None
    invalid: str | None = None
    resize: bool | None = None

    def options(self, name: str) -> dict[str, Any]:
        """Options of a :class:`~mmseg_cen.modality.Modality`.

        Raises:
            ValueError: If the unit is no number.
        """
        found: dict[str, Any] = {}
        if self.unit and self.unit.strip():
            try:
                found['scale'] = float(self.unit)
            except ValueError:
                raise ValueError(
                    f'`{name}-unit` must be a number, got {self.unit!r}: write e.g. '
                    '0.001'
                ) from None
        if invalid := (self.invalid or '').replace(',', ' ').split():
            found['invalid'] = invalid
        if self.resize:
            found['resize'] = True
        return found


class Asked(NamedTuple):
    """What the page asks.

    Args:
        sample: Number of a sample, or :data:`NO_SAMPLE`.
        present: Names of the modalities that are switched on.
        threshold: Of the exchange; None: that of the training.
        files: Paths of uploaded files by modality.
        stored: How the files of each modality are stored, as it was typed.
    """

    sample: int
    present: list[str]
    threshold: float | None
    files: dict[str, str]
    stored: dict[str, Stored]
