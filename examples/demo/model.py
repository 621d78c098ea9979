"""The demo's architecture: Phi-4-mini in small, in transformers' own Phi3 classes."""
import copy

import torch
from transformers import Phi3Config, Phi3ForCausalLM
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

CONTEXT, SHORT_CONTEXT = 2048, 512
HEADS, KV_HEADS, HIDDEN, LAYERS = 4, 2, 256, 8
ROTARY_PAIRS = HIDDEN // HEADS * 3 // 4 // 2          # three quarters of each head are rotated


def config(vocabulary_size, end_of_text, layers=LAYERS):
    """Long factors rise from 1 to the ratio of the two contexts, as Phi-4-mini's do."""
    long = [round((CONTEXT / SHORT_CONTEXT) ** (i / (ROTARY_PAIRS - 1)), 4) for i in range(ROTARY_PAIRS)]
    return Phi3Config(
        vocab_size=vocabulary_size, hidden_size=HIDDEN, intermediate_size=768, num_hidden_layers=layers,
        num_attention_heads=HEADS, num_key_value_heads=KV_HEADS, rms_norm_eps=1e-5, rope_theta=10000.0,
        partial_rotary_factor=0.75, max_position_embeddings=CONTEXT, original_max_position_embeddings=SHORT_CONTEXT,
        rope_scaling={"type": "longrope", "short_factor": [1.0] * ROTARY_PAIRS, "long_factor": long},
        tie_word_embeddings=True, sliding_window=None, use_cache=True,
        bos_token_id=end_of_text, eos_token_id=end_of_text, pad_token_id=end_of_text)


def dense_attention(module, query, key, value, attention_mask, scaling, dropout=0.0, **unused):
    """Plain attention for packed rows: on a CPU its backward pass is several times faster than the
    fused one's.  The mask is added to the scores."""
    batch, heads, length, size = query.shape
    groups = key.shape[1]
    queries = (query * scaling).reshape(batch * groups, heads // groups * length, size)
    scores = torch.bmm(queries, key.reshape(batch * groups, length, size).transpose(1, 2))
    scores = scores.view(batch, groups, heads // groups, length, length) + attention_mask[:, :, None]
    weights = torch.softmax(scores.float(), -1).to(value.dtype)
    mixed = torch.bmm(weights.view(batch * groups, -1, length), value.reshape(batch * groups, length, size))
    return mixed.view(batch, heads, length, size).transpose(1, 2).contiguous(), None


def deepened(model, layers=LAYERS):
    """The same function with more layers: the new ones, spread among the old, at first add nothing."""
    have = model.config.num_hidden_layers
    if have >= layers:
        return model
    settings = copy.deepcopy(model.config)
    settings.num_hidden_layers = layers
    deep = Phi3ForCausalLM(settings)
    old = [i * layers // have for i in range(have)]
    for new in set(range(layers)) - set(old):
        torch.nn.init.zeros_(deep.model.layers[new].self_attn.o_proj.weight)
        torch.nn.init.zeros_(deep.model.layers[new].mlp.down_proj.weight)
    for i, layer in enumerate(model.model.layers):
        deep.model.layers[old[i]].load_state_dict(layer.state_dict())
    deep.model.embed_tokens.load_state_dict(model.model.embed_tokens.state_dict())
    deep.model.norm.load_state_dict(model.model.norm.state_dict())
    deep.tie_weights()
    return deep


def for_training(model):
    """The same model with the attention above."""
    ALL_ATTENTION_FUNCTIONS["dense"] = dense_attention
    model.config._attn_implementation = "dense"
    return model
