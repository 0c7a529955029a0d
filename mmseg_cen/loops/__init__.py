"""Loops: resumable training, tests in any precision or subset of the modalities."""

from .evaluation import TestLoop, ValLoop
from .resumable import ResumableEpochTrainLoop, ResumableIterTrainLoop
from .subsets import SubsetTestLoop
