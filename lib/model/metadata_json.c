/* SPDX-License-Identifier: MIT
 * A model file's metadata as JSON. Text in it is anybody's: it is made valid
 * UTF-8 before it goes on. */
#include "model/describe.h"

#include "text/text.h"

#include <math.h>

static const char *const type_names[] = {
    "u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
    "bool", "string", "array", "u64", "i64", "f64"};

static phial_status put_valid(ph_str text, ph_buf *out)
{
    for (size_t i = 0; i < text.len;) {
        uint32_t code_point;
        char bytes[4];
        const size_t n = ph_utf8_next(text.data + i, text.len - i, &code_point);

        PH_TRY(ph_buf_put(out, bytes, ph_utf8_put(code_point, bytes)));
        i += n;
    }
    return PHIAL_OK;
}

json_t *ph_json_text(const ph_heap *heap, ph_str text)
{
    ph_buf valid = {.heap = heap};
    json_t *json = NULL;

    if (ph_utf8_valid(text.data, text.len))
        return json_stringn(text.data, text.len);
    if (put_valid(text, &valid) == PHIAL_OK)
        json = json_stringn(valid.data, valid.len);
    ph_buf_free(&valid);
    return json;
}

double ph_json_round(float f)
{
    static const double tens[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6, 1e7,
                                  1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14};
    const int n = (int)(sizeof tens / sizeof *tens);

    for (int k = 1 - n; k < n; k++) {
        const double d =
            k < 0 ? rint(f / tens[-k]) * tens[-k] : rint(f * tens[k]) / tens[k];

        if ((float)d == f)
            return d;
    }
    return f;
}

static json_t *real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *scalar(const ph_gguf_entry *entry)
{
    const uint8_t *p = (const uint8_t *)entry->data.data;
    uint32_t u32;
    uint64_t u64;
    float f;
    double d;

    switch (entry->type) {
    case PH_GGUF_U8:
        return json_integer(*p);
    case PH_GGUF_I8:
        return json_integer((int8_t)*p);
    case PH_GGUF_U16:
        return json_integer(ph_le16(p));
    case PH_GGUF_I16:
        return json_integer((int16_t)ph_le16(p));
    case PH_GGUF_U32:
        return json_integer(ph_le32(p));
    case PH_GGUF_I32:
        return json_integer((int32_t)ph_le32(p));
    case PH_GGUF_F32:
        u32 = ph_le32(p);
        memcpy(&f, &u32, sizeof f);
        return real(ph_json_round(f));
    case PH_GGUF_BOOL:
        return json_boolean(*p);
    case PH_GGUF_U64:
        u64 = ph_le64(p);
        return u64 <= INT64_MAX ? json_integer((json_int_t)u64)
                                : real((double)u64);
    case PH_GGUF_I64:
        return json_integer((json_int_t)ph_le64(p));
    case PH_GGUF_F64:
        u64 = ph_le64(p);
        memcpy(&d, &u64, sizeof d);
        return real(d);
    default:
        return json_null();
    }
}

static json_t *value(const ph_heap *heap, const ph_gguf_entry *entry)
{
    if (entry->type == PH_GGUF_STRING)
        return ph_json_text(heap, entry->data);
    if (entry->type == PH_GGUF_ARRAY)
        return json_pack("{s:s, s:I}", "array", type_names[entry->elem],
                         "count", (json_int_t)entry->count);
    return scalar(entry);
}

/* jansson wants the key NUL-terminated, as ph_buf keeps it. */
static bool put_entry(const ph_heap *heap, const ph_gguf_entry *entry,
                      json_t *object)
{
    ph_buf key = {.heap = heap};
    const bool ok =
        ph_buf_put(&key, "", 0) == PHIAL_OK &&
        put_valid(entry->key, &key) == PHIAL_OK && key.data &&
        json_object_set_new(object, key.data, value(heap, entry)) == 0;

    ph_buf_free(&key);
    return ok;
}

json_t *ph_json_metadata(const ph_heap *heap, const ph_gguf *gguf)
{
    json_t *object = json_object();

    for (size_t i = 0; object && i < ph_gguf_n_entries(gguf); i++) {
        const ph_gguf_entry *entry = ph_gguf_entry_at(gguf, i);

        if (ph_str_is(entry->key, "tokenizer.chat_template"))
            continue; /* it has its own place */
        if (!put_entry(heap, entry, object)) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}
