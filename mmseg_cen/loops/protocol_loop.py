"""A test loop that measures how robust a model is, by a published protocol."""

import copy
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import is_main_process
from mmengine.evaluator import DumpResults, Evaluator
from mmengine.logging import MMLogger, print_log
from mmengine.model import BaseTTAModel
from mmengine.runner.amp import autocast
from mmseg.registry import LOOPS

from mmseg_cen.disk import write_atomically
from mmseg_cen.models.preprocessor import MultimodalPreprocessor
from mmseg_cen.modes import default_precision

from .evaluation import TestLoop
from .protocol_report import markdown, summarize, tabulate, title_of
from .protocols import (
    MISSING,
    PROTOCOLS,
    Case,
    cases_of,
    lacks_modalities,
    marked,
)
from .subsets import (
    FOLDERS_AND_FILES,
    first_without,
    is_fused,
    segmentor_of,
    without,
)


@LOOPS.register_module()
class ProtocolTestLoop(TestLoop):
    """Test a model with intact, missing and noisy modalities, by a protocol.

    :func:`~mmseg_cen.loops.protocols.cases_of` tells the cases of each. Every batch is
    loaded once, and predicted once for each case. Metrics are prefixed by the protocol
    and the case, ``emm/rgb/mIoU``, ``rmm/r=0.25/depth/mIoU``; the mean of all cases is
    ``emm/Avg``, the expectations ``emm/E(0.2)``. The table is logged at the end, and
    written to ``<protocol>.md`` and ``<protocol>.json`` beside the log. Hooks and
    files of metrics see the predictions for the intact data only.

    A missing modality (EMM) is absent by default: these networks compute without it,
    and a system knows which of its sensors fails. Published figures of the protocol are
    of networks that get zeros and are not told: ``missing='zero'``. Zeros are those of
    the normalized input, in both the protocol and here.

    Args:
        *args: Passed to :class:`TestLoop`.
        protocol: ``'emm'``, ``'rmm'`` or ``'nm'``.
        missing: Of 'emm': ``'absent'`` (the default) or ``'zero'``.
        no_gaussian: Of 'nm': names of modalities that get salt and pepper only, as
            the protocol has it for event cameras.
        seed: Of the draws.
        **kwargs: Passed to :class:`TestLoop`.

    Raises:
        ValueError: If an argument is not allowed, the model is not a CENSegmentor of
            several modalities, or it is augmented and the protocol draws; or if
            samples lack modalities.
    """

    def __init__(
        self,
        *args: Any,
        protocol: str,
        missing: str | None = None,
        no_gaussian: Sequence[str] = (),
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        if protocol not in PROTOCOLS:
            raise ValueError(
                f'`protocol` must be one of {(*PROTOCOLS,)}, got {protocol!r}: choose '
                'one'
            )
        if missing not in (None, *MISSING) or (missing and protocol != 'emm'):
            raise ValueError(
                f"`missing` must be one of {MISSING} with protocol='emm', and None "
                f'with others, got {missing!r} with {protocol!r}: correct it'
            )
        if no_gaussian and protocol != 'nm':
            raise ValueError(
                "`no_gaussian` must be given with protocol='nm' only, got "
                f'{protocol!r}: leave it out'
            )
        self.protocol = protocol
        self.missing = missing or MISSING[0]
        self.no_gaussian = tuple(no_gaussian)
        self.seed = seed

    def run(self) -> dict[str, float]:
        """Test all cases, and return the metrics of all."""
        runner = self.runner
        modalities = self._modalities()
        self._require_miou()
        cases = cases_of(
            self.protocol, modalities, self.missing, self.no_gaussian, self.seed
        )
        left = [[m for m in modalities if m not in c.absent] for c in cases]
        if found := first_without(self.dataloader.dataset, left):
            raise ValueError(lacks_modalities(found.image, found.absent))
        runner.call_hook('before_test')
        runner.call_hook('before_test_epoch')
        runner.model.eval()
        print_log(
            f'{self.protocol.upper()}: {len(cases)} predictions for each of '
            f'{len(self.dataloader.dataset)} samples',
            'current',
        )
        evaluators = [self.evaluator]
        evaluators += [_without_files(self.evaluator) for _ in cases[1:]]
        with without(segmentor_of(runner.model), ()):  # though its config says so
            for index, batch in enumerate(self.dataloader):
                for case, evaluator in zip(cases[1:], evaluators[1:], strict=True):
                    self._measure(evaluator, marked(batch, case))
                self.run_iter(index, batch)  # intact; hooks log the progress
        num_samples = len(self.dataloader.dataset)
        by_case = {}
        with _quiet():  # a table of the classes for each case
            for case, evaluator in zip(cases, evaluators, strict=True):
                by_case[case.name] = evaluator.evaluate(num_samples)
        metrics = {
            f'{self.protocol}/{name}/{key}': value
            for name, own in by_case.items()
            for key, value in own.items()
        }
        summary = summarize(cases, by_case, len(modalities))
        metrics |= {f'{self.protocol}/{key}': v for key, v in summary.items()}
        if is_main_process():
            self._report(cases, by_case, summary)
        runner.call_hook('after_test_epoch', metrics=metrics)
        runner.call_hook('after_test')
        return metrics

    def _modalities(self) -> tuple[str, ...]:
        """Names of the modalities that the network gets.

        Raises:
            ValueError: If the protocol cannot be run with this model.
        """
        model = segmentor_of(self.runner.model)
        preprocessor = model.data_preprocessor
        if not isinstance(preprocessor, MultimodalPreprocessor):
            raise ValueError(
                "`data_preprocessor` must be a 'MultimodalPreprocessor' for a "
                f'protocol, which it carries out, got {type(preprocessor).__name__}: '
                'change the config'
            )
        names = tuple(preprocessor.modalities)
        if len(names) < 2:
            raise ValueError(
                f'a model must have several modalities for a protocol, got {names}: '
                'test it without --protocol'
            )
        if unknown := sorted({*self.no_gaussian} - {*names}):
            raise ValueError(
                f'`no_gaussian` must name modalities out of {names}, got {unknown}: '
                'correct the names'
            )
        if self.protocol == 'emm' and self.missing == 'absent' and is_fused(model):
            raise ValueError(
                "`missing` must be 'zero' where a fusion mixes the streams, which "
                f'cannot do without one, got {self.missing!r}: set --missing zero'
            )
        augmented = any(
            isinstance(m, BaseTTAModel) for m in self.runner.model.modules()
        )
        if self.protocol != 'emm' and augmented:
            raise ValueError(
                "`protocol` must be 'emm' with test-time augmentation, got "
                f'{self.protocol!r}, whose draws would differ between the views of a '
                'sample: leave out --tta'
            )
        return names

    def _require_miou(self) -> None:
        """Refuse metrics without the mIoU, which a protocol is about."""
        for metric in self.evaluator.metrics:
            measures = 'mIoU' in getattr(metric, 'metrics', ())
            named = measures and not getattr(metric, 'prefix', None)
            if named and not getattr(metric, 'format_only', False):
                return
        found = [
            f'{type(m).__name__}(prefix={getattr(m, "prefix", None)!r})'
            for m in self.evaluator.metrics
        ]
        raise ValueError(
            '`test_evaluator` must measure the mIoU for a protocol, without a prefix, '
            f"got {found}: set dict(type='StreamIoUMetric', iou_metrics=['mIoU'])"
        )

    @torch.no_grad()
    def _measure(self, evaluator: Evaluator, batch: Any) -> None:
        """Predict and measure a batch, and tell no hook."""
        with default_precision(self.precision), autocast(enabled=self.fp16):
            outputs = self.runner.model.test_step(batch)
        evaluator.process(data_samples=outputs, data_batch=batch)

    def _report(
        self,
        cases: Sequence[Case],
        by_case: dict[str, dict[str, float]],
        summary: dict[str, float],
    ) -> None:
        """Log the table, and write it."""
        runner = self.runner
        model = segmentor_of(runner.model)
        info: dict[str, Any] = dict(
            protocol=self.protocol,
            config=str(runner.cfg.filename or runner.experiment_name),
            checkpoint=str(runner.cfg.get('load_from')),
            samples=len(self.dataloader.dataset),
            seed=self.seed,
        )
        if self.protocol == 'emm':
            info['missing'] = self.missing
        if self.protocol == 'nm':
            info['no_gaussian'] = self.no_gaussian
        rows = [
            dict(name=c.name, damaged=c.damaged, level=c.level, **by_case[c.name])
            for c in cases
        ]
        lines = tabulate(self.protocol, cases, by_case, summary, model.modalities)
        text = markdown(title_of(self.protocol, info), lines)
        path = Path(runner.log_dir, f'{self.protocol}.md')
        write_atomically(path, text.encode())
        content = {**info, 'cases': rows, 'summary': summary}
        # Metrics of the toolbox have scalars of NumPy.
        words = json.dumps(content, indent=2, default=float)
        write_atomically(path.with_suffix('.json'), words.encode())
        print_log(f'{text}\nwritten to {path} and .json', 'current')


def _without_files(evaluator: Evaluator) -> Evaluator:
    """A copy whose metrics write no files: those are of the intact data."""
    evaluator = copy.deepcopy(evaluator)
    metrics = [m for m in evaluator.metrics if not isinstance(m, DumpResults)]
    evaluator.metrics = [m for m in metrics if not getattr(m, 'format_only', False)]
    for metric in evaluator.metrics:
        for name in FOLDERS_AND_FILES:
            if getattr(metric, name, None) is not None:
                setattr(metric, name, None)
    return evaluator


@contextmanager
def _quiet() -> Iterator[None]:
    """A context in which the log takes warnings only."""
    logger = MMLogger.get_current_instance()
    before = logger.level
    logger.setLevel(max(before, logging.WARNING))
    try:
        yield
    finally:
        logger.setLevel(before)
