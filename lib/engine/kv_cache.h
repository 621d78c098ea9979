/* SPDX-License-Identifier: MIT
 * kv_cache.h - inside engine: the keys and values of a sequence, in pages of
 * PH_PAGE tokens that hold all layers and heads. Sequences may share pages;
 * those that are about to be written to are made the sequence's own. */
#ifndef PH_KV_CACHE_H
#define PH_KV_CACHE_H

#include "engine/page_store.h"

typedef struct ph_kv_cache {
    ph_page_store *store;
    const ph_heap *heap;
    int32_t format;
    uint32_t n_kv_heads;
    uint32_t head_dim;
    size_t panel_bytes; /* one page's keys of one layer and head */
    size_t page_bytes;
    uint32_t n_pages;
    uint32_t max_pages;
    uint8_t **pages; /* each a ph_page */
} ph_kv_cache;

phial_status ph_kv_cache_init(ph_kv_cache *cache, ph_page_store *store,
                              const ph_heap *heap, const ph_hparams *hp,
                              const ph_sequence_config *config);
void ph_kv_cache_free(ph_kv_cache *cache);

/* n more tokens behind length can be written. On failure the pages of the
 * first length tokens are as they were. */
phial_status ph_kv_cache_reserve(ph_kv_cache *cache, uint32_t length,
                                 uint32_t n);

/* Gives back the pages that n_tokens tokens do not need. */
void ph_kv_cache_release(ph_kv_cache *cache, uint32_t n_tokens);

/* An empty cache gets the pages of another one of its shape. */
void ph_kv_cache_share(ph_kv_cache *cache, const ph_kv_cache *from);

ph_page *ph_kv_cache_page(const ph_kv_cache *cache, uint32_t i);

ph_cache_view ph_kv_cache_view(const ph_kv_cache *cache, uint32_t layer,
                               uint32_t kv_head);

/* Of one page with all that belongs to it; false on overflow. */
bool ph_kv_cache_page_bytes(const ph_hparams *hp, int32_t format,
                            uint64_t *bytes);

uint32_t ph_kv_cache_pages_for(uint32_t n_tokens);

#endif /* PH_KV_CACHE_H */
