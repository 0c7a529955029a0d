"""Loops: resumable training; tests in any precision, subset or by a protocol."""

from .evaluation import TestLoop, ValLoop
from .protocol_loop import ProtocolTestLoop
from .resumable import ResumableEpochTrainLoop, ResumableIterTrainLoop
from .subsets import SubsetTestLoop
