"""Checkpoints of the released code of the paper, converted to ours and back."""
