/* SPDX-License-Identifier: MIT
 * Growing buffers of bytes and tokens, and the output-buffer rule. */
#include "base/base.h"

#include <stdarg.h>
#include <stdio.h>

/* Room for at least need elements: the next power-of-two-like capacity. */
static phial_status grow(const ph_heap *heap, void **data, size_t *cap,
                         size_t need, size_t size)
{
    size_t next = *cap + *cap / 2 + 16;
    void *ptr;

    if (need <= *cap)
        return PHIAL_OK;
    if (next < need)
        next = need;
    ptr = ph_realloc(heap, *data, next, size);
    if (!ptr)
        return ph_no_memory("a growing buffer", next);
    *data = ptr;
    *cap = next;
    return PHIAL_OK;
}

static phial_status buf_reserve(ph_buf *buf, size_t more)
{
    size_t need;
    void *data = buf->data;

    if (!ph_add(buf->len, more, &need) || !ph_add(need, 1, &need))
        return ph_no_memory("a growing buffer", more);
    PH_TRY(grow(buf->heap, &data, &buf->cap, need, 1));
    buf->data = data;
    return PHIAL_OK;
}

phial_status ph_buf_put(ph_buf *buf, const void *data, size_t len)
{
    PH_TRY(buf_reserve(buf, len));
    if (len)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = 0;
    return PHIAL_OK;
}

phial_status ph_buf_puts(ph_buf *buf, const char *c_string)
{
    return ph_buf_put(buf, c_string, strlen(c_string));
}

phial_status ph_buf_printf(ph_buf *buf, const char *format, ...)
{
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0)
        return ph_fail(PHIAL_E_INTERNAL, "cannot format \"%s\"", format);
    PH_TRY(buf_reserve(buf, (size_t)len));
    va_start(args, format);
    vsnprintf(buf->data + buf->len, (size_t)len + 1, format, args);
    va_end(args);
    buf->len += (size_t)len;
    return PHIAL_OK;
}

void ph_buf_free(ph_buf *buf)
{
    ph_free(buf->heap, buf->data);
    *buf = (ph_buf){.heap = buf->heap};
}

phial_status ph_tokens_reserve(ph_tokens *tokens, size_t more)
{
    size_t need;
    void *data = tokens->data;

    if (!ph_add(tokens->len, more, &need))
        return ph_no_memory("a growing buffer", more);
    PH_TRY(grow(tokens->heap, &data, &tokens->cap, need, sizeof *tokens->data));
    tokens->data = data;
    return PHIAL_OK;
}

phial_status ph_tokens_put(ph_tokens *tokens, phial_token token)
{
    return ph_tokens_append(tokens, &token, 1);
}

phial_status ph_tokens_append(ph_tokens *tokens, const phial_token *data,
                              size_t n)
{
    PH_TRY(ph_tokens_reserve(tokens, n));
    if (n)
        memcpy(tokens->data + tokens->len, data, n * sizeof *data);
    tokens->len += n;
    return PHIAL_OK;
}

void ph_tokens_free(ph_tokens *tokens)
{
    ph_free(tokens->heap, tokens->data);
    *tokens = (ph_tokens){.heap = tokens->heap};
}

phial_status ph_give(const void *src, size_t count, size_t size, void *buf,
                     size_t cap, size_t *n)
{
    *n = count;
    if (count > cap)
        return ph_fail(PHIAL_E_BUFFER, "the buffer holds %zu, needed are %zu",
                       cap, count);
    if (count)
        memcpy(buf, src, count * size);
    return PHIAL_OK;
}
