/* SPDX-License-Identifier: MIT
 * base.h - what every module may use: status with a message, checked sizes,
 * the heap, growing buffers, log lines and little-endian numbers. */
#ifndef PH_BASE_H
#define PH_BASE_H

#include <phial/phial.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__)
#define PH_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define PH_PRINTF(fmt, args)
#endif

/* Returns from the calling function when the expression is an error. */
#define PH_TRY(expr)                                                           \
    do {                                                                       \
        phial_status ph_try_ = (expr);                                         \
        if (ph_try_ < 0)                                                       \
            return ph_try_;                                                    \
    } while (0)

/* ---- Status ------------------------------------------------------------ */

/* Stores one English sentence for the calling thread and returns status. The
 * sentence says what failed, where, and what was expected; it is cut at 511
 * bytes. Bytes of it that came from a file are not made printable here. */
phial_status ph_fail(phial_status status, const char *format, ...)
    PH_PRINTF(2, 3);

/* The same for an allocation of size bytes that failed. */
phial_status ph_no_memory(const char *what, size_t size);

const char *ph_error_text(void);

/* A status with its sentence, kept for later or for another thread. */
enum { PH_ERROR_BYTES = 512 };

typedef struct ph_failure {
    phial_status status;
    char text[PH_ERROR_BYTES];
} ph_failure;

/* Keeps status and, if it is an error, this thread's sentence. */
void ph_failure_keep(ph_failure *failure, phial_status status);

/* Makes it this thread's error again; returns its status. */
phial_status ph_failure_raise(const ph_failure *failure);
const char *ph_status_name(phial_status status);

/* ---- Sizes ------------------------------------------------------------- */

static inline size_t ph_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* *out = a * b or a + b; false, and *out untouched, if that overflows. */
bool ph_mul(size_t a, size_t b, size_t *out);
bool ph_add(size_t a, size_t b, size_t *out);
bool ph_mul64(uint64_t a, uint64_t b, uint64_t *out);
bool ph_add64(uint64_t a, uint64_t b, uint64_t *out);

/* ---- Heap -------------------------------------------------------------- */

/* Where memory comes from. Everything a model and its sessions allocate goes
 * through one heap; the hooks get size and alignment back on free. */
typedef struct ph_heap {
    phial_alloc_fn alloc;
    phial_free_fn free;
    void *user;
} ph_heap;

/* The C library's heap. */
extern const ph_heap ph_libc_heap;

/* count * size zeroed bytes, aligned for any type; NULL on overflow or when
 * the heap has none. count or size may be 0: the result is then not NULL. */
void *ph_alloc(const ph_heap *heap, size_t count, size_t size);

/* size bytes, not zeroed, aligned to 64. */
void *ph_alloc_raw(const ph_heap *heap, size_t size);

/* Grows or shrinks to count * size bytes and keeps the contents; new bytes are
 * not zeroed. On failure NULL, and old stays valid. */
void *ph_realloc(const ph_heap *heap, void *old, size_t count, size_t size);

/* NULL is accepted. */
void ph_free(const ph_heap *heap, void *ptr);

/* ---- Strings and buffers ----------------------------------------------- */

/* Borrowed bytes, not NUL-terminated. */
typedef struct ph_str {
    const char *data;
    size_t len;
} ph_str;

#define PH_STR(literal) ((ph_str){(literal), sizeof(literal) - 1})

ph_str ph_str_of(const char *c_string);
bool ph_str_eq(ph_str a, ph_str b);
bool ph_str_is(ph_str a, const char *c_string);

/* Bytes from outside made fit for a message: control characters, characters
 * that reorder text, and bytes that are not UTF-8 appear as \xNN, and what is
 * longer than PH_SHOWN_MAX is cut, a path at its beginning. Used in place, as
 * in ph_fail(status, "key \"%s\"", ph_show(key).text): the text is gone at the
 * end of the statement. */
enum { PH_SHOWN_MAX = 120 };

typedef struct ph_shown {
    char text[PH_SHOWN_MAX + 4];
} ph_shown;

ph_shown ph_show(ph_str text);
ph_shown ph_show_path(const char *path);

/* A 64-bit hash for tables; not for untrusted bulk keys without a limit on
 * their number. */
uint64_t ph_hash(const void *data, size_t len);

/* XXH64, a published hash with the same value on every machine: finds damage
 * at the speed of memory, and no forgery. */
uint64_t ph_xxh64(const void *data, size_t len, uint64_t seed);

/* A growing byte buffer; always NUL-terminated once something was put. */
typedef struct ph_buf {
    const ph_heap *heap;
    char *data;
    size_t len;
    size_t cap;
} ph_buf;

/* A growing vector of tokens. */
typedef struct ph_tokens {
    const ph_heap *heap;
    phial_token *data;
    size_t len;
    size_t cap;
} ph_tokens;

phial_status ph_buf_put(ph_buf *buf, const void *data, size_t len);
phial_status ph_buf_puts(ph_buf *buf, const char *c_string);
phial_status ph_buf_printf(ph_buf *buf, const char *format, ...)
    PH_PRINTF(2, 3);
void ph_buf_free(ph_buf *buf);

phial_status ph_tokens_reserve(ph_tokens *tokens, size_t more);
phial_status ph_tokens_put(ph_tokens *tokens, phial_token token);
phial_status ph_tokens_append(ph_tokens *tokens, const phial_token *data,
                              size_t n);
void ph_tokens_free(ph_tokens *tokens);

/* The (buf, cap, *n) rule of phial.h for count elements of size bytes. */
phial_status ph_give(const void *src, size_t count, size_t size, void *buf,
                     size_t cap, size_t *n);

/* ---- Log --------------------------------------------------------------- */

typedef struct ph_log {
    phial_log_fn fn;
    void *user;
    int32_t level;
} ph_log;

/* Formats one line and hands it to the hook; does nothing without a hook or
 * above its level. log may be NULL. */
void ph_log_line(const ph_log *log, int32_t level, const char *format, ...)
    PH_PRINTF(3, 4);

/* ---- Bytes ------------------------------------------------------------- */

uint16_t ph_le16(const void *p);
uint32_t ph_le32(const void *p);
uint64_t ph_le64(const void *p);
void ph_put_le32(void *p, uint32_t value);
void ph_put_le64(void *p, uint64_t value);

/* IEEE binary16 and bfloat16. Widening is exact; narrowing rounds to nearest,
 * ties to even. */
float ph_f16_to_f32(uint16_t h);
uint16_t ph_f32_to_f16(float f);
float ph_bf16_to_f32(uint16_t h);

#endif /* PH_BASE_H */
