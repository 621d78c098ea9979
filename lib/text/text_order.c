/* SPDX-License-Identifier: MIT */
#include "text/text.h"

int ph_str_compare(ph_str a, ph_str b)
{
    const size_t n = ph_min(a.len, b.len);
    const int order = n ? memcmp(a.data, b.data, n) : 0;

    return order ? order : (a.len > b.len) - (a.len < b.len);
}
