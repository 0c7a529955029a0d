"""The page: its parts, and what changes what."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from mmseg_cen.transforms.inspection import is_depth
from mmseg_cen.visualization.samples import title

from .answers import NO_SAMPLE, Answer, Desk

#: One network answers: the requests of several visitors wait for each other.
WAITING = dict(concurrency_id='network', concurrency_limit=1)
#: Seconds after which files of visitors are looked for, and how old they may be.
CLEANING = (3600, 24 * 3600)


def build_page(desk: Desk, heading: str, note: str = '') -> gr.Blocks:
    """The page of a network.

    Args:
        desk: Answers what is asked.
        heading: What the network is called.
        note: A sentence below it.
    """
    with gr.Blocks(
        title=f'mmseg_cen: {heading}', analytics_enabled=False, delete_cache=CLEANING
    ) as page:
        gr.Markdown(f'## {heading}\n{note}')
        with gr.Row():
            with gr.Column(scale=1, min_width=320):
                asking = _Asking(desk)
            with gr.Column(scale=3):
                answer = _Answering(desk)
        _connect(page, desk, asking, answer)
    return page


class _Asking:
    """The left side: samples, files, switches, threshold."""

    def __init__(self, desk: Desk) -> None:
        explorer = desk.explorer
        self.names = explorer.names
        first = 0 if desk.samples else NO_SAMPLE
        self.sample = gr.State(first)
        self.gallery = gr.Gallery(
            [one.picture for one in desk.samples],
            label='Samples of the test data',
            columns=4,
            height=200,
            elem_id='samples',
            allow_preview=False,
            selected_index=0 if desk.samples else None,
            interactive=False,
            visible=bool(desk.samples),
            object_fit='cover',
            fit_columns=False,
            buttons=[],
        )
        gr.Markdown('**Files of your own** (one sample, a file of each modality)')
        self.files = [
            gr.File(
                label=title(name),
                height=90,
                elem_classes='file',
                elem_id=f'file-{name}',
            )
            for name in self.names
        ]
        self.stored: list[Any] = []
        with gr.Accordion('How the files are stored', open=False):
            gr.Markdown(
                'As those of the training, unless it is said here. `depth-unit` is '
                '`--depth-unit` of `tools/infer.py`.'
            )
            for name in self.names:
                self.stored += self._storing(name, explorer.modalities[name])
        can_switch = explorer.can_miss and len(self.names) > 1
        self.switches = gr.CheckboxGroup(
            [(title(name), name) for name in self.names],
            value=[*self.names],
            label='Modalities that the network gets',
            visible=can_switch,
            elem_id='switches',
        )
        usual = explorer.threshold
        step, largest = explorer.thresholds
        self.theta = gr.Slider(
            0,
            largest,
            value=usual or 0,
            step=step,
            label='theta of the exchange',
            info=f'{usual or 0:g} in the training; 0: no exchange',
            visible=usual is not None,
            elem_id='theta',
        )
        self.write = gr.Button('Write files to download', elem_id='write')
        self.written = gr.File(
            label='To download: labels, probabilities, pictures',
            file_count='multiple',
            visible=False,
            interactive=False,
            elem_id='written',
        )

    @staticmethod
    def _storing(name: str, modality: Any) -> list[Any]:
        with gr.Row(visible=name != 'rgb'):
            unit = gr.Textbox(
                label=f'{name}-unit',
                placeholder='0.001: mm' if is_depth(name, modality) else '',
                min_width=90,
            )
            invalid = gr.Textbox(
                label=f'{name}-invalid', placeholder='65535', min_width=90
            )
            resize = gr.Checkbox(label=f'resize-{name}', min_width=90)
        return [unit, invalid, resize]

    @property
    def all(self) -> list[Any]:
        """The components whose values make a question, see :meth:`Desk.read`."""
        return [self.sample, self.switches, self.theta, *self.files, *self.stored]


class _Answering:
    """The right side: pictures, and what is said of them."""

    def __init__(self, desk: Desk) -> None:
        self.status = gr.HTML(elem_id='status')
        self.pictures: dict[str, Any] = {}
        for row in desk.rows:
            with gr.Row():
                for key in row:
                    self.pictures[key] = gr.Image(
                        label=desk.titles[key],
                        format='png',
                        interactive=False,
                        height=240,
                        elem_id=f'picture-{key.replace("/", "-")}',
                        elem_classes='picture',
                        buttons=['download', 'fullscreen'],
                    )
        self.legend = gr.HTML()
        self.alpha = gr.HTML(elem_id='alpha')
        self.shares = gr.HTML(elem_id='shares')

    @property
    def all(self) -> list[Any]:
        return [
            self.status, *self.pictures.values(), self.legend, self.alpha, self.shares
        ]  # fmt: skip

    def show(self, answer: Answer) -> list[Any]:
        """The values of the components; without an answer, there are no pictures."""
        pictures = []
        for key in self.pictures:
            picture, caption = answer.pictures.get(key, (None, ''))
            visible = picture is not None
            pictures.append(gr.update(value=picture, label=caption, visible=visible))
        said = [answer.legend, answer.alpha, answer.shares]
        written = gr.update(value=None, visible=False)  # of another question
        return [written, answer.status, *pictures, *said]


def _connect(page: Any, desk: Desk, asking: _Asking, answering: _Answering) -> None:
    """Let every change of the left side be answered on the right."""

    def predict(*values: Any) -> list[Any]:
        return answering.show(desk.answer(desk.read(values)))

    def pick(event: gr.SelectData, *values: Any) -> list[Any]:
        question = desk.read(values)._replace(sample=event.index, files={})
        cleared = [None for _ in asking.files]
        picked = gr.update(elem_classes=[])
        return [event.index, picked, *cleared, *answering.show(desk.answer(question))]

    def upload(*values: Any) -> list[Any]:
        question = desk.read(values)._replace(sample=NO_SAMPLE)
        return [
            NO_SAMPLE,
            gr.update(elem_classes='left'),
            *answering.show(desk.answer(question)),
        ]

    def write(*values: Any) -> list[Any]:
        folder = Path(tempfile.mkdtemp(dir=desk.folder))
        status, files = desk.write(desk.read(values), folder)
        shown = gr.update(value=[*map(str, files)] or None, visible=bool(files))
        return [status or gr.skip(), shown]

    options: dict[str, Any] = dict(
        inputs=asking.all,
        trigger_mode='always_last',
        show_progress='minimal',
        api_visibility='private',
        **WAITING,
    )
    shown = [asking.written, *answering.all]
    asking.gallery.select(
        pick, outputs=[asking.sample, asking.gallery, *asking.files, *shown], **options
    )
    for file in asking.files:
        for event in (file.upload, file.clear):
            event(
                upload,
                outputs=[asking.sample, asking.gallery, *shown],
                **options,
            )
    changes = [asking.switches.input, asking.theta.input]
    for unit, invalid, resize in _threes(asking.stored):
        changes += [unit.submit, unit.blur, invalid.submit, invalid.blur, resize.input]
    for event in changes:
        event(predict, outputs=shown, **options)
    page.load(predict, outputs=shown, **options)
    asking.write.click(write, outputs=[answering.status, asking.written], **options)


def _threes(parts: Sequence[Any]) -> list[tuple[Any, Any, Any]]:
    return [*zip(parts[::3], parts[1::3], parts[2::3], strict=True)]
