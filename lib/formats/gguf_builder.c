/* SPDX-License-Identifier: MIT
 * Building: each record as ggml docs/gguf.md has it, version 3. */
#include "formats/formats.h"

void ph_builder_init(ph_gguf_builder *b, const ph_heap *heap)
{
    *b = (ph_gguf_builder){.entries.heap = heap, .tensors.heap = heap};
}

void ph_builder_free(ph_gguf_builder *b)
{
    ph_buf_free(&b->entries);
    ph_buf_free(&b->tensors);
}

static phial_status put_u32(ph_buf *buf, uint32_t value)
{
    uint8_t bytes[4];

    ph_put_le32(bytes, value);
    return ph_buf_put(buf, bytes, sizeof bytes);
}

static phial_status put_u64(ph_buf *buf, uint64_t value)
{
    uint8_t bytes[8];

    ph_put_le64(bytes, value);
    return ph_buf_put(buf, bytes, sizeof bytes);
}

static phial_status put_string(ph_buf *buf, ph_str s)
{
    PH_TRY(put_u64(buf, s.len));
    return ph_buf_put(buf, s.data, s.len);
}

static phial_status put_key(ph_gguf_builder *b, ph_str key, ph_gguf_type type)
{
    PH_TRY(put_string(&b->entries, key));
    PH_TRY(put_u32(&b->entries, type));
    b->n_entries++;
    return PHIAL_OK;
}

static phial_status begin_entry(ph_gguf_builder *b, const char *key,
                                ph_gguf_type type)
{
    return put_key(b, ph_str_of(key), type);
}

phial_status ph_builder_u32(ph_gguf_builder *b, const char *key, uint32_t value)
{
    PH_TRY(begin_entry(b, key, PH_GGUF_U32));
    return put_u32(&b->entries, value);
}

phial_status ph_builder_f32(ph_gguf_builder *b, const char *key, float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    PH_TRY(begin_entry(b, key, PH_GGUF_F32));
    return put_u32(&b->entries, bits);
}

phial_status ph_builder_bool(ph_gguf_builder *b, const char *key, bool value)
{
    const uint8_t byte = value;

    PH_TRY(begin_entry(b, key, PH_GGUF_BOOL));
    return ph_buf_put(&b->entries, &byte, 1);
}

phial_status ph_builder_str(ph_gguf_builder *b, const char *key, ph_str value)
{
    PH_TRY(begin_entry(b, key, PH_GGUF_STRING));
    return put_string(&b->entries, value);
}

phial_status ph_builder_array(ph_gguf_builder *b, const char *key,
                              ph_gguf_type elem, uint64_t count)
{
    PH_TRY(begin_entry(b, key, PH_GGUF_ARRAY));
    PH_TRY(put_u32(&b->entries, elem));
    return put_u64(&b->entries, count);
}

phial_status ph_builder_element(ph_gguf_builder *b, ph_str value)
{
    return put_string(&b->entries, value);
}

phial_status ph_builder_entry(ph_gguf_builder *b, const ph_gguf_entry *entry)
{
    PH_TRY(put_key(b, entry->key, entry->type));
    if (entry->type == PH_GGUF_STRING)
        return put_string(&b->entries, entry->data);
    if (entry->type == PH_GGUF_ARRAY) {
        PH_TRY(put_u32(&b->entries, entry->elem));
        PH_TRY(put_u64(&b->entries, entry->count));
    }
    return ph_buf_put(&b->entries, entry->data.data, entry->data.len);
}

phial_status ph_builder_tensor(ph_gguf_builder *b, ph_str name, uint32_t type,
                               uint32_t n_dims, const uint64_t *dims,
                               uint64_t offset)
{
    PH_TRY(put_string(&b->tensors, name));
    PH_TRY(put_u32(&b->tensors, n_dims));
    for (uint32_t i = 0; i < n_dims; i++)
        PH_TRY(put_u64(&b->tensors, dims[i]));
    PH_TRY(put_u32(&b->tensors, type));
    PH_TRY(put_u64(&b->tensors, offset));
    b->n_tensors++;
    return PHIAL_OK;
}

phial_status ph_builder_finish(const ph_gguf_builder *b, ph_buf *out)
{
    PH_TRY(ph_buf_put(out, "GGUF", 4));
    PH_TRY(put_u32(out, 3));
    PH_TRY(put_u64(out, b->n_tensors));
    PH_TRY(put_u64(out, b->n_entries));
    PH_TRY(ph_buf_put(out, b->entries.data, b->entries.len));
    return ph_buf_put(out, b->tensors.data, b->tensors.len);
}
