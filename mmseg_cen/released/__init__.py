"""Checkpoints of released code: of the paper, to ours and back, and of TokenFusion."""
