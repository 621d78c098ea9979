/* SPDX-License-Identifier: MIT
 * safetensors (huggingface/safetensors, README.md, section Format): a length, a
 * header of JSON, and the data that it names. */
#include "formats/hf_folder.h"

enum { LENGTH = 8, MAX_TENSORS = PH_GGUF_MAX_TENSORS };

typedef struct reader {
    ph_safetensors *st;
    ph_json json;
    uint64_t data_start;
    const ph_safetensor *current; /* for messages */
} reader;

static phial_status fail(const reader *r, const char *what)
{
    const ph_safetensors *st = r->st;
    const ph_safetensor *t = r->current;

    if (!t)
        return ph_fail(PHIAL_E_FORMAT, "%s: %s",
                       ph_show_path(st->shard.path).text, what);
    return ph_fail(
        PHIAL_E_FORMAT, "%s: tensor \"%s\": %s",
        ph_show_path(st->shard.path).text,
        ph_show((ph_str){st->names.data + t->name_at, t->name_len}).text, what);
}

static phial_status read_type(const reader *r, uint32_t node, ph_safetensor *t)
{
    static const struct {
        const char *name;
        ph_dtype type;
    } types[] = {{"F32", PH_F32}, {"F16", PH_F16}, {"BF16", PH_BF16}};

    if (node == PH_JSON_NONE)
        return fail(r, "it has no dtype");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (!ph_json_is(&r->json, node, types[i].name))
            continue;
        t->type = types[i].type;
        return PHIAL_OK;
    }
    fail(r, "its dtype is none of F32, F16 and BF16");
    return PHIAL_E_UNSUPPORTED;
}

/* Rows come first there, and last in GGUF. */
static phial_status read_shape(const reader *r, uint32_t node, ph_safetensor *t)
{
    const uint32_t n = node == PH_JSON_NONE ? 0 : ph_json_count(&r->json, node);
    uint32_t i = n;

    if (node == PH_JSON_NONE || r->json.nodes[node].kind != PH_JSON_ARRAY)
        return fail(r, "its shape is no list");
    if (n < 1 || n > PH_GGUF_MAX_DIMS)
        return fail(r, "its shape has not 1 to 4 dimensions");
    t->n_dims = n;
    for (uint32_t child = node + 1; i-- > 0; child = r->json.nodes[child].end) {
        if (!ph_json_u64(&r->json, child, &t->dims[i]) || !t->dims[i])
            return fail(r, "a dimension is no positive whole number");
    }
    return PHIAL_OK;
}

static phial_status read_offsets(const reader *r, uint32_t node,
                                 ph_safetensor *t)
{
    uint64_t n = 1, bytes;

    if (node == PH_JSON_NONE || r->json.nodes[node].kind != PH_JSON_ARRAY ||
        ph_json_count(&r->json, node) != 2 ||
        !ph_json_u64(&r->json, node + 1, &t->begin) ||
        !ph_json_u64(&r->json, node + 2, &t->end))
        return fail(r, "its data_offsets are not two whole numbers");
    if (t->begin > t->end || t->end > r->st->shard.size - r->data_start)
        return fail(r, "its data_offsets do not lie in the file, which is "
                       "truncated or damaged");
    for (uint32_t i = 0; i < t->n_dims; i++)
        if (!ph_mul64(n, t->dims[i], &n))
            return fail(r, "the number of its elements overflows 64 bits");
    if (!ph_dtype_bytes((ph_dtype)t->type, n, &bytes) ||
        bytes != t->end - t->begin)
        return fail(r, "its data_offsets are not as far apart as its shape "
                       "and dtype say");
    t->begin += r->data_start;
    t->end += r->data_start;
    return PHIAL_OK;
}

/* Of a key that is there twice readers take the first, the last or neither. */
static phial_status find_once(const reader *r, uint32_t object, const char *key,
                              uint32_t *node)
{
    const ph_json_node *nodes = r->json.nodes;

    *node = PH_JSON_NONE;
    for (uint32_t i = object + 1; i < nodes[object].end;
         i = nodes[nodes[i].end].end) {
        if (!ph_json_is(&r->json, i, key))
            continue;
        if (*node != PH_JSON_NONE)
            return fail(r, "its description has a key twice");
        *node = nodes[i].end;
    }
    return PHIAL_OK;
}

static phial_status read_tensor(reader *r, uint32_t key, ph_safetensor *t)
{
    const uint32_t value = r->json.nodes[key].end;
    ph_buf *names = &r->st->names;
    uint32_t type, shape, offsets;

    t->name_at = names->len;
    PH_TRY(ph_json_string(&r->json, key, names));
    t->name_len = names->len - t->name_at;
    r->current = t;
    if (r->json.nodes[value].kind != PH_JSON_OBJECT)
        return fail(r, "its description is no object");
    PH_TRY(find_once(r, value, "dtype", &type));
    PH_TRY(find_once(r, value, "shape", &shape));
    PH_TRY(find_once(r, value, "data_offsets", &offsets));
    PH_TRY(read_type(r, type, t));
    PH_TRY(read_shape(r, shape, t));
    PH_TRY(read_offsets(r, offsets, t));
    r->current = NULL;
    return PHIAL_OK;
}

static int compare_begins(const void *context, uint32_t a, uint32_t b)
{
    const ph_safetensor *t = context;

    if (t[a].begin != t[b].begin)
        return t[a].begin < t[b].begin ? -1 : 1;
    return (a > b) - (a < b);
}

/* Data that belong to no tensor, or to two, are what a forged file needs. */
static phial_status check_cover(reader *r)
{
    const ph_safetensors *st = r->st;
    uint32_t *order = ph_alloc(st->heap, st->n, sizeof *order);
    uint64_t at = r->data_start;
    phial_status status = PHIAL_OK;

    if (!order)
        return ph_no_memory("the order of tensors", st->n * sizeof *order);
    for (size_t i = 0; i < st->n; i++)
        order[i] = (uint32_t)i;
    ph_sort_indices(order, st->n, compare_begins, st->tensors);
    for (size_t i = 0; i < st->n && status >= 0; i++) {
        const ph_safetensor *t = &st->tensors[order[i]];

        r->current = t;
        if (t->begin != at)
            status = fail(r, t->begin < at
                                 ? "its data overlap another tensor's"
                                 : "bytes before its data belong to no tensor");
        at = t->end;
    }
    r->current = NULL;
    ph_free(st->heap, order);
    if (status >= 0 && at != st->shard.size)
        return fail(r, "bytes at its end belong to no tensor");
    return status;
}

static phial_status read_table(reader *r)
{
    ph_safetensors *st = r->st;
    const ph_json_node *nodes = r->json.nodes;
    const uint32_t n = ph_json_count(&r->json, 0) / 2;

    if (nodes[0].kind != PH_JSON_OBJECT)
        return fail(r, "its header is no object");
    if (n > MAX_TENSORS)
        return fail(r, "its header names more tensors than are allowed");
    st->tensors = ph_alloc(st->heap, n, sizeof *st->tensors);
    if (!st->tensors)
        return ph_no_memory("the table of tensors", n * sizeof *st->tensors);
    for (uint32_t key = 1; key < nodes[0].end;
         key = nodes[nodes[key].end].end) {
        if (ph_json_is(&r->json, key, "__metadata__"))
            continue;
        PH_TRY(read_tensor(r, key, &st->tensors[st->n]));
        st->n++;
    }
    return check_cover(r);
}

static phial_status read_header(reader *r, ph_buf *text)
{
    const ph_json_limits limits = {PH_HF_MAX_HEADER, PH_HF_MAX_HEADER / 16};
    ph_shard *shard = &r->st->shard;
    uint8_t length[LENGTH];
    uint64_t n;

    if (shard->size < LENGTH)
        return fail(r, "it is too short for a safetensors file");
    PH_TRY(ph_file_read(&shard->file, shard->path, 0, length, LENGTH));
    n = ph_le64(length);
    if (n > shard->size - LENGTH)
        return fail(r, "its header ends beyond the file, which is truncated or "
                       "no safetensors file");
    if (n > PH_HF_MAX_HEADER) {
        fail(r, "its header is larger than the limit of 16 MiB");
        return PHIAL_E_UNSUPPORTED;
    }
    text->data = ph_alloc_raw(text->heap, (size_t)n + 1);
    if (!text->data)
        return ph_no_memory("a safetensors header", (size_t)n + 1);
    text->len = (size_t)n;
    PH_TRY(
        ph_file_read(&shard->file, shard->path, LENGTH, text->data, (size_t)n));
    r->data_start = LENGTH + n;
    return ph_json_parse_within(text->heap, (ph_str){text->data, text->len},
                                ph_show_path(shard->path).text, &limits,
                                &r->json);
}

phial_status ph_safetensors_open(const ph_heap *heap, const char *path,
                                 ph_safetensors *st)
{
    reader r = {.st = st, .json.heap = heap};
    ph_buf text = {.heap = heap};
    const size_t path_size = strlen(path) + 1;
    phial_status status;

    *st = (ph_safetensors){.heap = heap, .names.heap = heap};
    st->shard.file.fd = -1;
    st->shard.path = ph_alloc_raw(heap, path_size);
    if (!st->shard.path)
        return ph_no_memory("a path", path_size);
    memcpy(st->shard.path, path, path_size);
    PH_TRY(ph_file_open(&st->shard.file, path));
    st->shard.size = st->shard.file.size;
    status = read_header(&r, &text);
    if (status >= 0)
        status = read_table(&r);
    ph_json_free(&r.json);
    ph_buf_free(&text);
    return status;
}

void ph_safetensors_free(ph_safetensors *st)
{
    ph_file_close(&st->shard.file);
    ph_free(st->heap, st->shard.path);
    ph_free(st->heap, st->tensors);
    ph_buf_free(&st->names);
    *st = (ph_safetensors){.heap = st->heap, .shard.file.fd = -1};
}
