/* SPDX-License-Identifier: MIT
 * Keys and values as bytes, page by page: those of a sequence, and a sequence
 * that is made from them. */
#include "engine/sequence.h"

size_t ph_sequence_page_bytes(const ph_sequence *sequence)
{
    return sequence->cache.page_bytes - sizeof(ph_page);
}

/* Zeros the rows from n on: of keys [head_dim][PH_PAGE] and of values
 * [PH_PAGE][head_dim], each followed by scales if the cache is Q8. */
static void clear_rows(const ph_kv_cache *cache, uint8_t *keys, uint32_t n)
{
    const size_t size = cache->format == PHIAL_CACHE_F32   ? 4
                        : cache->format == PHIAL_CACHE_F16 ? 2
                                                           : 1;
    const size_t rest = PH_PAGE - n, head_dim = cache->head_dim;
    uint8_t *values = keys + cache->panel_bytes;

    for (size_t i = 0; i < head_dim; i++)
        memset(keys + (i * PH_PAGE + n) * size, 0, rest * size);
    memset(values + n * head_dim * size, 0, rest * head_dim * size);
    if (cache->format != PHIAL_CACHE_Q8)
        return;
    memset(ph_cache_scales(keys, head_dim) + n, 0, rest * sizeof(float));
    memset(ph_cache_scales(values, head_dim) + n, 0, rest * sizeof(float));
}

const uint8_t *ph_sequence_page(const ph_sequence *sequence, uint32_t i,
                                uint8_t *space)
{
    const ph_kv_cache *cache = &sequence->cache;
    const uint8_t *data = cache->pages[i] + sizeof(ph_page);
    const size_t bytes = ph_sequence_page_bytes(sequence);
    const uint32_t n = sequence->length - i * PH_PAGE;

    if (n >= PH_PAGE)
        return data;
    memcpy(space, data, bytes);
    for (size_t at = 0; at < bytes; at += 2 * cache->panel_bytes)
        clear_rows(cache, space + at, n);
    return space;
}

phial_status ph_sequence_add_page(ph_sequence *sequence, uint32_t n, int rope,
                                  uint8_t **data)
{
    PH_TRY(ph_kv_cache_reserve(&sequence->cache, sequence->length, n));
    *data = sequence->cache.pages[sequence->length / PH_PAGE] + sizeof(ph_page);
    sequence->length += n;
    sequence->rope = rope;
    sequence->imported = true;
    return PHIAL_OK;
}
