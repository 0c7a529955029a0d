import os

import torch
from benchmarking.machine import describe_machine


def test_a_system_that_binds_no_processes_to_cores_is_described(monkeypatch):
    monkeypatch.delattr(os, 'sched_getaffinity', raising=False)
    text = describe_machine(torch.device('cpu'))
    assert f', {os.cpu_count()} cores, ' in text
