/* SPDX-License-Identifier: MIT
 * Where keys and values lie in a page, and in what type. */
#include "kernels/kernels.h"

size_t ph_cache_panel_bytes(int32_t format, uint32_t head_dim)
{
    const size_t elements = (size_t)PH_PAGE * head_dim;

    switch (format) {
    case PHIAL_CACHE_Q8:
        return elements + PH_PAGE * sizeof(float);
    case PHIAL_CACHE_F16:
        return elements * 2;
    default:
        return elements * sizeof(float);
    }
}
