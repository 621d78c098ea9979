/* SPDX-License-Identifier: MIT
 * The work buffers of the forward pass: one block, laid out once. */
#include "engine/scratch.h"

enum { WIDE = 2, N_BUFFERS = 11 };

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Floats of a row of wide. They are not a multiple of a page apart, because a
 * product writes to the same column of many rows: those would contend for few
 * sets of the cache. */
static uint64_t wide_row(const ph_hparams *hp)
{
    const uint64_t heads = hp->n_heads + 2 * (uint64_t)hp->n_kv_heads;

    return (larger(heads * hp->head_dim, hp->n_embd) + 31) / 32 * 32 + 16;
}

/* Bytes of each buffer per token, in the order of ph_scratch. */
static void row_bytes(const ph_hparams *hp, uint64_t sizes[N_BUFFERS])
{
    const uint64_t q = (uint64_t)hp->n_heads * hp->head_dim;
    const uint64_t mid = larger(q, hp->n_ff);

    sizes[0] = sizeof(float) * hp->n_embd;
    sizes[1] = sizeof(float) * hp->n_embd;
    sizes[WIDE] = sizeof(float) * wide_row(hp);
    sizes[3] = sizeof(float) * mid;
    sizes[4] = sizeof(float) * (hp->n_rot / 2);
    sizes[5] = sizeof(float) * (hp->n_rot / 2);
    sizes[6] = sizeof(ph_act_block) * (hp->n_embd / PH_ACT_BLOCK);
    sizes[7] = sizeof(ph_act_block) * (mid / PH_ACT_BLOCK);
    sizes[8] = sizeof(ph_row);
    sizes[9] = sizeof(uint32_t);
    sizes[10] = sizeof(ph_part *);
}

/* Offsets of the buffers, each on its own cache lines, and the total behind
 * them; false on overflow. */
static bool lay_out(const ph_hparams *hp, uint32_t n_batch,
                    uint64_t offsets[N_BUFFERS + 1])
{
    uint64_t sizes[N_BUFFERS], bytes;

    row_bytes(hp, sizes);
    offsets[0] = 0;
    for (int i = 0; i < N_BUFFERS; i++) {
        if (!ph_mul64(sizes[i], n_batch, &bytes))
            return false;
        if (i == WIDE)
            bytes =
                larger(bytes, sizeof(float) * PH_LEAST_SLAB * PH_MAX_THREADS);
        if (!ph_add64(bytes, 63, &bytes) ||
            !ph_add64(offsets[i], bytes / 64 * 64, &offsets[i + 1]))
            return false;
    }
    return true;
}

bool ph_scratch_bytes(const ph_hparams *hp, uint32_t n_batch, uint64_t *bytes)
{
    uint64_t offsets[N_BUFFERS + 1];

    if (!lay_out(hp, n_batch, offsets))
        return false;
    *bytes = offsets[N_BUFFERS];
    return true;
}

static float *floats_at(uint8_t *block, uint64_t offset)
{
    return (float *)(void *)(block + offset);
}

phial_status ph_scratch_init(ph_scratch *scratch, const ph_heap *heap,
                             const ph_hparams *hp, uint32_t n_batch)
{
    uint64_t at[N_BUFFERS + 1];
    uint8_t *block;

    if (!lay_out(hp, n_batch, at) || at[N_BUFFERS] > SIZE_MAX)
        return ph_no_memory("work buffers", SIZE_MAX);
    block = ph_alloc_raw(heap, (size_t)at[N_BUFFERS]);
    if (!block)
        return ph_no_memory("work buffers", (size_t)at[N_BUFFERS]);
    *scratch = (ph_scratch){
        .block = block,
        .x = floats_at(block, at[0]),
        .normed = floats_at(block, at[1]),
        .wide = floats_at(block, at[2]),
        .wide_stride = (size_t)wide_row(hp),
        .wide_floats = (size_t)(at[WIDE + 1] - at[WIDE]) / sizeof(float),
        .mid = floats_at(block, at[3]),
        .cos = floats_at(block, at[4]),
        .sin = floats_at(block, at[5]),
        .normed_blocks = (ph_act_block *)(void *)(block + at[6]),
        .mid_blocks = (ph_act_block *)(void *)(block + at[7]),
        .rows = (ph_row *)(void *)(block + at[8]),
        .list = (uint32_t *)(void *)(block + at[9]),
        .parts = (ph_part **)(void *)(block + at[10]),
    };
    return PHIAL_OK;
}
