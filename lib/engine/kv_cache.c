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

    return ph_mul64(panels, ph_cache_panel_bytes(format, hp->head_dim),
                    bytes) &&
           ph_add64(*bytes, sizeof(ph_page), bytes);
}

phial_status ph_kv_cache_init(ph_kv_cache *cache, ph_page_store *store,
                              const ph_heap *heap, const ph_hparams *hp,
                              const ph_sequence_config *config)
{
    uint64_t page_bytes;

    if (!ph_kv_cache_page_bytes(hp, config->cache_format, &page_bytes) ||
        page_bytes > SIZE_MAX)
        return ph_no_memory("a page of keys and values", SIZE_MAX);
    cache->store = store;
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

ph_page *ph_kv_cache_page(const ph_kv_cache *cache, uint32_t i)
{
    return (ph_page *)(void *)cache->pages[i];
}

static phial_status take_page(const ph_kv_cache *cache, uint8_t **out)
{
    ph_page *page;

    PH_TRY(ph_page_take(cache->store, cache->page_bytes, &page));
    *out = (uint8_t *)page;
    return PHIAL_OK;
}

/* Page i, part of which stays, is shared no longer. */
static phial_status own_page(ph_kv_cache *cache, uint32_t i)
{
    ph_page *shared = ph_kv_cache_page(cache, i);

    if (ph_page_is_own(cache->store, shared))
        return PHIAL_OK;
    PH_TRY(take_page(cache, &cache->pages[i]));
    memcpy(cache->pages[i] + sizeof *shared, (uint8_t *)shared + sizeof *shared,
           cache->page_bytes - sizeof *shared);
    ph_page_drop(cache->store, shared);
    return PHIAL_OK;
}

phial_status ph_kv_cache_reserve(ph_kv_cache *cache, uint32_t length,
                                 uint32_t n)
{
    const uint32_t need = ph_kv_cache_pages_for(length + n);

    if (length % PH_PAGE != 0)
        PH_TRY(own_page(cache, length / PH_PAGE));
    while (cache->n_pages < need) {
        const phial_status status =
            take_page(cache, &cache->pages[cache->n_pages]);

        if (status < 0) {
            ph_kv_cache_release(cache, length);
            return status;
        }
        cache->n_pages++;
    }
    return PHIAL_OK;
}

/* The last page first: of what nobody holds, a beginning is kept longest. */
void ph_kv_cache_release(ph_kv_cache *cache, uint32_t n_tokens)
{
    const uint32_t keep = ph_kv_cache_pages_for(n_tokens);

    while (cache->n_pages > keep) {
        ph_page_drop(cache->store, ph_kv_cache_page(cache, --cache->n_pages));
        cache->pages[cache->n_pages] = NULL;
    }
}

void ph_kv_cache_share(ph_kv_cache *cache, const ph_kv_cache *from)
{
    for (uint32_t i = 0; i < from->n_pages; i++) {
        ph_page_hold(cache->store, ph_kv_cache_page(from, i));
        cache->pages[i] = from->pages[i];
    }
    cache->n_pages = from->n_pages;
}

ph_cache_view ph_kv_cache_view(const ph_kv_cache *cache, uint32_t layer,
                               uint32_t kv_head)
{
    const size_t panel =
        sizeof(ph_page) +
        2 * ((size_t)layer * cache->n_kv_heads + kv_head) * cache->panel_bytes;

    return (ph_cache_view){
        .format = cache->format,
        .head_dim = cache->head_dim,
        .pages = cache->pages,
        .k_offset = panel,
        .v_offset = panel + cache->panel_bytes,
    };
}
