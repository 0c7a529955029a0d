"""What dist_train.sh says where one of its processes fails."""

import json

import _ranks
from _ranks import Report, cause, read_reports, without_report


def test_the_process_that_failed_first_tells_its_rank_and_error():
    reports = [Report(False, 20, 0, 'error: later'), Report(False, 10, 1, 'error: a')]
    assert cause(reports) == 'error: a (rank 1)'
    assert cause(reports[:1]) == 'error: later (rank 0)'


def test_what_follows_from_the_end_of_another_process_is_no_cause():
    reports = [
        Report(True, 10, 0, 'error: Connection closed by peer'),
        Report(False, 20, 3, 'error: a'),
    ]
    assert cause(reports) == 'error: a (rank 3)'


def test_a_process_that_was_killed_tells_the_signal():
    report = without_report(2, -9)
    assert report.message.startswith('error: the process was ended by SIGKILL')
    assert not report.is_consequence
    assert without_report(2, -15).is_consequence  # by torchrun
    assert 'status 3' in without_report(2, 3).message


def test_reports_of_this_project_and_of_torch_are_read(tmp_path):
    ours = dict(timestamp='7', nanoseconds=7_500_000_000, is_consequence=True)
    for rank, info in enumerate((ours, dict(timestamp='9'))):
        folder = tmp_path / 'none_abc' / 'attempt_0' / str(rank)
        folder.mkdir(parents=True)
        record = dict(message=dict(message='error: a', extraInfo=info))
        (folder / 'error.json').write_text(json.dumps(record))
    reports = sorted(read_reports(tmp_path), key=lambda report: report.rank)
    assert reports == [
        Report(True, 7_500_000_000, 0, 'error: a'), Report(False, 9e9, 1, 'error: a')
    ]  # fmt: skip


def test_the_launcher_ends_with_the_line_of_the_rank(tmp_path, capsys, monkeypatch):
    script = tmp_path / 'fails.py'
    script.write_text(
        'import json, os, sys\n'
        'if os.environ["LOCAL_RANK"] == "0": sys.exit()\n'
        'info = dict(timestamp="1")\n'
        'record = dict(message=dict(message="error: a", extraInfo=info))\n'
        'open(os.environ["TORCHELASTIC_ERROR_FILE"], "w").write(json.dumps(record))\n'
        'sys.exit(1)\n'
    )
    options = ['--standalone', '--nproc_per_node', '2', str(script)]
    monkeypatch.setattr(_ranks.sys, 'argv', ['_ranks.py', *options])
    assert _ranks.main() == 1
    assert capsys.readouterr().err == 'error: a (rank 1)\n'


def test_what_the_launcher_itself_meets_is_said_in_one_line(capsys, monkeypatch):
    options = ['--nnodes', 'several', 'script.py']
    monkeypatch.setattr(_ranks.sys, 'argv', ['_ranks.py', *options])
    assert _ranks.main() == 1
    line = capsys.readouterr().err
    assert line.startswith('error: the processes must start, got ')
    assert line.count('\n') == 1


def test_a_port_that_is_in_use_is_said_as_by_a_process(capsys, monkeypatch):
    def listen(args):
        raise RuntimeError(
            'The server socket has failed to listen on any local network address. '
            'port: 29500, useIpv6: false, code: -98, name: EADDRINUSE, message: '
            'address already in use'
        )

    monkeypatch.setattr(_ranks, 'run', listen)
    monkeypatch.setattr(_ranks.sys, 'argv', ['_ranks.py', 'script.py'])
    assert _ranks.main() == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith('error: the port must be free, got one in use: set PORT')
