/* SPDX-License-Identifier: MIT
 * Hyper-parameters from a file's metadata: the keys that llama.cpp's converter
 * writes for the phi3 architecture, and the rules for files of older ones.
 * Nothing is believed: each number is held against its limit here, and all of
 * them against the shapes of the tensors. */
#include "model/hparams.h"
#include "model/weights.h"

#include <math.h>

phial_status ph_hparam_count(const ph_gguf *gguf, const char *key,
                             const uint32_t *fallback, uint32_t max,
                             uint32_t *out)
{
    uint32_t value;

    PH_TRY(ph_gguf_u32(gguf, key, fallback, &value));
    if (value == 0)
        return ph_fail(PHIAL_E_FORMAT, "%s: key %s is 0, expected 1 to %u",
                       ph_show_path(ph_gguf_path(gguf)).text, key, max);
    if (value > max)
        return ph_fail(PHIAL_E_UNSUPPORTED, "%s: key %s is %u, the limit is %u",
                       ph_show_path(ph_gguf_path(gguf)).text, key, value, max);
    *out = value;
    return PHIAL_OK;
}

/* The vocabulary has no key: it is what the embedding has rows. */
static phial_status read_vocab(const ph_gguf *gguf, ph_hparams *hp)
{
    const ph_gguf_tensor *t = ph_gguf_find_tensor(gguf, "token_embd.weight");

    if (!t)
        return ph_fail(PHIAL_E_FORMAT,
                       "%s: tensor token_embd.weight is missing%s",
                       ph_show_path(ph_gguf_path(gguf)).text,
                       ph_gguf_n_tensors(gguf) == 0
                           ? "; the file holds metadata only, no weights"
                           : "");
    if (t->dims[1] == 0 || t->dims[1] > PH_MAX_VOCAB)
        return ph_fail(PHIAL_E_UNSUPPORTED,
                       "%s: tensor token_embd.weight has %llu rows, expected "
                       "1 to %d",
                       ph_show_path(ph_gguf_path(gguf)).text,
                       (unsigned long long)t->dims[1], PH_MAX_VOCAB);
    hp->n_vocab = (uint32_t)t->dims[1];
    hp->tied = !ph_gguf_find_tensor(gguf, "output.weight");
    return PHIAL_OK;
}

static phial_status read_head_dim(const ph_gguf *gguf, ph_hparams *hp)
{
    const uint32_t even = hp->n_embd / hp->n_heads;
    uint32_t value_length;

    if (!ph_gguf_find(gguf, "phi3.attention.key_length") &&
        hp->n_embd % hp->n_heads != 0)
        return ph_fail(PHIAL_E_FORMAT,
                       "%s: key phi3.embedding_length is %u, which "
                       "phi3.attention.head_count, %u, does not divide",
                       ph_show_path(ph_gguf_path(gguf)).text, hp->n_embd,
                       hp->n_heads);
    PH_TRY(ph_hparam_count(gguf, "phi3.attention.key_length", &even,
                           PH_MAX_HEAD_DIM, &hp->head_dim));
    PH_TRY(ph_hparam_count(gguf, "phi3.attention.value_length", &hp->head_dim,
                           PH_MAX_HEAD_DIM, &value_length));
    if (value_length != hp->head_dim)
        return ph_fail(
            PHIAL_E_UNSUPPORTED,
            "%s: key phi3.attention.value_length is %u, expected the "
            "%u of keys",
            ph_show_path(ph_gguf_path(gguf)).text, value_length, hp->head_dim);
    return PHIAL_OK;
}

static phial_status read_shape(const ph_gguf *gguf, ph_hparams *hp)
{
    PH_TRY(ph_hparam_count(gguf, "phi3.context_length", NULL, PH_MAX_CONTEXT,
                           &hp->n_context));
    PH_TRY(ph_hparam_count(gguf, "phi3.block_count", NULL, PH_MAX_LAYERS,
                           &hp->n_layers));
    PH_TRY(ph_hparam_count(gguf, "phi3.embedding_length", NULL, PH_MAX_EMBD,
                           &hp->n_embd));
    PH_TRY(ph_hparam_count(gguf, "phi3.feed_forward_length", NULL, PH_MAX_FF,
                           &hp->n_ff));
    PH_TRY(ph_hparam_count(gguf, "phi3.attention.head_count", NULL,
                           PH_MAX_HEADS, &hp->n_heads));
    PH_TRY(ph_hparam_count(gguf, "phi3.attention.head_count_kv", &hp->n_heads,
                           PH_MAX_HEADS, &hp->n_kv_heads));
    if (hp->n_heads % hp->n_kv_heads != 0)
        return ph_fail(PHIAL_E_FORMAT,
                       "%s: key phi3.attention.head_count is %u, not a "
                       "multiple of phi3.attention.head_count_kv, %u",
                       ph_show_path(ph_gguf_path(gguf)).text, hp->n_heads,
                       hp->n_kv_heads);
    return read_head_dim(gguf, hp);
}

static phial_status read_eps(const ph_gguf *gguf, ph_hparams *hp)
{
    static const char key[] = "phi3.attention.layer_norm_rms_epsilon";

    PH_TRY(ph_gguf_f32(gguf, key, NULL, &hp->rms_eps));
    if (!(hp->rms_eps > 0 && hp->rms_eps < 1))
        return ph_fail(PHIAL_E_FORMAT, "%s: key %s is not between 0 and 1",
                       ph_show_path(ph_gguf_path(gguf)).text, key);
    return PHIAL_OK;
}

/* 0 in the file means none. Converters before August 2024 wrote no such key;
 * of the models of that time those with 4096 tokens have a window of 2047. A
 * window that the context cannot exceed is none. */
static phial_status read_window(const ph_gguf *gguf, ph_hparams *hp)
{
    const bool old_4k =
        hp->n_context == 4096 && (hp->n_layers == 32 || hp->n_layers == 40);
    const uint32_t fallback = old_4k ? 2047 : 0;

    PH_TRY(ph_gguf_u32(gguf, "phi3.attention.sliding_window", &fallback,
                       &hp->window));
    if (hp->window >= hp->n_context)
        hp->window = 0;
    return PHIAL_OK;
}

phial_status ph_hparams_read(const ph_gguf *gguf, ph_hparams *out)
{
    ph_hparams hp = {0};

    PH_TRY(ph_architecture_check(gguf));
    PH_TRY(read_shape(gguf, &hp));
    PH_TRY(read_vocab(gguf, &hp));
    PH_TRY(read_eps(gguf, &hp));
    PH_TRY(read_window(gguf, &hp));
    PH_TRY(ph_hparams_read_rope(gguf, &hp));
    PH_TRY(ph_weights_walk(gguf, &hp, NULL, NULL, NULL));
    *out = hp;
    return PHIAL_OK;
}
