/* SPDX-License-Identifier: MIT
 * The paged key-value cache. Pages are taken as the sequence grows, so that a
 * context of 128 K tokens costs what is in it. */
#include "engine/kv_cache.h"

uint32_t ph_kv_cache_pages_for(uint32_t n_tokens)
{
    return n_tokens / PH_PAGE + (n_tokens % PH_PAGE != 0);
}

bool ph_kv_cache_page_bytes(const ph_hparams *hp, int32_t format,
                            uint64_t *bytes)
{
    const uint64_t panels = 2 * (uint64_t)hp->n_layers * hp->n_kv_heads;

    return ph_mul64(panels, ph_cache_panel_bytes(format, hp->head_dim), bytes);
}

phial_status ph_kv_cache_init(ph_kv_cache *cache, const ph_heap *heap,
                              const ph_hparams *hp,
                              const ph_sequence_config *config)
{
    uint64_t page_bytes;

    if (!ph_kv_cache_page_bytes(hp, config->cache_format, &page_bytes) ||
        page_bytes > SIZE_MAX)
        return ph_no_memory("a page of keys and values", SIZE_MAX);
    cache->heap = heap;
    cache->format = config->cache_format;
    cache->n_kv_heads = hp->n_kv_heads;
    cache->head_dim = hp->head_dim;
    cache->panel_bytes =
        ph_cache_panel_bytes(config->cache_format, hp->head_dim);
    cache->page_bytes = (size_t)page_bytes;
    cache->max_pages = ph_kv_cache_pages_for(config->n_context);
    cache->pages = ph_alloc(heap, cache->max_pages, sizeof *cache->pages);
    if (!cache->pages)
        return ph_no_memory("the table of pages",
                            cache->max_pages * sizeof *cache->pages);
    return PHIAL_OK;
}

void ph_kv_cache_free(ph_kv_cache *cache)
{
    if (!cache->pages)
        return;
    ph_kv_cache_release(cache, 0);
    ph_free(cache->heap, cache->pages);
}

phial_status ph_kv_cache_reserve(ph_kv_cache *cache, uint32_t n_tokens)
{
    const uint32_t had = cache->n_pages;
    const uint32_t need = ph_kv_cache_pages_for(n_tokens);

    while (cache->n_pages < need) {
        uint8_t *page = ph_alloc(cache->heap, 1, cache->page_bytes);

        if (!page) {
            ph_kv_cache_release(cache, had * PH_PAGE);
            return ph_no_memory("a page of keys and values", cache->page_bytes);
        }
        cache->pages[cache->n_pages++] = page;
    }
    return PHIAL_OK;
}

void ph_kv_cache_release(ph_kv_cache *cache, uint32_t n_tokens)
{
    const uint32_t keep = ph_kv_cache_pages_for(n_tokens);

    while (cache->n_pages > keep) {
        ph_free(cache->heap, cache->pages[--cache->n_pages]);
        cache->pages[cache->n_pages] = NULL;
    }
}

ph_cache_view ph_kv_cache_view(const ph_kv_cache *cache, uint32_t layer,
                               uint32_t kv_head)
{
    const size_t panel =
        2 * ((size_t)layer * cache->n_kv_heads + kv_head) * cache->panel_bytes;

    return (ph_cache_view){
        .format = cache->format,
        .head_dim = cache->head_dim,
        .pages = cache->pages,
        .k_offset = panel,
        .v_offset = panel + cache->panel_bytes,
    };
}
