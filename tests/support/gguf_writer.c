/* SPDX-License-Identifier: MIT
 * What a GGUF file for a test is built from: metadata and tensors. */
#include "gguf_bytes.h"

#include <stdlib.h>

gguf_writer *gguf_writer_new(void)
{
    gguf_writer *w = support_must(calloc(1, sizeof *w));

    w->version = 3;
    w->alignment = 32;
    return w;
}

static void free_kv(kv *e)
{
    free(e->key.data);
    free(e->value.data);
}

static void free_tensor(tensor *t)
{
    free(t->name.data);
    free(t->data.data);
}

void gguf_writer_free(gguf_writer *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < w->n_kvs; i++)
        free_kv(&w->kvs[i]);
    for (size_t i = 0; i < w->n_tensors; i++)
        free_tensor(&w->tensors[i]);
    free(w->kvs);
    free(w->tensors);
    free(w);
}

void gguf_set_version(gguf_writer *w, uint32_t version)
{
    w->version = version;
}

void gguf_set_alignment(gguf_writer *w, uint32_t alignment)
{
    w->alignment = alignment;
    if (alignment == 32)
        gguf_remove_key(w, "general.alignment");
    else
        gguf_put_u32(w, "general.alignment", alignment);
}

/* ---- Metadata ---------------------------------------------------------- */

/* Doubles at each power of two, which is when n records are all there is room
 * for; anything less would make a file of 16384 tensors quadratic. */
static void *room_for_one(void *records, size_t n, size_t size)
{
    if (n & (n - 1))
        return records;
    return support_must(realloc(records, (n ? 2 * n : 1) * size));
}

void gguf_append_raw(gguf_writer *w, ph_str key, uint32_t type,
                     const void *data, size_t n)
{
    kv e = {.type = type};

    bytes_put(&e.key, key.data, key.len);
    bytes_put(&e.value, data, n);
    w->kvs = room_for_one(w->kvs, w->n_kvs, sizeof *w->kvs);
    w->kvs[w->n_kvs++] = e;
}

static void put_kv(gguf_writer *w, const char *key, ph_gguf_type type,
                   const void *data, size_t n)
{
    for (size_t i = 0; i < w->n_kvs; i++) {
        if (!bytes_are(&w->kvs[i].key, key))
            continue;
        w->kvs[i].type = type;
        w->kvs[i].value.len = 0;
        bytes_put(&w->kvs[i].value, data, n);
        return;
    }
    gguf_append_raw(w, ph_str_of(key), type, data, n);
}

void gguf_remove_key(gguf_writer *w, const char *key)
{
    for (size_t i = 0; i < w->n_kvs; i++) {
        if (!bytes_are(&w->kvs[i].key, key))
            continue;
        free_kv(&w->kvs[i]);
        w->n_kvs--;
        memmove(w->kvs + i, w->kvs + i + 1, (w->n_kvs - i) * sizeof *w->kvs);
        return;
    }
}

void gguf_put_u8(gguf_writer *w, const char *key, uint8_t value)
{
    put_kv(w, key, PH_GGUF_U8, &value, sizeof value);
}

void gguf_put_i8(gguf_writer *w, const char *key, int8_t value)
{
    put_kv(w, key, PH_GGUF_I8, &value, sizeof value);
}

void gguf_put_u16(gguf_writer *w, const char *key, uint16_t value)
{
    put_kv(w, key, PH_GGUF_U16, &value, sizeof value);
}

void gguf_put_i16(gguf_writer *w, const char *key, int16_t value)
{
    put_kv(w, key, PH_GGUF_I16, &value, sizeof value);
}

void gguf_put_u32(gguf_writer *w, const char *key, uint32_t value)
{
    put_kv(w, key, PH_GGUF_U32, &value, sizeof value);
}

void gguf_put_i32(gguf_writer *w, const char *key, int32_t value)
{
    put_kv(w, key, PH_GGUF_I32, &value, sizeof value);
}

void gguf_put_u64(gguf_writer *w, const char *key, uint64_t value)
{
    put_kv(w, key, PH_GGUF_U64, &value, sizeof value);
}

void gguf_put_i64(gguf_writer *w, const char *key, int64_t value)
{
    put_kv(w, key, PH_GGUF_I64, &value, sizeof value);
}

void gguf_put_f32(gguf_writer *w, const char *key, float value)
{
    put_kv(w, key, PH_GGUF_F32, &value, sizeof value);
}

void gguf_put_f64(gguf_writer *w, const char *key, double value)
{
    put_kv(w, key, PH_GGUF_F64, &value, sizeof value);
}

void gguf_put_bool(gguf_writer *w, const char *key, bool value)
{
    put_kv(w, key, PH_GGUF_BOOL, &(uint8_t){value}, 1);
}

void gguf_put_str(gguf_writer *w, const char *key, const char *value)
{
    gguf_put_bytes(w, key, value, strlen(value));
}

void gguf_put_bytes(gguf_writer *w, const char *key, const void *data, size_t n)
{
    bytes b = {0};

    bytes_put_string(&b, data, n);
    put_kv(w, key, PH_GGUF_STRING, b.data, b.len);
    free(b.data);
}

void gguf_put_array(gguf_writer *w, const char *key, ph_gguf_type elem,
                    const void *data, size_t count)
{
    static const size_t sizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    bytes b = {0};

    bytes_put_u32(&b, elem);
    bytes_put_u64(&b, count);
    bytes_put(&b, data, count * sizes[elem]);
    put_kv(w, key, PH_GGUF_ARRAY, b.data, b.len);
    free(b.data);
}

void gguf_put_strings(gguf_writer *w, const char *key, const ph_str *strings,
                      size_t count)
{
    bytes b = {0};

    bytes_put_u32(&b, PH_GGUF_STRING);
    bytes_put_u64(&b, count);
    for (size_t i = 0; i < count; i++)
        bytes_put_string(&b, strings[i].data, strings[i].len);
    put_kv(w, key, PH_GGUF_ARRAY, b.data, b.len);
    free(b.data);
}

/* ---- Tensors ----------------------------------------------------------- */

void gguf_append_tensor(gguf_writer *w, ph_str name, uint32_t type,
                        const uint64_t *dims, uint32_t n_dims, const void *data,
                        size_t n)
{
    tensor t = {.type = type, .n_dims = n_dims};

    for (uint32_t i = 0; i < n_dims && i < 8; i++)
        t.dims[i] = dims[i];
    bytes_put(&t.name, name.data, name.len);
    bytes_put(&t.data, data, n);
    w->tensors = room_for_one(w->tensors, w->n_tensors, sizeof *w->tensors);
    w->tensors[w->n_tensors++] = t;
}

static size_t find_tensor(const gguf_writer *w, const char *name)
{
    size_t i = 0;

    while (i < w->n_tensors && !bytes_are(&w->tensors[i].name, name))
        i++;
    return i;
}

void gguf_put_tensor(gguf_writer *w, const char *name, uint32_t type,
                     const uint64_t *dims, uint32_t n_dims, const void *data)
{
    uint64_t elements = 1, n = 0;
    size_t at = find_tensor(w, name);
    tensor appended;

    for (uint32_t i = 0; i < n_dims; i++)
        elements *= dims[i];
    if (!ph_dtype_bytes((ph_dtype)type, elements, &n))
        n = 0;
    gguf_append_tensor(w, ph_str_of(name), type, dims, n_dims, data, (size_t)n);
    if (at == w->n_tensors - 1)
        return;
    appended = w->tensors[--w->n_tensors];
    free_tensor(&w->tensors[at]);
    w->tensors[at] = appended;
}

void gguf_remove_tensor(gguf_writer *w, const char *name)
{
    size_t at = find_tensor(w, name);

    if (at == w->n_tensors)
        return;
    free_tensor(&w->tensors[at]);
    w->n_tensors--;
    memmove(w->tensors + at, w->tensors + at + 1,
            (w->n_tensors - at) * sizeof *w->tensors);
}
