/* SPDX-License-Identifier: MIT
 * Attention for AVX2. */
#include "kernels/vec_avx2.h"

#include "kernels/attention_tiled.h"
#include "kernels/tier.h"

void ph_attend_avx2(const ph_cache_view *cache, const ph_queries *queries)
{
    attend(cache, queries);
}
