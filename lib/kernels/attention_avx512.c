/* SPDX-License-Identifier: MIT
 * Attention for AVX-512. */
#include "kernels/vec_avx512.h"

#include "kernels/attention_tiled.h"
#include "kernels/tier.h"

void ph_attend_avx512(const ph_cache_view *cache, const ph_queries *queries)
{
    attend(cache, queries);
}
