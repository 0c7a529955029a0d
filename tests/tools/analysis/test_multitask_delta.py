import json

import pytest

RUN = {'mIoU': 44.0, 'depth/rmse': 0.4, 'normals/mean_angle': 20.0, 'aAcc': 90.0}


def training(folder, *lines):
    log = folder / '1' / 'vis_data' / 'scalars.json'
    log.parent.mkdir(parents=True)
    log.write_text('\n'.join(json.dumps({'step': i, **x}) for i, x in enumerate(lines)))
    return str(folder)


def figures(path, **values):
    path.write_text(json.dumps(values))
    return str(path)


def test_the_gain_is_over_the_last_figures_of_the_twins(tmp_path, load_tool, capsys):
    run = training(tmp_path / 'run', {'mIoU': 1.0, 'depth/rmse': 9.0}, RUN)
    twins = [
        training(tmp_path / 'a', {'mIoU': 10.0}, {'mIoU': 40.0}),
        figures(tmp_path / 'b.json', **{'depth/rmse': 0.5}),
        figures(tmp_path / 'c.json', **{'normals/mean_angle': 20.0}),
    ]
    main = load_tool('analysis/multitask_delta.py').main
    main([run, *twins])
    output = capsys.readouterr().out
    assert '| mIoU | 40 | 44 | +10.0 % |' in output
    assert '| depth/rmse | 0.5 | 0.4 | +20.0 % |' in output
    assert '| normals/mean_angle | 20 | 20 | +0.0 % |' in output
    assert output.splitlines()[-1] == 'mean gain: +10.0 %'
    main([run, twins[0], '--lower'])
    assert capsys.readouterr().out.splitlines()[-1] == 'mean gain: +10.0 %'


def test_what_cannot_be_compared_is_refused(tmp_path, load_tool):
    main = load_tool('analysis/multitask_delta.py').main
    run = training(tmp_path / 'run', RUN)
    one = figures(tmp_path / 'a.json', mIoU=40.0)
    wrong = tmp_path / 'b.json'
    wrong.write_text('[1]')
    for args, message in [
        ([run, one], "got none of ['depth/rmse', 'normals/mean_angle']"),
        ([run, str(wrong)], 'the figures must be a JSON object of numbers'),
        ([run, one, '--higher', '--lower', 'MAE'], '`run` must have some of'),
        ([run, one, one], "each figure must be of one twin, got ['mIoU'] of"),
        ([run, str(tmp_path / 'absent')], 'scalars.json'),
    ]:
        with pytest.raises(SystemExit) as end:
            main(args)
        assert message in str(end.value.code)
