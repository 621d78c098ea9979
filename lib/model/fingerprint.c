/* SPDX-License-Identifier: MIT
 * What tells one model from another: its hyper-parameters, the table of its
 * tensors, and a sample of their bytes as they are in the file, or would be in
 * one that was quantised as the model is while it is read. Sums of hashes,
 * so that neither the threads that read nor the order of reading matter, and
 * nothing that depends on how weights are packed. A saved session names the
 * model by it (doc/session-file.md), so that it can never change. */
#include "model/loader.h"

enum { SPACING = 4096, SAMPLE = 64, N_WORDS = 18 };

static uint64_t name_hash(const ph_gguf_tensor *tensor)
{
    return ph_xxh64(tensor->name.data, tensor->name.len, 0);
}

/* Of each SPACING bytes of a matrix the first SAMPLE, moved to where the next
 * row begins, since rows are what is read as a whole; all of a vector. */
uint64_t ph_fingerprint_rows(const ph_weight *weight, uint32_t row, uint32_t n,
                             const uint8_t *data)
{
    const size_t bytes = weight->row_bytes;
    const uint64_t seed = name_hash(weight->tensor);
    uint64_t sum = 0;

    if (ph_role_is_vector(weight->role))
        return ph_xxh64(data, bytes, seed);
    for (uint32_t i = 0; i < n; i++, data += bytes) {
        const uint64_t at = ((uint64_t)weight->first_row + row + i) * bytes;

        if (at > 0 && at / SPACING == (at - bytes) / SPACING)
            continue;
        for (size_t from = 0; from < bytes; from += SPACING)
            sum += ph_xxh64(data + from,
                            bytes - from < SAMPLE ? bytes - from : SAMPLE,
                            seed + at + from);
    }
    return sum;
}

static uint64_t tensor_hash(const ph_gguf_tensor *tensor, ph_dtype type)
{
    uint8_t bytes[5 * 8];

    ph_put_le64(bytes, type);
    for (int i = 0; i < 4; i++)
        ph_put_le64(bytes + 8 + 8 * i, tensor->dims[i]);
    return ph_xxh64(bytes, sizeof bytes, name_hash(tensor));
}

static uint64_t table_hash(const ph_gguf *gguf, const ph_hparams *hp,
                           const ph_mix *mix)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < ph_gguf_n_tensors(gguf); i++) {
        const ph_gguf_tensor *t = ph_gguf_tensor_at(gguf, i);

        sum += tensor_hash(t, ph_tensor_type(hp, mix, t));
    }
    return sum;
}

static uint64_t bits_of(float f)
{
    uint32_t bits;

    memcpy(&bits, &f, sizeof bits);
    return bits;
}

uint64_t ph_fingerprint(const ph_gguf *gguf, const ph_hparams *hp,
                        const ph_mix *mix, uint64_t sample)
{
    const uint64_t words[N_WORDS] = {
        hp->n_vocab,
        hp->n_context,
        hp->n_context_original,
        hp->n_layers,
        hp->n_embd,
        hp->n_ff,
        hp->n_heads,
        hp->n_kv_heads,
        hp->head_dim,
        hp->n_rot,
        hp->window,
        bits_of(hp->rms_eps),
        bits_of(hp->rope_theta),
        bits_of(hp->rope_scale),
        hp->longrope,
        hp->tied,
        table_hash(gguf, hp, mix),
        sample,
    };
    uint8_t bytes[8 * N_WORDS];

    for (size_t i = 0; i < N_WORDS; i++)
        ph_put_le64(bytes + 8 * i, words[i]);
    return ph_xxh64(bytes, sizeof bytes, 0);
}
