"""The idea: streams that share a network and exchange channels."""
