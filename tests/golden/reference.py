# SPDX-License-Identifier: MIT
"""The same model in Hugging Face transformers: Phi3ForCausalLM with the
weights of a GGUF file. Pinned: transformers 4.51.3, torch 2.6.0."""
import numpy as np
import torch
from transformers import Phi3Config, Phi3ForCausalLM

LAYER = {
    "attn_norm": "input_layernorm",
    "attn_qkv": "self_attn.qkv_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_up": "mlp.gate_up_proj",
    "ffn_down": "mlp.down_proj",
}


def config(m, attention):
    longrope = {"type": "longrope",
                "short_factor": [float(x) for x in m.factors[0]],
                "long_factor": [float(x) for x in m.factors[1]],
                } if m.longrope else None
    return Phi3Config(
        vocab_size=len(m.embedding), hidden_size=m.embd,
        intermediate_size=m.get("feed_forward_length"),
        num_hidden_layers=m.layers, num_attention_heads=m.heads,
        num_key_value_heads=m.kv_heads, head_dim=m.head_dim,
        max_position_embeddings=m.context,
        original_max_position_embeddings=m.original,
        rms_norm_eps=float(m.eps), rope_theta=m.theta, rope_scaling=longrope,
        partial_rotary_factor=m.rot / m.head_dim,
        sliding_window=m.window or None,
        tie_word_embeddings="output.weight" not in m.tensors,
        bos_token_id=None, eos_token_id=None, pad_token_id=None,
        attn_implementation=attention)


def build(m, attention="eager"):
    state = {"model.embed_tokens.weight": m.embedding,
             "model.norm.weight": m["output_norm"],
             "lm_head.weight": m.output}
    for i in range(m.layers):
        for ours, theirs in LAYER.items():
            state[f"model.layers.{i}.{theirs}.weight"] = m[f"blk.{i}.{ours}"]
    model = Phi3ForCausalLM(config(m, attention)).eval()
    model.load_state_dict({k: torch.from_numpy(v.astype(np.float32))
                           for k, v in state.items()})
    return model


@torch.no_grad()
def logits(model, tokens):
    """One pass over all tokens without a cache: what generate() computes for
    a prompt, and for the sequence that first exceeds the original context."""
    ids = torch.tensor([[int(t) for t in tokens]])
    return model(ids, use_cache=False).logits[0].numpy()


@torch.no_grad()
def states(model, tokens):
    """last_hidden_state, which is behind the final norm."""
    ids = torch.tensor([[int(t) for t in tokens]])
    return model.model(ids, use_cache=False).last_hidden_state[0].numpy()


@torch.no_grad()
def generate(model, tokens, n):
    ids = torch.tensor([[int(t) for t in tokens]])
    out = model.generate(ids, attention_mask=torch.ones_like(ids),
                         max_new_tokens=n, do_sample=False)
    return out[0, len(tokens):].numpy()
