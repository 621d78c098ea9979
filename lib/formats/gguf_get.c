/* SPDX-License-Identifier: MIT
 * Metadata values as the type that the caller needs, or a sentence that says
 * why not. */
#include "formats/gguf_file.h"

#include <float.h>
#include <math.h>

static phial_status absent(const ph_gguf *gguf, const char *key)
{
    return ph_fail(PHIAL_E_FORMAT, "%s: metadata key \"%s\" is missing",
                   ph_show_path(ph_gguf_path(gguf)).text, key);
}

static phial_status unfit(const ph_gguf *gguf, const ph_gguf_entry *entry,
                          const char *expected)
{
    const char *of = entry->type == PH_GGUF_ARRAY ? " of " : "";
    const char *elem =
        entry->type == PH_GGUF_ARRAY ? ph_gguf_type_name(entry->elem) : "";

    return ph_fail(
        PHIAL_E_FORMAT,
        "%s: offset %zu: metadata key \"%s\" is of type %s%s%s, "
        "expected %s",
        ph_show_path(ph_gguf_path(gguf)).text,
        (size_t)(entry->key.data - (const char *)gguf->shards[0].meta),
        ph_show(entry->key).text, ph_gguf_type_name(entry->type), of, elem,
        expected);
}

/* The value of an integer of any width as sign and magnitude; false if it is
 * none. */
static bool integer_of(const ph_gguf_entry *entry, bool *negative,
                       uint64_t *magnitude)
{
    const char *p = entry->data.data;
    int64_t v = 0;

    *negative = false;
    switch (entry->type) {
    case PH_GGUF_U8:
        *magnitude = (uint8_t)*p;
        return true;
    case PH_GGUF_U16:
        *magnitude = ph_le16(p);
        return true;
    case PH_GGUF_U32:
        *magnitude = ph_le32(p);
        return true;
    case PH_GGUF_U64:
        *magnitude = ph_le64(p);
        return true;
    case PH_GGUF_I8:
        v = (int8_t)*p;
        break;
    case PH_GGUF_I16:
        v = (int16_t)ph_le16(p);
        break;
    case PH_GGUF_I32:
        v = (int32_t)ph_le32(p);
        break;
    case PH_GGUF_I64:
        v = (int64_t)ph_le64(p);
        break;
    default:
        return false;
    }
    *negative = v < 0;
    *magnitude = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    return true;
}

phial_status ph_gguf_u32(const ph_gguf *gguf, const char *key,
                         const uint32_t *fallback, uint32_t *out)
{
    const ph_gguf_entry *entry = ph_gguf_find(gguf, key);
    bool negative;
    uint64_t magnitude;

    if (!entry) {
        if (!fallback)
            return absent(gguf, key);
        *out = *fallback;
        return PHIAL_OK;
    }
    if (!integer_of(entry, &negative, &magnitude))
        return unfit(gguf, entry, "an integer");
    if (negative || magnitude > UINT32_MAX)
        return ph_fail(PHIAL_E_FORMAT,
                       "%s: metadata key \"%s\" is %s%llu, expected 0 to %lu",
                       ph_show_path(ph_gguf_path(gguf)).text, key,
                       negative ? "-" : "", (unsigned long long)magnitude,
                       (unsigned long)UINT32_MAX);
    *out = (uint32_t)magnitude;
    return PHIAL_OK;
}

/* Infinity and NaN are passed on; what only becomes infinite is refused. */
static phial_status narrow(const ph_gguf *gguf, const char *key, uint64_t bits,
                           float *out)
{
    double value;

    memcpy(&value, &bits, sizeof value);
    if (isfinite(value) && fabs(value) > (double)FLT_MAX)
        return ph_fail(PHIAL_E_FORMAT,
                       "%s: metadata key \"%s\" is an f64 beyond the range of "
                       "f32",
                       ph_show_path(ph_gguf_path(gguf)).text, key);
    *out = (float)value;
    return PHIAL_OK;
}

phial_status ph_gguf_f32(const ph_gguf *gguf, const char *key,
                         const float *fallback, float *out)
{
    const ph_gguf_entry *entry = ph_gguf_find(gguf, key);
    uint32_t bits;

    if (!entry) {
        if (!fallback)
            return absent(gguf, key);
        *out = *fallback;
    } else if (entry->type == PH_GGUF_F32) {
        bits = ph_le32(entry->data.data);
        memcpy(out, &bits, sizeof bits);
    } else if (entry->type == PH_GGUF_F64) {
        return narrow(gguf, key, ph_le64(entry->data.data), out);
    } else {
        return unfit(gguf, entry, "f32 or f64");
    }
    return PHIAL_OK;
}

phial_status ph_gguf_bool(const ph_gguf *gguf, const char *key,
                          const bool *fallback, bool *out)
{
    const ph_gguf_entry *entry = ph_gguf_find(gguf, key);

    if (!entry && !fallback)
        return absent(gguf, key);
    if (entry && entry->type != PH_GGUF_BOOL)
        return unfit(gguf, entry, "bool");
    *out = entry ? entry->data.data[0] != 0 : *fallback;
    return PHIAL_OK;
}

phial_status ph_gguf_str(const ph_gguf *gguf, const char *key,
                         const ph_str *fallback, ph_str *out)
{
    const ph_gguf_entry *entry = ph_gguf_find(gguf, key);

    if (!entry && !fallback)
        return absent(gguf, key);
    if (entry && entry->type != PH_GGUF_STRING)
        return unfit(gguf, entry, "string");
    *out = entry ? entry->data : *fallback;
    return PHIAL_OK;
}

phial_status ph_gguf_array(const ph_gguf *gguf, const char *key,
                           ph_gguf_type elem, const ph_gguf_entry **out)
{
    const ph_gguf_entry *entry = ph_gguf_find(gguf, key);

    if (!entry)
        return absent(gguf, key);
    if (entry->type != PH_GGUF_ARRAY || entry->elem != elem) {
        char expected[32] = "array of ";

        strncat(expected, ph_gguf_type_name(elem), 16);
        return unfit(gguf, entry, expected);
    }
    *out = entry;
    return PHIAL_OK;
}
