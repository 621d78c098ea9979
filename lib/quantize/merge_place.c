/* SPDX-License-Identifier: MIT
 * To which rows of a model's tensors a pair of an adapter adds: both may be
 * fused, or one of them, or neither. */
#include "quantize/merge.h"

#include <inttypes.h>
#include <stdio.h>

enum { /* limits; what is larger is refused, as when a model is opened */
       MAX_LAYERS = 256,
       MAX_COUNT = 1 << 20
};

/* Tensors of a layer: one for all outputs of an input, or one for each. */
static const struct {
    const char *fused;
    uint32_t n_parts;
    const char *parts[PH_LORA_OUTPUTS];
} tensors[PH_LORA_INPUTS] = {
    [PH_LORA_ATTN] = {"attn_qkv", 3, {"attn_q", "attn_k", "attn_v"}},
    [PH_LORA_ATTN_OUT] = {"attn_output", 1, {"attn_output"}},
    [PH_LORA_FFN] = {"ffn_up", 2, {"ffn_gate", "ffn_up"}},
    [PH_LORA_DOWN] = {"ffn_down", 1, {"ffn_down"}},
};

static phial_status read_count(const ph_gguf *base, const char *key,
                               const uint32_t *fallback, uint32_t max,
                               uint32_t *out)
{
    PH_TRY(ph_gguf_u32(base, key, fallback, out));
    if (*out > 0 && *out <= max)
        return PHIAL_OK;
    return ph_fail(PHIAL_E_UNSUPPORTED,
                   "%s: key %s is %" PRIu32 ", expected 1 to %" PRIu32,
                   ph_show_path(ph_gguf_path(base)).text, key, *out, max);
}

phial_status ph_merge_model(const ph_gguf *base, ph_lora_model *out)
{
    uint32_t n_heads, n_kv_heads, even, head_dim;

    PH_TRY(
        read_count(base, "phi3.block_count", NULL, MAX_LAYERS, &out->n_layers));
    PH_TRY(read_count(base, "phi3.embedding_length", NULL, MAX_COUNT,
                      &out->n_embd));
    PH_TRY(read_count(base, "phi3.feed_forward_length", NULL, MAX_COUNT,
                      &out->n_ff));
    PH_TRY(read_count(base, "phi3.attention.head_count", NULL, MAX_COUNT,
                      &n_heads));
    PH_TRY(read_count(base, "phi3.attention.head_count_kv", &n_heads, n_heads,
                      &n_kv_heads));
    even = out->n_embd / n_heads;
    PH_TRY(read_count(base, "phi3.attention.key_length", &even,
                      MAX_COUNT / n_heads, &head_dim));
    out->q_rows = n_heads * head_dim;
    out->kv_rows = n_kv_heads * head_dim;
    return PHIAL_OK;
}

static const ph_gguf_tensor *find(const ph_gguf *base, uint32_t layer,
                                  const char *module)
{
    char name[64];

    snprintf(name, sizeof name, "blk.%" PRIu32 ".%s.weight", layer, module);
    return ph_gguf_find_tensor(base, name);
}

static phial_status check_shape(const ph_gguf *base, const ph_gguf_tensor *t,
                                uint32_t cols, uint64_t rows)
{
    const uint64_t *dims = t->dims;

    if (dims[0] == cols && dims[1] == rows && dims[2] == 1 && dims[3] == 1)
        return PHIAL_OK;
    return ph_fail(PHIAL_E_FORMAT,
                   "%s: tensor %s is %" PRIu64 " x %" PRIu64 " x %" PRIu64
                   " x %" PRIu64 ", expected %" PRIu32 " x %" PRIu64
                   " by the hyper-parameters",
                   ph_show_path(ph_gguf_path(base)).text, ph_show(t->name).text,
                   dims[0], dims[1], dims[2], dims[3], cols, rows);
}

phial_status ph_merge_place(const ph_gguf *base, const ph_lora_model *model,
                            const ph_gguf *adapter, const ph_lora_pair *pair,
                            uint32_t output, ph_delta *out)
{
    const ph_lora_input input = pair->input;
    const bool split = find(base, pair->layer, tensors[input].parts[0]);
    const char *module =
        split ? tensors[input].parts[output] : tensors[input].fused;
    uint64_t rows = 0;

    out->tensor = find(base, pair->layer, module);
    if (!out->tensor)
        return ph_fail(PHIAL_E_MISMATCH,
                       "%s: tensor %s adds to blk.%" PRIu32
                       ".%s.weight, which %s does not hold",
                       ph_show_path(ph_gguf_path(adapter)).text,
                       ph_show(pair->a->name).text, pair->layer, module,
                       ph_show_path(ph_gguf_path(base)).text);
    out->first_row = 0;
    out->n_rows = ph_lora_rows(model, input, output);
    if (split)
        return check_shape(base, out->tensor, ph_lora_cols(model, input),
                           out->n_rows);
    for (uint32_t i = 0; i < tensors[input].n_parts; i++) {
        if (i == output)
            out->first_row = rows;
        rows += ph_lora_rows(model, input, i);
    }
    return check_shape(base, out->tensor, ph_lora_cols(model, input), rows);
}
