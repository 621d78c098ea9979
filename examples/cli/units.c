/* SPDX-License-Identifier: MIT
 * Sizes and counts with three digits or so. */
#include "units.h"

#include <stdio.h>

void units_bytes(char *buf, size_t cap, uint64_t bytes)
{
    static const char *const names[] = {"KiB", "MiB", "GiB", "TiB"};
    double x = (double)bytes / 1024;
    int i = 0;

    if (bytes < 1024) {
        snprintf(buf, cap, "%u bytes", (unsigned)bytes);
        return;
    }
    while (x >= 1024 && i < 3) {
        x /= 1024;
        i++;
    }
    snprintf(buf, cap, "%.*f %s", x < 100 ? 1 : 0, x, names[i]);
}

void units_count(char *buf, size_t cap, uint64_t n)
{
    double x = (double)n;

    if (n >= 1000000000)
        snprintf(buf, cap, "%.1f billion", x / 1e9);
    else if (n >= 1000000)
        snprintf(buf, cap, "%.1f million", x / 1e6);
    else if (n >= 10000)
        snprintf(buf, cap, "%.0f thousand", x / 1e3);
    else
        snprintf(buf, cap, "%u", (unsigned)n);
}
