/* SPDX-License-Identifier: MIT
 * The metadata entries: keys, types and values, which are checked whole but
 * left where they lie. */
#include "formats/gguf_file.h"

static const struct {
    const char *name;
    size_t size; /* 0: not fixed */
} types[] = {
    [PH_GGUF_U8] = {"u8", 1},         [PH_GGUF_I8] = {"i8", 1},
    [PH_GGUF_U16] = {"u16", 2},       [PH_GGUF_I16] = {"i16", 2},
    [PH_GGUF_U32] = {"u32", 4},       [PH_GGUF_I32] = {"i32", 4},
    [PH_GGUF_F32] = {"f32", 4},       [PH_GGUF_BOOL] = {"bool", 1},
    [PH_GGUF_STRING] = {"string", 0}, [PH_GGUF_ARRAY] = {"array", 0},
    [PH_GGUF_U64] = {"u64", 8},       [PH_GGUF_I64] = {"i64", 8},
    [PH_GGUF_F64] = {"f64", 8},
};

enum { N_TYPES = sizeof types / sizeof *types };

size_t ph_gguf_type_size(ph_gguf_type type)
{
    return types[type].size;
}

const char *ph_gguf_type_name(ph_gguf_type type)
{
    return types[type].name;
}

static phial_status read_type(ph_gguf_reader *r, const char *what,
                              ph_gguf_type *out)
{
    uint32_t type;

    PH_TRY(ph_reader_u32(r, what, &type));
    if (type >= N_TYPES)
        return ph_reader_fail(r, PHIAL_E_FORMAT, r->at - 4,
                              "%s is %u, expected 0 to %d", what, type,
                              N_TYPES - 1);
    *out = (ph_gguf_type)type;
    return PHIAL_OK;
}

static phial_status check_bools(ph_gguf_reader *r, const ph_entry_slot *slot)
{
    const uint8_t *p = r->shard->meta + slot->data_at;

    for (size_t i = 0; i < slot->entry.data.len; i++) {
        if (p[i] > 1)
            return ph_reader_fail(r, PHIAL_E_FORMAT, slot->data_at + i,
                                  "a bool is %u, expected 0 or 1", p[i]);
    }
    return PHIAL_OK;
}

/* n bytes of numbers. */
static phial_status read_numbers(ph_gguf_reader *r, uint64_t n,
                                 ph_gguf_type type, ph_entry_slot *slot)
{
    PH_TRY(ph_reader_need(r, n, "the value"));
    slot->data_at = r->at;
    slot->entry.data.len = (size_t)n;
    r->at += (size_t)n;
    return type == PH_GGUF_BOOL ? check_bools(r, slot) : PHIAL_OK;
}

static phial_status read_strings(ph_gguf_reader *r, ph_entry_slot *slot)
{
    size_t start, len;

    slot->data_at = r->at;
    for (uint64_t i = 0; i < slot->entry.count; i++)
        PH_TRY(ph_reader_string(r, "a string of the array", PH_GGUF_MAX_STRING,
                                &start, &len));
    slot->entry.data.len = r->at - slot->data_at;
    return PHIAL_OK;
}

static phial_status read_array(ph_gguf_reader *r, ph_entry_slot *slot)
{
    ph_gguf_entry *entry = &slot->entry;
    uint64_t least;

    PH_TRY(read_type(r, "the type of the array's elements", &entry->elem));
    if (entry->elem == PH_GGUF_ARRAY)
        return ph_reader_fail(r, PHIAL_E_UNSUPPORTED, r->at - 4,
                              "the array holds arrays, which the limits do "
                              "not allow");
    PH_TRY(ph_reader_u64(r, "the number of elements", &entry->count));
    least = entry->elem == PH_GGUF_STRING ? 8 : types[entry->elem].size;
    if (entry->count > ph_reader_left(r) / least)
        return ph_reader_fail(r, PHIAL_E_FORMAT, r->at - 8,
                              "the array has %llu elements of type %s, but "
                              "only %llu bytes follow; the file is truncated "
                              "or damaged",
                              (unsigned long long)entry->count,
                              types[entry->elem].name,
                              (unsigned long long)ph_reader_left(r));
    if (entry->count > PH_GGUF_MAX_ELEMENTS)
        return ph_reader_fail(r, PHIAL_E_UNSUPPORTED, r->at - 8,
                              "the array has %llu elements, the limit is %llu",
                              (unsigned long long)entry->count,
                              (unsigned long long)PH_GGUF_MAX_ELEMENTS);
    if (entry->elem == PH_GGUF_STRING)
        return read_strings(r, slot);
    return read_numbers(r, entry->count * least, entry->elem, slot);
}

static phial_status read_value(ph_gguf_reader *r, ph_entry_slot *slot)
{
    switch (slot->entry.type) {
    case PH_GGUF_STRING:
        return ph_reader_string(r, "the string", PH_GGUF_MAX_STRING,
                                &slot->data_at, &slot->entry.data.len);
    case PH_GGUF_ARRAY:
        return read_array(r, slot);
    default:
        return read_numbers(r, types[slot->entry.type].size, slot->entry.type,
                            slot);
    }
}

phial_status ph_gguf_read_entries(ph_gguf_reader *r, ph_entry_slot *slots)
{
    for (uint64_t i = 0; i < r->n_entries; i++) {
        ph_entry_slot *slot = &slots[i];

        ph_reader_item(r, "metadata entry", i);
        PH_TRY(ph_reader_string(r, "the key", PH_GGUF_MAX_KEY, &slot->key_at,
                                &slot->entry.key.len));
        if (slot->entry.key.len == 0)
            return ph_reader_fail(r, PHIAL_E_FORMAT, r->at - 8,
                                  "the key is empty");
        ph_reader_item(r, "metadata key", i);
        ph_reader_named(r, slot->key_at, slot->entry.key.len);
        PH_TRY(read_type(r, "the type of the value", &slot->entry.type));
        PH_TRY(read_value(r, slot));
    }
    return PHIAL_OK;
}
