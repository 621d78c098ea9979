/* SPDX-License-Identifier: MIT
 * Where keys and values lie in a page, and in what type. */
#include "kernels/kernels.h"

size_t ph_cache_panel_bytes(int32_t format, uint32_t head_dim)
{
    size_t elem_bytes = format == PHIAL_CACHE_F16 ? 2 : 4;

    return (size_t)PH_PAGE * head_dim * elem_bytes;
}

void ph_cache_put(const ph_cache_view *cache, uint32_t pos, const float *key,
                  const float *value)
{
    uint8_t *page = cache->pages[pos / PH_PAGE];
    size_t slot = pos % PH_PAGE;
    void *keys = page + cache->k_offset;
    void *values = page + cache->v_offset;

    for (size_t d = 0; d < cache->head_dim; d++) {
        size_t k = d * PH_PAGE + slot;
        size_t v = slot * cache->head_dim + d;

        if (cache->format == PHIAL_CACHE_F16) {
            ((uint16_t *)keys)[k] = ph_f32_to_f16(key[d]);
            ((uint16_t *)values)[v] = ph_f32_to_f16(value[d]);
        } else {
            ((float *)keys)[k] = key[d];
            ((float *)values)[v] = value[d];
        }
    }
}
