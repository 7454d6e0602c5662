"""Captures reference bundles (Formats/references.md) from a CogVLM2-Video-Llama3 checkpoint with PyTorch.

Data flows one way: `configuration` and `checkpoint` read the folder, `media` and `prompt` prepare the inputs,
`plain` (our own PyTorch graph, one layer in memory at a time) or `remote` (the folder's own code) computes,
and `bundle` writes. `capture` ties them together.
"""
