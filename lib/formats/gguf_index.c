/* SPDX-License-Identifier: MIT
 * Order: entries and tensors by name, for look-ups and to find duplicates, and
 * tensors by position, to find those that overlap. Sorted indices and not hash
 * tables, because the names come from outside: there are no bad ones for a
 * sort. */
#include "formats/gguf_file.h"
#include "text/text.h"

/* Equal ones by their place in the file, so that messages are the same on
 * every machine. */
static int compare_keys(const void *context, uint32_t a, uint32_t b)
{
    const ph_entry_slot *slots = context;
    int order = ph_str_compare(slots[a].entry.key, slots[b].entry.key);

    return order ? order : (a > b) - (a < b);
}

static int compare_names(const void *context, uint32_t a, uint32_t b)
{
    const ph_tensor_slot *slots = context;
    int order = ph_str_compare(slots[a].tensor.name, slots[b].tensor.name);

    return order ? order : (a > b) - (a < b);
}

static int compare_offsets(const void *context, uint32_t a, uint32_t b)
{
    const ph_tensor_slot *slots = context;
    uint64_t x = slots[a].tensor.offset;
    uint64_t y = slots[b].tensor.offset;

    if (x != y)
        return x < y ? -1 : 1;
    return (a > b) - (a < b);
}

/* 0 to n - 1; NULL if there is no memory, which is then already said. */
static uint32_t *new_index(const ph_heap *heap, size_t n)
{
    uint32_t *index = ph_alloc(heap, n, sizeof *index);

    if (!index)
        ph_no_memory("an index of names", n * sizeof *index);
    for (size_t i = 0; index && i < n; i++)
        index[i] = (uint32_t)i;
    return index;
}

phial_status ph_gguf_index_entries(ph_gguf *gguf)
{
    const ph_entry_slot *slots = gguf->entries;
    uint32_t *index = new_index(gguf->heap, gguf->n_entries);

    if (!index)
        return PHIAL_E_MEMORY;
    gguf->entries_by_key = index;
    ph_sort_indices(index, gguf->n_entries, compare_keys, slots);
    for (size_t i = 1; i < gguf->n_entries; i++) {
        const ph_entry_slot *a = &slots[index[i - 1]], *b = &slots[index[i]];

        if (ph_str_eq(a->entry.key, b->entry.key))
            return ph_fail(PHIAL_E_FORMAT,
                           "%s: offset %zu: metadata key \"%s\" is there "
                           "twice, first at offset %zu",
                           ph_show_path(ph_gguf_path(gguf)).text, b->key_at,
                           ph_show(b->entry.key).text, a->key_at);
    }
    return PHIAL_OK;
}

phial_status ph_gguf_index_tensors(ph_gguf *gguf)
{
    const ph_tensor_slot *slots = gguf->tensors;
    uint32_t *index = new_index(gguf->heap, gguf->n_tensors);

    if (!index)
        return PHIAL_E_MEMORY;
    ph_free(gguf->heap, gguf->tensors_by_name);
    gguf->tensors_by_name = index;
    ph_sort_indices(index, gguf->n_tensors, compare_names, slots);
    for (size_t i = 1; i < gguf->n_tensors; i++) {
        const ph_tensor_slot *a = &slots[index[i - 1]], *b = &slots[index[i]];

        if (ph_str_eq(a->tensor.name, b->tensor.name))
            return ph_fail(
                PHIAL_E_FORMAT,
                "%s: offset %zu: tensor \"%s\" is there twice, first at offset "
                "%zu of %s",
                ph_show_path(gguf->shards[b->tensor.shard].path).text,
                b->name_at, ph_show(b->tensor.name).text, a->name_at,
                ph_show_path(gguf->shards[a->tensor.shard].path).text);
    }
    return PHIAL_OK;
}

static phial_status overlap(const ph_gguf *gguf, const ph_tensor_slot *before,
                            const ph_tensor_slot *slot)
{
    return ph_fail(PHIAL_E_FORMAT,
                   "%s: offset %zu: the data of tensor \"%s\" at offset %llu "
                   "overlap those of \"%s\", which end at %llu",
                   ph_show_path(ph_gguf_path(gguf)).text, slot->name_at,
                   ph_show(slot->tensor.name).text,
                   (unsigned long long)slot->tensor.offset,
                   ph_show(before->tensor.name).text,
                   (unsigned long long)before->end);
}

/* Tensors of a type that we do not run have no known size and cannot be
 * judged. */
phial_status ph_gguf_check_overlap(const ph_gguf *gguf)
{
    const ph_tensor_slot *slots = gguf->tensors, *before = NULL;
    uint32_t *index = new_index(gguf->heap, gguf->n_tensors);
    phial_status status = PHIAL_OK;

    if (!index)
        return PHIAL_E_MEMORY;
    ph_sort_indices(index, gguf->n_tensors, compare_offsets, slots);
    for (size_t i = 0; status >= 0 && i < gguf->n_tensors; i++) {
        const ph_tensor_slot *slot = &slots[index[i]];

        if (slot->tensor.bytes == 0)
            continue;
        if (before && slot->tensor.offset < before->end)
            status = overlap(gguf, before, slot);
        before = slot;
    }
    ph_free(gguf->heap, index);
    return status;
}
