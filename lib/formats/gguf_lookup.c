/* SPDX-License-Identifier: MIT
 * Metadata and tensors by number and by name, and the tensors' data. */
#include "formats/gguf_file.h"

#include "text/text.h"

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
    const ph_str wanted = ph_str_of(name);
    size_t low = 0, high = n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = ph_str_compare(name_at(gguf, middle), wanted);

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

bool ph_gguf_layer(ph_str name, uint32_t *layer, ph_str *rest)
{
    static const char before[] = "blk.";
    const size_t first = sizeof before - 1, most = first + 4;
    uint32_t n = 0;
    size_t i = first;

    if (name.len < first || memcmp(name.data, before, first) != 0)
        return false;
    while (i < name.len && i < most && name.data[i] >= '0' &&
           name.data[i] <= '9')
        n = n * 10 + (uint32_t)(name.data[i++] - '0');
    if (i == first || i >= name.len || name.data[i] != '.' ||
        (name.data[first] == '0' && i > first + 1))
        return false;
    *layer = n;
    *rest = (ph_str){name.data + i + 1, name.len - i - 1};
    return true;
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
