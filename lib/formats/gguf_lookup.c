/* SPDX-License-Identifier: MIT
 * Metadata and tensors by number and by name, and the tensors' data. */
#include "formats/gguf_file.h"

static int compare_with(ph_str a, const char *b, size_t b_len)
{
    size_t n = a.len < b_len ? a.len : b_len;
    int order = n ? memcmp(a.data, b, n) : 0;

    return order ? order : (a.len > b_len) - (a.len < b_len);
}

static ph_str key_at(const ph_gguf *gguf, size_t rank)
{
    return gguf->entries[gguf->entries_by_key[rank]].entry.key;
}

static ph_str tensor_name_at(const ph_gguf *gguf, size_t rank)
{
    return gguf->tensors[gguf->tensors_by_name[rank]].tensor.name;
}

/* The rank of name among n sorted names; n if it is none of them. */
static size_t rank_of(const ph_gguf *gguf, size_t n,
                      ph_str (*name_at)(const ph_gguf *, size_t),
                      const char *name)
{
    size_t low = 0, high = n, len = strlen(name);

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_with(name_at(gguf, middle), name, len);

        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return n;
}

size_t ph_gguf_n_entries(const ph_gguf *gguf)
{
    return gguf->n_entries;
}

const ph_gguf_entry *ph_gguf_entry_at(const ph_gguf *gguf, size_t i)
{
    return i < gguf->n_entries ? &gguf->entries[i].entry : NULL;
}

const ph_gguf_entry *ph_gguf_find(const ph_gguf *gguf, const char *key)
{
    size_t rank = rank_of(gguf, gguf->n_entries, key_at, key);

    return rank < gguf->n_entries
               ? &gguf->entries[gguf->entries_by_key[rank]].entry
               : NULL;
}

ph_str ph_gguf_next_string(const ph_gguf_entry *entry, size_t *at)
{
    const char *p = entry->data.data + *at;
    ph_str string = {p + 8, (size_t)ph_le64(p)};

    *at += 8 + string.len;
    return string;
}

size_t ph_gguf_n_tensors(const ph_gguf *gguf)
{
    return gguf->n_tensors;
}

const ph_gguf_tensor *ph_gguf_tensor_at(const ph_gguf *gguf, size_t i)
{
    return i < gguf->n_tensors ? &gguf->tensors[i].tensor : NULL;
}

const ph_gguf_tensor *ph_gguf_find_tensor(const ph_gguf *gguf, const char *name)
{
    size_t rank = rank_of(gguf, gguf->n_tensors, tensor_name_at, name);

    return rank < gguf->n_tensors
               ? &gguf->tensors[gguf->tensors_by_name[rank]].tensor
               : NULL;
}

phial_status ph_gguf_read(const ph_gguf *gguf, const ph_gguf_tensor *tensor,
                          uint64_t from, void *buf, size_t n)
{
    const ph_shard *shard = &gguf->shards[tensor->shard];

    if (from > tensor->bytes || n > tensor->bytes - from)
        return ph_fail(PHIAL_E_INTERNAL,
                       "%zu bytes from %llu were asked of tensor \"%s\", which "
                       "has %llu",
                       n, (unsigned long long)from, ph_show(tensor->name).text,
                       (unsigned long long)tensor->bytes);
    if (!shard->memory)
        return ph_file_read(&shard->file, shard->path, tensor->offset + from,
                            buf, n);
    if (n)
        memcpy(buf, shard->memory + tensor->offset + from, n);
    return PHIAL_OK;
}

const char *ph_gguf_path(const ph_gguf *gguf)
{
    return gguf->shards[0].path;
}
