"""Writes a GGUF of random weights in Llama-3-8B's shapes, tensor by tensor: memory stays bounded.

usage: python make_gguf.py OUTPUT --type Q4_0|F16 [--layers 32]

Needs the PyPI package gguf. The vocabulary is of type no_vocab: llama-bench and llama-quantize need no
tokenizer.
"""

import argparse
import os
import sys

import numpy
from gguf import GGMLQuantizationType, GGUFWriter, LlamaFileType
from shapes import (
    CONTEXT,
    HEADS,
    KEY_VALUE_HEADS,
    KEY_VALUE_WIDTH,
    HEAD_WIDTH,
    LAYERS,
    MLP,
    NORM_EPSILON,
    VOCABULARY,
    WIDTH,
)

BLOCK_WEIGHTS, BLOCK_BYTES = 32, 18  # Q4_0: an F16 scale and 32 weights of 4 bits
ROWS_AT_ONCE = 4096


def tensors(layers):
    """(name, rows, columns); rows 0 is a vector."""
    yield "token_embd.weight", VOCABULARY, WIDTH
    for layer in range(layers):
        block = f"blk.{layer}."
        yield block + "attn_norm.weight", 0, WIDTH
        yield block + "attn_q.weight", WIDTH, WIDTH
        yield block + "attn_k.weight", KEY_VALUE_WIDTH, WIDTH
        yield block + "attn_v.weight", KEY_VALUE_WIDTH, WIDTH
        yield block + "attn_output.weight", WIDTH, WIDTH
        yield block + "ffn_norm.weight", 0, WIDTH
        yield block + "ffn_gate.weight", MLP, WIDTH
        yield block + "ffn_up.weight", MLP, WIDTH
        yield block + "ffn_down.weight", WIDTH, MLP
    yield "output_norm.weight", 0, WIDTH
    yield "output.weight", VOCABULARY, WIDTH


def random_f16(random, rows, columns):
    """Normal numbers that keep the size of their input, as float16."""
    return (random.standard_normal((rows, columns), dtype=numpy.float32) / columns**0.5).astype(numpy.float16)


def random_q4_0(random, rows, columns):
    """Q4_0 blocks [rows, bytes of a row]: random weights 0 to 15, the format's middle being 8."""
    blocks = rows * columns // BLOCK_WEIGHTS
    data = random.integers(0, 256, (blocks, BLOCK_BYTES), dtype=numpy.uint8)
    scales = (random.uniform(0.75, 1.25, blocks) / (4.61 * columns**0.5)).astype(numpy.float16)
    data[:, :2] = scales.view(numpy.uint8).reshape(blocks, 2)
    return data.reshape(rows, columns // BLOCK_WEIGHTS * BLOCK_BYTES)


def parts(random, name, rows, columns, is_q4_0):
    """The tensor's bytes in order, some rows at a time."""
    if rows == 0:
        yield numpy.ones(columns, numpy.float32)
        return
    make = random_q4_0 if is_q4_0 else random_f16
    for first in range(0, rows, ROWS_AT_ONCE):
        yield make(random, min(ROWS_AT_ONCE, rows - first), columns)


def add_information(writer, name, rows, columns, is_q4_0):
    """Announces a tensor; a quantized one with the shape of its bytes, as gguf wants it."""
    if rows == 0:
        writer.add_tensor_info(name, (columns,), numpy.dtype(numpy.float32), columns * 4)
    elif is_q4_0:
        row_bytes = columns // BLOCK_WEIGHTS * BLOCK_BYTES
        writer.add_tensor_info(
            name,
            (rows, row_bytes),
            numpy.dtype(numpy.uint8),
            rows * row_bytes,
            raw_dtype=GGMLQuantizationType.Q4_0,
        )
    else:
        writer.add_tensor_info(name, (rows, columns), numpy.dtype(numpy.float16), rows * columns * 2)


def write(path, layers, is_q4_0):
    random = numpy.random.Generator(numpy.random.SFC64(1))
    writer = GGUFWriter(path, "llama")
    writer.add_file_type(LlamaFileType.MOSTLY_Q4_0 if is_q4_0 else LlamaFileType.MOSTLY_F16)
    writer.add_block_count(layers)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(MLP)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_VALUE_HEADS)
    writer.add_layer_norm_rms_eps(NORM_EPSILON)
    writer.add_rope_freq_base(500000.0)
    writer.add_rope_dimension_count(HEAD_WIDTH)
    writer.add_vocab_size(VOCABULARY)
    writer.add_tokenizer_model("no_vocab")
    for tensor in tensors(layers):
        add_information(writer, *tensor, is_q4_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    file = writer.fout[0]
    for tensor in tensors(layers):
        # gguf's own padding is for whole tensors; these come in parts.
        file.write(bytes(-file.tell() % writer.data_alignment))
        for part in parts(random, *tensor, is_q4_0):
            part.tofile(file)
    file.write(bytes(-file.tell() % writer.data_alignment))
    writer.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output")
    parser.add_argument("--type", choices=["Q4_0", "F16"], required=True)
    parser.add_argument("--layers", type=int, default=LAYERS)
    arguments = parser.parse_args()
    temporary = arguments.output + ".part"
    try:
        write(temporary, arguments.layers, arguments.type == "Q4_0")
        os.rename(temporary, arguments.output)
    except BaseException:
        if os.path.exists(temporary):
            os.remove(temporary)
        raise
    print(f"{arguments.output}: {os.path.getsize(arguments.output)} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
