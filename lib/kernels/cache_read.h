/* SPDX-License-Identifier: MIT
 * cache_read.h - elements of cached keys and values, and the scales that those
 * of a Q8 cache still lack. Private to lib/kernels. */
#ifndef PH_CACHE_READ_H
#define PH_CACHE_READ_H

#include "kernels/arith.h"
#include "kernels/kernels.h"

/* Element i of a panel; of a Q8 cache the code. */
static inline float ph_cache_float(int32_t format, const void *panel, size_t i)
{
    if (format == PHIAL_CACHE_Q8)
        return ((const int8_t *)panel)[i];
    if (format == PHIAL_CACHE_F16)
        return ph_half(((const uint16_t *)panel)[i]);
    return ((const float *)panel)[i];
}

/* Multiplies n rows, which have a column per token of a page, by the scales of
 * the tokens, if there are any. */
static inline void ph_scale_tokens(const ph_cache_view *cache,
                                   const void *panel, float rows[][PH_PAGE],
                                   uint32_t n)
{
    const float *scales = ph_cache_scales(panel, cache->head_dim);

    if (cache->format != PHIAL_CACHE_Q8)
        return;
    for (uint32_t i = 0; i < n; i++)
        for (int j = 0; j < PH_PAGE; j++)
            rows[i][j] *= scales[j];
}

#endif /* PH_CACHE_READ_H */
