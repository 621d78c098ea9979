/* SPDX-License-Identifier: MIT
 * Sequences that begin alike: full pages are offered to the others and taken
 * over from them. The bits are those that the sequence would have computed,
 * since they depend on nothing but the tokens, the rotary factors, the cache's
 * format and the adapters. */
#include "engine/sequence.h"

static uint64_t before_page(const ph_sequence *seq, uint32_t i, int rope)
{
    const ph_lora_set *lora = &seq->lora;
    uint64_t before = (uint64_t)seq->cache.format * 2 + (uint64_t)rope;

    if (i > 0)
        return ph_kv_cache_page(&seq->cache, i - 1)->id;
    for (size_t j = 0; j < lora->n; j++)
        before = ph_page_beginning(seq->cache.store, before,
                                   lora->adapters[j]->id, lora->scales[j]);
    return before;
}

void ph_sequence_share_pages(ph_sequence *sequence, const phial_token *tokens,
                             uint32_t n)
{
    ph_kv_cache *cache = &sequence->cache;
    const uint32_t n_full =
        (sequence->length < n ? sequence->length : n) / PH_PAGE;

    if (sequence->imported)
        return;
    while (sequence->n_offered < n_full) {
        const uint32_t i = sequence->n_offered++;

        cache->pages[i] =
            (uint8_t *)ph_page_offer(cache->store, ph_kv_cache_page(cache, i),
                                     before_page(sequence, i, sequence->rope),
                                     tokens + (size_t)i * PH_PAGE);
    }
}

uint32_t ph_sequence_take_pages(ph_sequence *sequence,
                                const phial_token *tokens, uint32_t n, int rope)
{
    ph_kv_cache *cache = &sequence->cache;
    uint32_t i = sequence->length / PH_PAGE;

    if (sequence->imported || i != sequence->n_offered ||
        (sequence->length > 0 && rope != sequence->rope))
        return sequence->length;
    for (; i < n / PH_PAGE; i++) {
        ph_page *page =
            ph_page_find(cache->store, before_page(sequence, i, rope),
                         tokens + (size_t)i * PH_PAGE);

        if (!page)
            break;
        if (i < cache->n_pages) /* begun, and now whole */
            ph_page_drop(cache->store, ph_kv_cache_page(cache, i));
        cache->pages[i] = (uint8_t *)page;
        cache->n_pages = i + 1;
        sequence->n_offered = i + 1;
        sequence->length = (i + 1) * PH_PAGE;
        sequence->rope = rope;
    }
    return sequence->length;
}
