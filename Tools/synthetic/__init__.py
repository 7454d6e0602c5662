"""Writes synthetic CogVLM2-Video-Llama3 checkpoints in the published layout, at any size.

`presets` says how large the model is and which tensor goes into which shard, `weights` makes the numbers,
`vocabulary` a tokenizer, `folder` writes it all. `Tools/make_checkpoint.py` is the command.
"""
