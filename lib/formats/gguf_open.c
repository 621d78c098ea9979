/* SPDX-License-Identifier: MIT
 * Opening: from a path or bytes to a ph_gguf whose records are all checked. */
#include "formats/gguf_file.h"
#include "formats/hf_folder.h"
#include "formats/peft_folder.h"

static phial_status open_shard(ph_gguf *gguf, const char *path,
                               const void *memory, size_t size)
{
    ph_shard *shard = ph_alloc(gguf->heap, 1, sizeof *shard);
    size_t path_size = strlen(path) + 1;

    if (!shard)
        return ph_no_memory("a GGUF file", sizeof *shard);
    shard->file.fd = -1;
    gguf->shards = shard;
    gguf->n_shards = 1;
    shard->path = ph_alloc_raw(gguf->heap, path_size);
    if (!shard->path)
        return ph_no_memory("a path", path_size);
    memcpy(shard->path, path, path_size);
    shard->memory = memory;
    shard->size = size;
    if (memory)
        return PHIAL_OK;
    PH_TRY(ph_file_open(&shard->file, path));
    shard->size = shard->file.size;
    return PHIAL_OK;
}

static phial_status allocate_slots(ph_gguf *gguf, const ph_gguf_reader *r)
{
    gguf->entries =
        ph_alloc(gguf->heap, (size_t)r->n_entries, sizeof *gguf->entries);
    if (!gguf->entries)
        return ph_no_memory("the metadata entries",
                            (size_t)r->n_entries * sizeof *gguf->entries);
    gguf->n_entries = (size_t)r->n_entries;
    gguf->tensors =
        ph_alloc(gguf->heap, (size_t)r->n_tensors, sizeof *gguf->tensors);
    if (!gguf->tensors)
        return ph_no_memory("the table of tensors",
                            (size_t)r->n_tensors * sizeof *gguf->tensors);
    gguf->n_tensors = (size_t)r->n_tensors;
    return PHIAL_OK;
}

/* The metadata have their final address: from offsets to pointers. */
static void set_pointers(ph_gguf *gguf)
{
    const char *meta = (const char *)gguf->shards[0].meta;

    for (size_t i = 0; i < gguf->n_entries; i++) {
        ph_entry_slot *slot = &gguf->entries[i];

        slot->entry.key.data = meta + slot->key_at;
        slot->entry.data.data = meta + slot->data_at;
    }
    for (size_t i = 0; i < gguf->n_tensors; i++)
        gguf->tensors[i].tensor.name.data = meta + gguf->tensors[i].name_at;
}

static phial_status read_alignment(const ph_gguf *gguf, uint32_t *out)
{
    const uint32_t fallback = PH_GGUF_DEFAULT_ALIGNMENT;
    uint32_t alignment;

    PH_TRY(ph_gguf_u32(gguf, "general.alignment", &fallback, &alignment));
    if (alignment < PH_GGUF_MIN_ALIGNMENT ||
        alignment > PH_GGUF_MAX_ALIGNMENT || (alignment & (alignment - 1)))
        return ph_fail(PHIAL_E_FORMAT,
                       "%s: metadata key \"general.alignment\" is %u, expected "
                       "a power of two from %d to %d",
                       ph_show_path(ph_gguf_path(gguf)).text, alignment,
                       PH_GGUF_MIN_ALIGNMENT, PH_GGUF_MAX_ALIGNMENT);
    *out = alignment;
    return PHIAL_OK;
}

/* Everything but the place of the tensors' data. */
static phial_status read_records(ph_gguf *gguf, ph_gguf_reader *r)
{
    r->shard = &gguf->shards[0];
    PH_TRY(ph_gguf_read_header(r));
    PH_TRY(allocate_slots(gguf, r));
    PH_TRY(ph_gguf_read_entries(r, gguf->entries));
    PH_TRY(ph_gguf_read_tensors(r, gguf->tensors));
    PH_TRY(ph_reader_finish(r));
    set_pointers(gguf);
    return ph_gguf_index_entries(gguf);
}

static phial_status read_all(ph_gguf *gguf, const char *path,
                             const void *memory, size_t size)
{
    ph_gguf_reader r = {.heap = gguf->heap};

    PH_TRY(open_shard(gguf, path, memory, size));
    PH_TRY(read_records(gguf, &r));
    PH_TRY(read_alignment(gguf, &r.alignment));
    PH_TRY(ph_gguf_place_tensors(&r, gguf->tensors));
    PH_TRY(ph_gguf_index_tensors(gguf));
    return ph_gguf_check_overlap(gguf);
}

phial_status ph_gguf_open_one(const ph_heap *heap, const char *path,
                              const void *memory, size_t size, ph_gguf **out)
{
    ph_gguf *gguf = ph_alloc(heap, 1, sizeof *gguf);
    phial_status status;

    if (!gguf)
        return ph_no_memory("a GGUF file", sizeof *gguf);
    gguf->heap = heap;
    status = read_all(gguf, path, memory, size);
    if (status < 0) {
        ph_gguf_free(gguf);
        return status;
    }
    *out = gguf;
    return PHIAL_OK;
}

static phial_status open_whole(const ph_heap *heap, const char *path,
                               const void *memory, size_t size, ph_gguf **out)
{
    ph_gguf *gguf = NULL;
    phial_status status;

    PH_TRY(ph_gguf_open_one(heap, path, memory, size, &gguf));
    status = ph_gguf_add_parts(gguf);
    if (status < 0) {
        ph_gguf_free(gguf);
        return status;
    }
    *out = gguf;
    return PHIAL_OK;
}

phial_status ph_gguf_open_built(const ph_heap *heap, const char *path,
                                ph_buf *bytes, ph_gguf **out)
{
    ph_gguf *gguf = ph_alloc(heap, 1, sizeof *gguf);
    ph_gguf_reader r = {.heap = heap};
    phial_status status;

    if (!gguf)
        return ph_no_memory("a GGUF file", sizeof *gguf);
    gguf->heap = heap;
    gguf->built = bytes->data;
    status = open_shard(gguf, path, bytes->data, bytes->len);
    *bytes = (ph_buf){.heap = heap};
    if (status >= 0)
        status = read_records(gguf, &r);
    if (status < 0) {
        ph_gguf_free(gguf);
        return status;
    }
    *out = gguf;
    return PHIAL_OK;
}

phial_status ph_gguf_open(const ph_heap *heap, const char *path, ph_gguf **out)
{
    if (ph_path_is_folder(path))
        return ph_hf_open(heap, path, out);
    return open_whole(heap, path, NULL, 0, out);
}

phial_status ph_gguf_open_adapter(const ph_heap *heap, const char *path,
                                  ph_gguf **out)
{
    if (ph_path_is_folder(path))
        return ph_peft_open(heap, path, out);
    return open_whole(heap, path, NULL, 0, out);
}

phial_status ph_gguf_open_memory(const ph_heap *heap, const char *name,
                                 const void *data, size_t size, ph_gguf **out)
{
    return open_whole(heap, name, data ? data : "", size, out);
}

void ph_gguf_free(ph_gguf *gguf)
{
    if (!gguf)
        return;
    for (uint32_t i = 0; i < gguf->n_shards; i++) {
        ph_file_close(&gguf->shards[i].file);
        ph_free(gguf->heap, gguf->shards[i].path);
        ph_free(gguf->heap, gguf->shards[i].meta);
    }
    ph_free(gguf->heap, gguf->built);
    ph_free(gguf->heap, gguf->shards);
    ph_free(gguf->heap, gguf->entries);
    ph_free(gguf->heap, gguf->tensors);
    ph_free(gguf->heap, gguf->entries_by_key);
    ph_free(gguf->heap, gguf->tensors_by_name);
    ph_free(gguf->heap, gguf);
}
