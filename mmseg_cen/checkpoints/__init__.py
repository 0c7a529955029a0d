"""Checkpoints: written whole, read without running code, and what they belong to."""

from .latest import latest_checkpoint, note_checkpoint
from .lock import is_training, lock_training, unlock_training
from .reading import read_checkpoint, require_resumable, state_of
from .trained_as import check_trained_as, describe_training
from .writing import ReplacingLocalBackend
