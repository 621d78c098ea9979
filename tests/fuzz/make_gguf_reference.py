#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes corpus/gguf/reference.gguf with the gguf package (0.19 was used): a
file that no code of ours wrote. Argument: output path."""
import sys

import gguf
import numpy as np

writer = gguf.GGUFWriter(sys.argv[1], "phi3")
writer.add_block_count(2)
writer.add_layer_norm_rms_eps(1e-5)
writer.add_add_bos_token(False)
writer.add_tokenizer_model("gpt2")
writer.add_token_list([b"a", "Ġb".encode(), b"\xff"])
writer.add_token_types([1, 1, 3])
writer.add_tensor("token_embd.weight",
                  np.arange(6, dtype=np.float32).reshape(2, 3))
writer.add_tensor("blk.0.ffn_up.weight",
                  gguf.quants.quantize(np.ones((1, 64), dtype=np.float32),
                                       gguf.GGMLQuantizationType.Q8_0),
                  raw_dtype=gguf.GGMLQuantizationType.Q8_0)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
