/* SPDX-License-Identifier: MIT
 * Growing bytes for the GGUF writer. The host is taken to be little-endian, as
 * every one that runs the tests is. */
#include "gguf_bytes.h"

#include <stdio.h>
#include <stdlib.h>

void *support_must(void *ptr)
{
    if (!ptr) {
        perror("gguf_writer");
        exit(2);
    }
    return ptr;
}

void bytes_put(bytes *b, const void *data, size_t n)
{
    if (b->cap - b->len < n) {
        b->cap = b->len + n + b->cap / 2 + 16;
        b->data = support_must(realloc(b->data, b->cap));
    }
    if (n && data)
        memcpy(b->data + b->len, data, n);
    else if (n)
        memset(b->data + b->len, 0, n);
    b->len += n;
}

void bytes_put_u32(bytes *b, uint32_t v)
{
    bytes_put(b, &v, sizeof v);
}

void bytes_put_u64(bytes *b, uint64_t v)
{
    bytes_put(b, &v, sizeof v);
}

void bytes_put_string(bytes *b, const void *data, size_t n)
{
    bytes_put_u64(b, n);
    bytes_put(b, data, n);
}

void bytes_pad(bytes *b, size_t alignment)
{
    bytes_put(b, NULL, (alignment - b->len % alignment) % alignment);
}

bool bytes_are(const bytes *b, const char *c_string)
{
    return ph_str_is((ph_str){(const char *)b->data, b->len}, c_string);
}
