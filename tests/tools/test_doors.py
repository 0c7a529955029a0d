"""What a user sees first: the help, and one line for each thing that is wrong."""

import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

TOOLS = Path(__file__).parents[2] / 'tools'
PLAIN = 'mmseg::pspnet/pspnet_r18-d8_4xb2-80k_cityscapes-512x1024.py'
FILES = '--rgb a.png --depth a.png --out-dir out'
TABLE = 'analysis/paper_tables.py --table 1'

#: Paths that do not exist: commands, and what the line names.
NOWHERE = """
train.py none.py | the config must be a file, got 'none.py'
train.py own.py --resume none.pth | the checkpoint must be a file, got 'none.pth'
train.py own.pth | the config must end with .py, .yml, .yaml, .json, got 'own.pth'
test.py none.py own.pth | the config must be a file, got 'none.py'
test.py own.py none.pth | the checkpoint must be a file, got 'none.pth'
test.py own.py empty | got 'empty', which is a folder
infer.py none.py own.pth {files} | the config must be a file, got 'none.py'
infer.py own.py none.pth {files} | the checkpoint must be a file, got 'none.pth'
infer.py own.py {files} | the checkpoint must be named, got none beside 'own.py'
infer.py empty {files} | a work directory must have one config, got none in 'empty'
infer.py none.onnx {files} | the exported network must be a file, got 'none.onnx'
infer.py own.py own.pth --rgb none.png --out-dir out | file of rgb must be a file, got 'none.png'
infer.py own.py own.pth --out-dir out | files must be given as --rgb PATH, --depth PATH, got none
analysis/benchmark.py none.py | the config must be a file
analysis/benchmark.py own.py --what infer --checkpoint none.pth | got 'none.pth'
analysis/browse_dataset.py none.py | the config must be a file
analysis/compare_runs.py a=none b=none | must be files of each image, .* got 'a=none'
analysis/compare_translations.py none --samples 0 | `WORK_DIR` must hold .* got 'none'
analysis/controls.py none.py --train | the config must be a file
analysis/controls.py own.py none.pth | the checkpoint must be a file, got 'none.pth'
analysis/convert_config.py none.py o.py --modalities a b | the config must be a file
analysis/convert_config.py {plain} o.py --data none.py | the config must be a file, got 'none.py'
analysis/convert_config.py mmseg::no.py o.py --modalities a b | got '.*configs/no.py', which does
analysis/dataset_stats.py none.py | the config must be a file
analysis/feature_maps.py none.py own.pth 0 | the config must be a file
analysis/feature_maps.py own.py none.pth 0 | the checkpoint must be a file, got 'none.pth'
analysis/gamma_plots.py none | the record must be the file none/gamma.npz, got none
analysis/get_flops.py none.py | the config must be a file
analysis/loss_curves.py none --list | must hold <time>/vis_data/scalars.json, got none
analysis/loss_curves.py own.pth --list | must hold <time>/vis_data/scalars.json, got own.pth
{table} --collect none | `--collect` must be folders of runs, got 'none'
{table} --train --weights none.pth | the weights must be a file, got 'none.pth'
{table} --train --data none | `--data` must be one of .* got 'none'
analysis/report.py none | must hold <time>/vis_data/scalars.json, got none
analysis/sweep_mmseg.py --family none | `--family` must be among .* got 'none'
dataset_converters/cityscapes.py none out | `source` must exist, got none
dataset_converters/cityscapes.py empty --check | empty/meta.json must exist
dataset_converters/deliver.py none out | `source` must exist, got none
dataset_converters/derive_domains.py none out | `source` must exist, got none
dataset_converters/encode_depth.py none out | `source` must exist, got none
dataset_converters/mfnet.py none out | `source` must exist, got none
dataset_converters/nyudv2.py none out | `source` must exist, got none
dataset_converters/nyudv2.py none | `source` must be given, got one path
dataset_converters/sunrgbd.py none out | `source` must exist, got none
dataset_converters/taskonomy.py none out | `source` must exist, got none
dataset_converters/from_folders.py out --rgb none --label none --depth none --depth-unit 1 | the folder of files must exist, got 'none'
deployment/export.py none.py own.pth o.ts --format torchscript | the config must be a file
deployment/export.py own.py none.pth o.ts --format torchscript | the checkpoint must be a file
model_converters/pretrained_backbone.py none.py own.pth o.pth | the config must be a file
model_converters/pretrained_backbone.py own.py none.pth o.pth | must be a file, got 'none.pth'
model_converters/released_cen.py none.pth o.pth | must be a file, got 'none.pth'
model_converters/released_pix2pix.py o.pth --generator none.pth | must be a file, got 'none.pth'
"""  # noqa: E501
#: A checkpoint of another model, a text instead of one, a model of one image.
OTHER_MODELS = """
train.py own.py --resume other.pth --work-dir out | got 'other.pth', which holds weights alone
test.py own.py other.pth --work-dir out | of the model .* got 'other.pth'
test.py own.py text.pth --work-dir out | a complete file of torch.save, got 'text.pth'
test.py own.py own.pth --absent heat | out of \\('rgb', 'depth'\\), got \\['heat'\\]
infer.py own.py other.pth {files} | of the model .* got 'other.pth'
infer.py own.py text.pth {files} | a complete file of torch.save, got 'text.pth'
infer.py {plain} other.pth {files} | a multimodal segmentor, .* got EncoderDecoder
analysis/benchmark.py own.py --what infer --checkpoint other.pth | got 'other.pth'
analysis/benchmark.py {plain} --what infer | must be a 'CENSegmentor', got 'EncoderDecoder'
analysis/controls.py own.py other.pth --out out | of the model .* got 'other.pth'
analysis/controls.py {plain} other.pth | must be 'CENSegmentor' .*, got 'EncoderDecoder'
analysis/convert_config.py own.py o.py --modalities a b | of one image, got 'own.py'
analysis/feature_maps.py own.py other.pth 0 | of the model .* got 'other.pth'
deployment/export.py own.py other.pth o.ts --format torchscript | of the model .* got 'other.pth'
deployment/export.py own.py text.pth o.ts --format torchscript | torch.save, got 'text.pth'
model_converters/pretrained_backbone.py own.py other.pth o.pth | must .* got
model_converters/pretrained_backbone.py own.py text.pth o.pth | must .* got 'text.pth'
model_converters/released_cen.py other.pth o.pth | must .* got
model_converters/released_cen.py text.pth o.pth | must .* got 'text.pth'
model_converters/released_pix2pix.py o.pth --generator other.pth | must .* got
"""  # noqa: E501
#: Without a GPU, and without processes.
MACHINE = """
train.py own.py --amp fp16 --work-dir out | `--amp` must be bf16 on a CPU, got 'fp16'
test.py own.py own.pth --amp fp16 --work-dir out | `--amp` must be bf16 on a CPU, got 'fp16'
infer.py own.py own.pth --amp fp16 {files} | `--amp` must be bf16 on a CPU, got 'fp16'
infer.py own.py own.pth --device cuda {files} | `device` must .* got 'cuda'
analysis/benchmark.py own.py --what infer --device cuda | `--device` must .* got 'cuda'
deployment/export.py own.py own.pth o.ts --format torchscript --device cuda | `--device` must
train.py own.py --launcher pytorch --work-dir out | must be started by one, got no RANK
train.py own.py --launcher slurm --work-dir out | must be started by srun, got no SLURM_PROCID
train.py own.py --launcher mpi --work-dir out | must be started by mpirun, got no OMPI_COMM
"""  # noqa: E501


def rows(table):
    lines = [line.split(' | ') for line in table.strip().splitlines()]
    filled = [
        command.format(files=FILES, plain=PLAIN, table=TABLE) for command, _ in lines
    ]
    return [
        pytest.param(*command.split(' ', 1), words, id=name)
        for command, (name, words) in zip(filled, lines, strict=True)
    ]


@pytest.fixture(scope='module')
def desk(config, tmp_path_factory):
    """A folder with a config, a checkpoint of its model, and ones of others."""
    folder = tmp_path_factory.mktemp('desk')
    (folder / 'empty').mkdir()
    (folder / 'text.pth').write_text('weights')
    (folder / 'own.py').write_text(f"""
_base_ = {str(config)!r}
model = dict(
    backbone=dict(base_channels=8, stem_channels=8),
    decode_head=dict(head=dict(in_channels=64)),
)
""")
    init_default_scope('mmseg')
    model = MODELS.build(Config.fromfile(folder / 'own.py').model)
    for name, network in dict(own=model, other=torch.nn.Linear(2, 2)).items():
        torch.save(dict(state_dict=network.state_dict()), folder / f'{name}.pth')
    return folder


@pytest.fixture
def line_of(desk, error_of, monkeypatch, capfd):
    """The line that a command ends with, and nothing that looks like a traceback."""

    def line_of(tool, arguments):
        monkeypatch.chdir(desk)
        monkeypatch.syspath_prepend((TOOLS / tool).parent)
        for name in ('RANK', 'SLURM_PROCID', 'OMPI_COMM_WORLD_LOCAL_RANK'):
            monkeypatch.delenv(name, raising=False)
        for name in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS'):  # launchers set them
            monkeypatch.setenv(name, '1')
        line = error_of(tool, *arguments.split())
        assert 'Traceback' not in ''.join(capfd.readouterr())
        assert re.fullmatch(r'error: .*\bmust\b.*\bgot\b.*: .*[^.]', line)
        return line

    return line_of


@pytest.mark.parametrize(('tool', 'arguments', 'words'), rows(NOWHERE))
def test_a_path_that_leads_nowhere_is_named(tool, arguments, words, line_of):
    assert re.search(words, line_of(tool, arguments))


@pytest.mark.parametrize(('tool', 'arguments', 'words'), rows(OTHER_MODELS))
def test_another_model_is_named(tool, arguments, words, line_of):
    line = line_of(tool, arguments)
    assert re.search(words, line)
    assert len(line) < 500


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
@pytest.mark.parametrize(('tool', 'arguments', 'words'), rows(MACHINE))
def test_what_this_machine_has_not_is_named(tool, arguments, words, line_of):
    assert re.search(words, line_of(tool, arguments))
