/* SPDX-License-Identifier: MIT
 * Heapsort (Williams 1964): O(n log n) for every input, in place, so that no
 * file can choose names that make it slow. */
#include "formats/gguf_file.h"

static void sift_down(uint32_t *a, size_t root, size_t n,
                      ph_index_compare compare, const void *context)
{
    uint32_t moved = a[root];

    for (;;) {
        size_t child = 2 * root + 1;

        if (child >= n)
            break;
        if (child + 1 < n && compare(context, a[child], a[child + 1]) < 0)
            child++;
        if (compare(context, moved, a[child]) >= 0)
            break;
        a[root] = a[child];
        root = child;
    }
    a[root] = moved;
}

void ph_sort_indices(uint32_t *indices, size_t n, ph_index_compare compare,
                     const void *context)
{
    for (size_t i = n / 2; i-- > 0;)
        sift_down(indices, i, n, compare, context);
    for (size_t end = n; end-- > 1;) {
        uint32_t largest = indices[0];

        indices[0] = indices[end];
        indices[end] = largest;
        sift_down(indices, 0, end, compare, context);
    }
}
