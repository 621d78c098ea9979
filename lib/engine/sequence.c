/* SPDX-License-Identifier: MIT
 * Making, shortening and measuring sequences. */
#include "engine/sequence.h"

static phial_status check_config(const ph_hparams *hp,
                                 const ph_sequence_config *config)
{
    if (config->n_context == 0 || config->n_context > hp->n_context)
        return ph_fail(PHIAL_E_ARGUMENT,
                       "a context of %u tokens, expected 1 to %u",
                       config->n_context, hp->n_context);
    if (config->n_batch == 0 || config->n_batch > PH_MAX_BATCH)
        return ph_fail(PHIAL_E_ARGUMENT,
                       "a batch of %u tokens, expected 1 to %d",
                       config->n_batch, PH_MAX_BATCH);
    if (config->cache_format < PHIAL_CACHE_F32 ||
        config->cache_format > PHIAL_CACHE_Q8)
        return ph_fail(PHIAL_E_ARGUMENT,
                       "cache format %d, expected PHIAL_CACHE_F32, _F16 or _Q8",
                       (int)config->cache_format);
    return PHIAL_OK;
}

static phial_status set_up(ph_sequence *seq)
{
    const ph_hparams *hp = &seq->model->hp;
    const ph_heap *heap = seq->model->heap;
    ph_page_store *store = seq->config.store;

    if (!store) {
        PH_TRY(ph_page_store_new(heap, 0, &seq->own_store));
        store = seq->own_store;
    }
    PH_TRY(ph_kv_cache_init(&seq->cache, store, heap, hp, &seq->config));
    return ph_scratch_init(&seq->scratch, heap, hp, seq->config.n_batch);
}

phial_status ph_sequence_new(const ph_model *model, ph_pool *pool,
                             const ph_sequence_config *config,
                             ph_sequence **out)
{
    ph_sequence *seq;
    phial_status status;

    PH_TRY(check_config(&model->hp, config));
    seq = ph_alloc(model->heap, 1, sizeof *seq);
    if (!seq)
        return ph_no_memory("a sequence", sizeof *seq);
    seq->model = model;
    seq->pool = pool;
    seq->config = *config;
    status = set_up(seq);
    if (status != PHIAL_OK) {
        ph_sequence_free(seq);
        return status;
    }
    *out = seq;
    return PHIAL_OK;
}

void ph_sequence_free(ph_sequence *sequence)
{
    if (!sequence)
        return;
    ph_kv_cache_free(&sequence->cache);
    ph_page_store_free(sequence->own_store);
    ph_free(sequence->model->heap, sequence->scratch.block);
    ph_free(sequence->model->heap, sequence->lora.low);
    ph_free(sequence->model->heap, sequence);
}

phial_status ph_sequence_new_like(const ph_sequence *sequence,
                                  ph_sequence **out)
{
    const ph_lora_set *lora = &sequence->lora;
    ph_sequence *copy = NULL;
    phial_status status;

    PH_TRY(ph_sequence_new(sequence->model, sequence->pool, &sequence->config,
                           &copy));
    status =
        ph_sequence_set_adapters(copy, lora->adapters, lora->scales, lora->n);
    if (status < 0) {
        ph_sequence_free(copy);
        return status;
    }
    *out = copy;
    return PHIAL_OK;
}

phial_status ph_sequence_fork(const ph_sequence *sequence, ph_sequence **out)
{
    ph_sequence *copy = NULL;

    if (sequence->own_store)
        return ph_fail(PHIAL_E_STATE,
                       "a sequence with a store of its own cannot be forked");
    PH_TRY(ph_sequence_new_like(sequence, &copy));
    ph_kv_cache_share(&copy->cache, &sequence->cache);
    copy->length = sequence->length;
    copy->rope = sequence->rope;
    copy->n_offered = sequence->n_offered;
    copy->imported = sequence->imported;
    *out = copy;
    return PHIAL_OK;
}

uint32_t ph_sequence_length(const ph_sequence *sequence)
{
    return sequence->length;
}

void ph_sequence_truncate(ph_sequence *sequence, uint32_t length)
{
    if (length >= sequence->length)
        return;
    sequence->length = length;
    sequence->imported = sequence->imported && length > 0;
    if (sequence->n_offered > length / PH_PAGE)
        sequence->n_offered = length / PH_PAGE;
    ph_kv_cache_release(&sequence->cache, length);
}

bool ph_sequence_estimate(const ph_hparams *hp,
                          const ph_sequence_config *config,
                          ph_sequence_bytes *bytes)
{
    const uint32_t pages = ph_kv_cache_pages_for(config->n_context);
    const uint64_t table = sizeof(uint8_t *) * (uint64_t)pages;
    ph_sequence_bytes b = {.cache = table};
    uint64_t page;

    if (!ph_kv_cache_page_bytes(hp, config->cache_format, &page) ||
        !ph_mul64(page, pages, &b.cache_max) ||
        !ph_add64(b.cache_max, table, &b.cache_max) ||
        !ph_scratch_bytes(hp, config->n_batch, &b.scratch))
        return false;
    *bytes = b;
    return true;
}

void ph_sequence_get_bytes(const ph_sequence *sequence,
                           ph_sequence_bytes *bytes)
{
    const ph_kv_cache *cache = &sequence->cache;

    /* Cannot overflow: all of this has been allocated or could be. */
    if (!ph_sequence_estimate(&sequence->model->hp, &sequence->config, bytes))
        *bytes = (ph_sequence_bytes){0};
    bytes->cache += (uint64_t)cache->n_pages * cache->page_bytes;
    bytes->scratch += ph_lora_low_bytes(sequence);
}
