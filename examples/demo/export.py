"""Writes a checkpoint as one GGUF file with Q8_0 matrices, key by key as for Phi-4-mini.

    python3 export.py                   # build/checkpoint -> phial-demo.gguf
"""
import argparse
import json
import math
import pathlib

import gguf
import numpy as np
from safetensors.numpy import load_file

HERE = pathlib.Path(__file__).parent
LAYER_NAMES = {"input_layernorm": "attn_norm", "self_attn.qkv_proj": "attn_qkv", "self_attn.o_proj": "attn_output",
               "post_attention_layernorm": "ffn_norm", "mlp.gate_up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
# Phi-4-mini's chat template, word for word.
CHAT_TEMPLATE = (
    "{% for message in messages %}{% if message['role'] == 'system' and 'tools' in message and message['tools'] is "
    "not none %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|tool|>' + message['tools'] + '<|/tool|>' "
    "+ '<|end|>' }}{% else %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% else %}{{ eos_token }}{% endif %}")


def gguf_name(name):
    """blk.3.attn_qkv.weight for model.layers.3.self_attn.qkv_proj.weight, and so on."""
    if name.startswith("model.layers."):
        _, _, layer, rest = name.split(".", 3)
        return f"blk.{layer}.{LAYER_NAMES[rest.removesuffix('.weight')]}.weight"
    return {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight"}[name]


def write_model_keys(writer, config):
    heads = config["num_attention_heads"]
    context, short = config["max_position_embeddings"], config["original_max_position_embeddings"]
    writer.add_type("model")
    writer.add_name("Phial demo")
    writer.add_description("A toy language model that shows what Phial does. It knows next to nothing.")
    writer.add_size_label("7M")
    writer.add_license("mit")
    writer.add_languages(["en"])
    writer.add_context_length(context)
    writer.add_rope_scaling_orig_ctx_len(short)
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_dimension_count(int(config["partial_rotary_factor"] * config["hidden_size"]) // heads)
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_sliding_window(config["sliding_window"] or 0)
    writer.add_rope_scaling_attn_factors(math.sqrt(1 + math.log(context / short) / math.log(short)))
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)


def write_tokenizer_keys(writer, tokenizer, size):
    controls = {t["id"]: t["content"] for t in tokenizer["added_tokens"]}
    plain = {i: t for t, i in tokenizer["model"]["vocab"].items()}
    tokens, types = [], []
    for i in range(size):
        tokens.append(controls.get(i) or plain.get(i) or f"[PAD{i}]")
        types.append(gguf.TokenType.CONTROL if i in controls else
                     gguf.TokenType.NORMAL if i in plain else gguf.TokenType.UNUSED)
    end = tokens.index("<|endoftext|>")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-4o")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in tokenizer["model"]["merges"]])
    for add in (writer.add_bos_token_id, writer.add_eos_token_id, writer.add_unk_token_id, writer.add_pad_token_id):
        add(end)
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def write_tensors(writer, weights, config):
    for kind in ("long", "short"):
        writer.add_tensor(f"rope_factors_{kind}.weight", np.array(config["rope_scaling"][f"{kind}_factor"], np.float32))
    for name, value in weights.items():
        value = value.astype(np.float32)
        if value.ndim == 1:
            writer.add_tensor(gguf_name(name), value)
        else:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(gguf_name(name), gguf.quantize(value, kind), raw_dtype=kind)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--checkpoint", type=pathlib.Path, default=pathlib.Path("build/checkpoint"))
    options.add_argument("--out", type=pathlib.Path, default=HERE / "phial-demo.gguf")
    a = options.parse_args()
    config = json.loads((a.checkpoint / "config.json").read_text())
    tokenizer = json.loads((a.checkpoint / "tokenizer.json").read_text())
    weights = load_file(a.checkpoint / "model.safetensors")
    weights.pop("lm_head.weight", None)               # tied to the embedding
    writer = gguf.GGUFWriter(a.out, "phi3")
    write_model_keys(writer, config)
    write_tokenizer_keys(writer, tokenizer, config["vocab_size"])
    write_tensors(writer, weights, config)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print(f"{a.out}: {a.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
