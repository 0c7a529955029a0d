"""Loops: resumable training, tests with each subset of the modalities."""

from .resumable import ResumableEpochTrainLoop
from .subsets import SubsetTestLoop
