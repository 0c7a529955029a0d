"""Other forms of our network, for predictions, which its rivals do not have."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mmseg_cen.deployment import FORMATS, check_packages, prepare, write
from mmseg_cen.freezing import freeze_exchange

from .contestants import Contestant


class ExportedContestant(Contestant):
    """A network as its exported file computes it: logits at the size of the image.

    Args:
        contestant: The network.
        name: Name of a format of :data:`~mmseg_cen.deployment.FORMATS`.

    Raises:
        ValueError: If the network cannot be exported so, or a package is missing.
    """

    def __init__(self, contestant: Contestant, name: str) -> None:
        super().__init__(contestant.model)
        check_packages(name)
        device = next(self.model.parameters()).device
        network = prepare(self.model.eval(), preprocessing=False)
        with TemporaryDirectory() as folder:
            path = Path(folder, 'network')
            write(network, path, name)
            self.run = FORMATS[name].read(path, device)

    def predict(self, inputs: Any) -> Any:
        return self.run((inputs,))


#: Functions that turn a network into another form, by the name of the mode.
FORMS: dict[str, Callable[[Contestant], Contestant]] = {
    'frozen': lambda contestant: Contestant(freeze_exchange(contestant.model.eval())),
    **{name: partial(ExportedContestant, name=name) for name in FORMATS},
}
