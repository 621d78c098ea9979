/* SPDX-License-Identifier: MIT
 * The table of tensors: names, shapes, types, and where the data lie. A type
 * that we do not run is no error here; whoever needs the tensor refuses it. */
#include "formats/gguf_file.h"

static phial_status read_dims(ph_gguf_reader *r, ph_gguf_tensor *t,
                              uint64_t *n_elements)
{
    uint64_t n = 1;

    PH_TRY(ph_reader_u32(r, "the number of dimensions", &t->n_dims));
    if (t->n_dims < 1 || t->n_dims > PH_GGUF_MAX_DIMS)
        return ph_reader_fail(r, PHIAL_E_FORMAT, r->at - 4,
                              "%u dimensions, expected 1 to %d", t->n_dims,
                              PH_GGUF_MAX_DIMS);
    for (uint32_t i = 0; i < PH_GGUF_MAX_DIMS; i++) {
        t->dims[i] = 1;
        if (i >= t->n_dims)
            continue;
        PH_TRY(ph_reader_u64(r, "a dimension", &t->dims[i]));
        if (t->dims[i] == 0)
            return ph_reader_fail(r, PHIAL_E_FORMAT, r->at - 8,
                                  "dimension %u is 0", i);
        if (!ph_mul64(n, t->dims[i], &n) || n > INT64_MAX)
            return ph_reader_fail(r, PHIAL_E_FORMAT, r->at - 8,
                                  "with dimension %u, %llu, the number of "
                                  "elements overflows 63 bits",
                                  i, (unsigned long long)t->dims[i]);
    }
    *n_elements = n;
    return PHIAL_OK;
}

static phial_status read_type(ph_gguf_reader *r, ph_gguf_tensor *t,
                              uint64_t n_elements)
{
    const ph_dtype_info *info;

    PH_TRY(ph_reader_u32(r, "the type", &t->type));
    info = ph_dtype_get(t->type);
    if (!info || !info->block_elems)
        return PHIAL_OK;
    if (t->dims[0] % info->block_elems)
        return ph_reader_fail(r, PHIAL_E_FORMAT, r->at - 4,
                              "dimension 0 is %llu, expected a multiple of %u "
                              "for type %s",
                              (unsigned long long)t->dims[0], info->block_elems,
                              info->name);
    if (!ph_dtype_bytes((ph_dtype)t->type, n_elements, &t->bytes))
        return ph_reader_fail(r, PHIAL_E_FORMAT, r->at - 4,
                              "the size of %llu elements of type %s overflows "
                              "64 bits",
                              (unsigned long long)n_elements, info->name);
    return PHIAL_OK;
}

phial_status ph_gguf_read_tensors(ph_gguf_reader *r, ph_tensor_slot *slots)
{
    for (uint64_t i = 0; i < r->n_tensors; i++) {
        ph_tensor_slot *slot = &slots[i];
        ph_gguf_tensor *t = &slot->tensor;
        uint64_t n_elements = 0;

        ph_reader_item(r, "tensor", i);
        PH_TRY(ph_reader_string(r, "the name", PH_GGUF_MAX_NAME, &slot->name_at,
                                &t->name.len));
        if (t->name.len == 0)
            return ph_reader_fail(r, PHIAL_E_FORMAT, r->at - 8,
                                  "the name is empty");
        ph_reader_named(r, slot->name_at, t->name.len);
        PH_TRY(read_dims(r, t, &n_elements));
        PH_TRY(read_type(r, t, n_elements));
        PH_TRY(ph_reader_u64(r, "the offset", &t->offset));
    }
    return PHIAL_OK;
}

static phial_status place(ph_gguf_reader *r, ph_tensor_slot *slot)
{
    ph_gguf_tensor *t = &slot->tensor;
    uint64_t relative = t->offset, start, end;

    ph_reader_named(r, slot->name_at, t->name.len);
    if (relative % r->alignment)
        return ph_reader_fail(r, PHIAL_E_FORMAT, slot->name_at,
                              "its data offset is %llu, expected a multiple "
                              "of the alignment %u",
                              (unsigned long long)relative, r->alignment);
    if (!ph_add64(r->shard->data_start, relative, &start) ||
        !ph_add64(start, t->bytes, &end) || end > r->shard->size)
        return ph_reader_fail(r, PHIAL_E_FORMAT, slot->name_at,
                              "its %llu bytes of data at offset %llu + %llu "
                              "end beyond the file, which has %llu bytes; it "
                              "is truncated or damaged",
                              (unsigned long long)t->bytes,
                              (unsigned long long)r->shard->data_start,
                              (unsigned long long)relative,
                              (unsigned long long)r->shard->size);
    t->offset = start;
    slot->end = end;
    return PHIAL_OK;
}

phial_status ph_gguf_place_tensors(ph_gguf_reader *r, ph_tensor_slot *slots)
{
    uint64_t gap = (r->alignment - r->at % r->alignment) % r->alignment;

    r->shard->data_start = r->at + gap;
    for (uint64_t i = 0; i < r->n_tensors; i++) {
        ph_reader_item(r, "tensor", i);
        PH_TRY(place(r, &slots[i]));
    }
    return PHIAL_OK;
}
