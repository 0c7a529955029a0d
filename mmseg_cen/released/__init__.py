"""Checkpoints of the authors' released code, converted to ours and back."""
