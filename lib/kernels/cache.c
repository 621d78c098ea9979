/* SPDX-License-Identifier: MIT
 * Where keys and values lie in a page, and in what type. */
#include "kernels/kernels.h"

size_t ph_cache_panel_bytes(int32_t format, uint32_t head_dim)
{
    size_t elem_bytes = format == PHIAL_CACHE_F16 ? 2 : 4;

    return (size_t)PH_PAGE * head_dim * elem_bytes;
}
