/* SPDX-License-Identifier: MIT
 * Split models: PREFIX-00001-of-0000N.gguf and the parts beside it, each a
 * GGUF file of its own with split.no, split.count and split.tensors.count; the
 * first has the metadata (llama.cpp, gguf-split). Names are made from the path
 * that we were given, never from what a file says. */
#include "formats/gguf_file.h"

#include <stdio.h>

enum { SUFFIX_SIZE = 40 };

static void part_suffix(uint32_t no, uint32_t count, char suffix[SUFFIX_SIZE])
{
    snprintf(suffix, SUFFIX_SIZE, "-%05u-of-%05u.gguf", no + 1, count);
}

/* Length of the path before the suffix of that part; 0 if it is not named
 * so. */
static size_t prefix_length(const char *path, uint32_t no, uint32_t count)
{
    char suffix[SUFFIX_SIZE];
    size_t len = strlen(path), suffix_len;

    part_suffix(no, count, suffix);
    suffix_len = strlen(suffix);
    if (len <= suffix_len || strcmp(path + len - suffix_len, suffix) != 0)
        return 0;
    return len - suffix_len;
}

static phial_status refuse_part(const ph_gguf *gguf, uint32_t no,
                                uint32_t count)
{
    const char *path = ph_gguf_path(gguf);
    size_t prefix = no < count ? prefix_length(path, no, count) : 0;
    char suffix[SUFFIX_SIZE] = "";
    const char *name = path + prefix;

    if (prefix == 0)
        return ph_fail(PHIAL_E_UNSUPPORTED,
                       "%s: split.no is %u of split.count %u: it is a part of "
                       "a split model; open the first part, whose name ends "
                       "in -00001-of-NNNNN.gguf",
                       ph_show_path(path).text, no, count);
    while (name > path && name[-1] != '/')
        name--;
    part_suffix(0, count, suffix);
    return ph_fail(PHIAL_E_UNSUPPORTED,
                   "%s is part %u of %u of a split model; open the first "
                   "part, %s%s",
                   ph_show_path(path).text, no + 1, count,
                   ph_show((ph_str){name, (size_t)(path + prefix - name)}).text,
                   suffix);
}

/* NULL if there is no memory, which is then already said. */
static char *part_path(const ph_gguf *gguf, size_t prefix, uint32_t no,
                       uint32_t count)
{
    char suffix[SUFFIX_SIZE];
    char *path = ph_alloc_raw(gguf->heap, prefix + sizeof suffix);

    if (!path) {
        ph_no_memory("a path", prefix + sizeof suffix);
        return NULL;
    }
    part_suffix(no, count, suffix);
    memcpy(path, ph_gguf_path(gguf), prefix);
    memcpy(path + prefix, suffix, strlen(suffix) + 1);
    return path;
}

/* What a part says of itself. */
static phial_status check_number(const ph_gguf *part, const char *key,
                                 uint32_t expected)
{
    uint32_t found;

    PH_TRY(ph_gguf_u32(part, key, NULL, &found));
    if (found != expected)
        return ph_fail(PHIAL_E_FORMAT,
                       "%s: metadata key \"%s\" is %u, expected %u by the "
                       "first part of the split model",
                       ph_show_path(ph_gguf_path(part)).text, key, found,
                       expected);
    return PHIAL_OK;
}

/* Takes the file and the tensors of part over; part keeps what is left. */
static phial_status merge(ph_gguf *gguf, ph_gguf *part)
{
    size_t n = gguf->n_tensors + part->n_tensors;
    ph_tensor_slot *slots;

    if (n > PH_GGUF_MAX_TENSORS)
        return ph_fail(PHIAL_E_UNSUPPORTED,
                       "%s: with this part the model has %zu tensors, the "
                       "limit is %u",
                       ph_show_path(ph_gguf_path(part)).text, n,
                       PH_GGUF_MAX_TENSORS);
    slots = ph_realloc(gguf->heap, gguf->tensors, n, sizeof *slots);
    if (!slots)
        return ph_no_memory("the table of tensors", n * sizeof *slots);
    for (size_t i = 0; i < part->n_tensors; i++) {
        slots[gguf->n_tensors + i] = part->tensors[i];
        slots[gguf->n_tensors + i].tensor.shard = gguf->n_shards;
    }
    gguf->tensors = slots;
    gguf->n_tensors = n;
    gguf->shards[gguf->n_shards++] = part->shards[0];
    part->n_shards = 0;
    return PHIAL_OK;
}

static phial_status add_part(ph_gguf *gguf, size_t prefix, uint32_t no,
                             uint32_t count)
{
    ph_gguf *part = NULL;
    char *path = part_path(gguf, prefix, no, count);
    phial_status status;

    if (!path)
        return PHIAL_E_MEMORY;
    status = ph_gguf_open_one(gguf->heap, path, NULL, 0, &part);
    ph_free(gguf->heap, path);
    if (status >= 0)
        status = check_number(part, "split.no", no);
    if (status >= 0)
        status = check_number(part, "split.count", count);
    if (status >= 0)
        status = merge(gguf, part);
    ph_gguf_free(part);
    return status;
}

static phial_status check_first(const ph_gguf *gguf, uint32_t count)
{
    const char *path = ph_gguf_path(gguf);
    char suffix[SUFFIX_SIZE];

    if (gguf->shards[0].memory)
        return ph_fail(PHIAL_E_UNSUPPORTED,
                       "%s: split.count is %u: a split model is read from "
                       "files only",
                       ph_show_path(path).text, count);
    if (count > PH_GGUF_MAX_SHARDS)
        return ph_fail(PHIAL_E_UNSUPPORTED,
                       "%s: split.count is %u, the limit is %u parts",
                       ph_show_path(path).text, count, PH_GGUF_MAX_SHARDS);
    part_suffix(0, count, suffix);
    if (prefix_length(path, 0, count) == 0)
        return ph_fail(PHIAL_E_FORMAT,
                       "%s is the first of %u parts of a split model, and its "
                       "name has to end in %s for the others to be found",
                       ph_show_path(path).text, count, suffix);
    return PHIAL_OK;
}

phial_status ph_gguf_add_parts(ph_gguf *gguf)
{
    const uint32_t zero = 0, one = 1;
    uint32_t no, count, n_tensors;
    ph_shard *shards;

    PH_TRY(ph_gguf_u32(gguf, "split.no", &zero, &no));
    PH_TRY(ph_gguf_u32(gguf, "split.count", &one, &count));
    if (no != 0)
        return refuse_part(gguf, no, count);
    if (count <= 1)
        return PHIAL_OK;
    PH_TRY(check_first(gguf, count));
    shards = ph_realloc(gguf->heap, gguf->shards, count, sizeof *shards);
    if (!shards)
        return ph_no_memory("the parts of a model", count * sizeof *shards);
    gguf->shards = shards;
    for (uint32_t i = 1; i < count; i++)
        PH_TRY(add_part(gguf, prefix_length(ph_gguf_path(gguf), 0, count), i,
                        count));
    PH_TRY(ph_gguf_u32(gguf, "split.tensors.count", NULL, &n_tensors));
    if (n_tensors != gguf->n_tensors)
        return ph_fail(PHIAL_E_FORMAT,
                       "%s: metadata key \"split.tensors.count\" is %u, but "
                       "the %u parts have %zu tensors",
                       ph_show_path(ph_gguf_path(gguf)).text, n_tensors, count,
                       gguf->n_tensors);
    return ph_gguf_index_tensors(gguf);
}
