"""The language model's shapes, those of Llama-3-8B, which the compared programs share."""

WIDTH, MLP, HEADS, KEY_VALUE_HEADS, VOCABULARY, CONTEXT = 4096, 14336, 32, 8, 128256, 8192
HEAD_WIDTH = WIDTH // HEADS
KEY_VALUE_WIDTH = HEAD_WIDTH * KEY_VALUE_HEADS
LAYERS = 32
NORM_EPSILON = 1e-5
