/* SPDX-License-Identifier: MIT
 * Attention for NEON. */
#include "kernels/vec_neon.h"

#include "kernels/attention_tiled.h"
#include "kernels/tier.h"

void ph_attend_neon(const ph_cache_view *cache, const ph_queries *queries)
{
    attend(cache, queries);
}
