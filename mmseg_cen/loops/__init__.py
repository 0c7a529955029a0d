"""Loops: resumable training, tests with each subset of the modalities."""

from .resumable import ResumableEpochTrainLoop, ResumableIterTrainLoop
from .subsets import SubsetTestLoop
