/* SPDX-License-Identifier: MIT
 * Reading an importance matrix, from us or from llama-imatrix. All entries are
 * checked when it is opened: one that no matrix asks for is as good a sign of
 * damage as any. */
#include "quantize/quantize.h"

#include <math.h>
#include <stdio.h>

enum { MAX_NAME = 80 };

#define SUMS ".in_sum2"
#define COUNTS ".counts"

typedef struct entry {
    const ph_gguf_tensor *sums;
    float *columns; /* what they count: 1 on average */
} entry;

struct ph_imatrix {
    const ph_heap *heap;
    ph_gguf *gguf;
    entry *entries;
    size_t n;
    float *columns; /* of all entries */
    uint32_t n_chunks;
    ph_str dataset;
};

static phial_status refuse(const ph_imatrix *m, const ph_gguf_tensor *tensor,
                           const char *what)
{
    return ph_fail(PHIAL_E_FORMAT, "%s: tensor \"%s\" %s",
                   ph_show_path(ph_gguf_path(m->gguf)).text,
                   ph_show(tensor->name).text, what);
}

/* Its name without the suffix. */
static bool ends(ph_str name, const char *suffix, ph_str *stem)
{
    const size_t n = strlen(suffix);

    *stem = (ph_str){name.data, name.len - n};
    return name.len > n && !memcmp(name.data + name.len - n, suffix, n);
}

static const ph_gguf_tensor *find(const ph_imatrix *m, ph_str stem,
                                  const char *rest)
{
    char name[MAX_NAME];
    const int n =
        snprintf(name, sizeof name, "%.*s%s", (int)stem.len, stem.data, rest);

    return n < MAX_NAME ? ph_gguf_find_tensor(m->gguf, name) : NULL;
}

static phial_status read_floats(const ph_imatrix *m,
                                const ph_gguf_tensor *tensor, float *out)
{
    const size_t n = (size_t)tensor->dims[0];

    PH_TRY(ph_gguf_read(m->gguf, tensor, 0, out, n * sizeof *out));
    for (size_t i = 0; i < n; i++)
        if (!(out[i] >= 0 && isfinite(out[i])))
            return refuse(m, tensor,
                          "holds what is negative or no number, expected sums "
                          "of squares and a count");
    return PHIAL_OK;
}

/* The number of tokens divides all alike, so that nothing depends on it here.
 * Columns that hardly occurred still count something, so that of blocks of
 * nothing else the weights are fitted as they are without a matrix. */
static void scale(float *columns, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)columns[i];
    for (size_t i = 0; i < n; i++) {
        const double c = sum > 0 ? (double)columns[i] / (sum / (double)n) : 1;

        columns[i] =
            c > (double)PH_IMPORTANCE_LEAST ? (float)c : PH_IMPORTANCE_LEAST;
        if (columns[i] > PH_IMPORTANCE_MOST)
            columns[i] = PH_IMPORTANCE_MOST;
    }
}

static phial_status read_entry(const ph_imatrix *m, const entry *e)
{
    const ph_gguf_tensor *counts;
    ph_str stem;
    float count;

    ends(e->sums->name, SUMS, &stem);
    counts = find(m, stem, COUNTS);
    PH_TRY(read_floats(m, counts, &count));
    if (!(count > 0))
        return refuse(m, counts, "is 0: no token was read");
    PH_TRY(read_floats(m, e->sums, e->columns));
    scale(e->columns, (size_t)e->sums->dims[0]);
    return PHIAL_OK;
}

/* Sums and a count come in pairs, and each is a row of floats. */
static phial_status check_pair(const ph_imatrix *m, const ph_gguf_tensor *t,
                               ph_str stem, const char *other)
{
    if (t->type != PH_F32)
        return refuse(m, t, "is not F32");
    for (int i = 1; i < 4; i++)
        if (t->dims[i] != 1)
            return refuse(m, t, "has more than one row");
    if (find(m, stem, other))
        return PHIAL_OK;
    return ph_fail(PHIAL_E_FORMAT, "%s: tensor \"%s\" has no \"%s\" beside it",
                   ph_show_path(ph_gguf_path(m->gguf)).text,
                   ph_show(t->name).text, other);
}

/* Tensors of other names are passed over, as llama.cpp does. */
static phial_status check_tensor(ph_imatrix *m, const ph_gguf_tensor *t)
{
    ph_str stem;

    if (ends(t->name, SUMS, &stem)) {
        m->entries[m->n++].sums = t;
        return check_pair(m, t, stem, COUNTS);
    }
    if (!ends(t->name, COUNTS, &stem))
        return PHIAL_OK;
    if (t->dims[0] != 1)
        return refuse(m, t, "has more than one element");
    return check_pair(m, t, stem, SUMS);
}

static phial_status read_metadata(ph_imatrix *m)
{
    static const char datasets[] = "imatrix.datasets";
    const ph_str none = {"", 0};
    const uint32_t zero = 0;
    const ph_gguf_entry *list;
    size_t at = 0;
    ph_str type;

    PH_TRY(ph_gguf_str(m->gguf, "general.type", &none, &type));
    if (!ph_str_is(type, "imatrix"))
        return ph_fail(PHIAL_E_UNSUPPORTED,
                       "%s: general.type is \"%s\", expected \"imatrix\"",
                       ph_show_path(ph_gguf_path(m->gguf)).text,
                       ph_show(type).text);
    PH_TRY(ph_gguf_u32(m->gguf, "imatrix.chunk_count", &zero, &m->n_chunks));
    if (!ph_gguf_find(m->gguf, datasets))
        return PHIAL_OK;
    PH_TRY(ph_gguf_array(m->gguf, datasets, PH_GGUF_STRING, &list));
    if (list->count)
        m->dataset = ph_gguf_next_string(list, &at);
    return PHIAL_OK;
}

static phial_status read_entries(ph_imatrix *m)
{
    const size_t n = ph_gguf_n_tensors(m->gguf);
    size_t n_columns = 0;

    m->entries = ph_alloc(m->heap, n, sizeof *m->entries);
    if (!m->entries)
        return ph_no_memory("an importance matrix", n * sizeof *m->entries);
    for (size_t i = 0; i < n; i++)
        PH_TRY(check_tensor(m, ph_gguf_tensor_at(m->gguf, i)));
    if (!m->n)
        return ph_fail(PHIAL_E_FORMAT,
                       "%s: it holds no sums, expected tensors NAME" SUMS,
                       ph_show_path(ph_gguf_path(m->gguf)).text);
    /* No overflow: all of them are in the file. */
    for (size_t i = 0; i < m->n; i++)
        n_columns += (size_t)m->entries[i].sums->dims[0];
    m->columns = ph_alloc(m->heap, n_columns, sizeof *m->columns);
    if (!m->columns)
        return ph_no_memory("an importance matrix",
                            n_columns * sizeof *m->columns);
    n_columns = 0;
    for (size_t i = 0; i < m->n; i++) {
        m->entries[i].columns = m->columns + n_columns;
        n_columns += (size_t)m->entries[i].sums->dims[0];
        PH_TRY(read_entry(m, &m->entries[i]));
    }
    return PHIAL_OK;
}

phial_status ph_imatrix_open(const ph_heap *heap, const char *path,
                             ph_imatrix **out)
{
    ph_imatrix *m = ph_alloc(heap, 1, sizeof *m);
    phial_status status;

    if (!m)
        return ph_no_memory("an importance matrix", sizeof *m);
    m->heap = heap;
    status = ph_gguf_open(heap, path, &m->gguf);
    if (status >= 0)
        status = read_metadata(m);
    if (status >= 0)
        status = read_entries(m);
    if (status < 0) {
        ph_imatrix_free(m);
        return status;
    }
    *out = m;
    return PHIAL_OK;
}

void ph_imatrix_free(ph_imatrix *m)
{
    if (!m)
        return;
    ph_free(m->heap, m->columns);
    ph_free(m->heap, m->entries);
    ph_gguf_free(m->gguf);
    ph_free(m->heap, m);
}

uint32_t ph_imatrix_n_entries(const ph_imatrix *m)
{
    return (uint32_t)m->n;
}

uint32_t ph_imatrix_n_chunks(const ph_imatrix *m)
{
    return m->n_chunks;
}

ph_str ph_imatrix_dataset(const ph_imatrix *m)
{
    return m->dataset;
}

/* Parts of a matrix read what it reads. */
static const struct {
    const char *part, *whole;
} parts[] = {{".attn_q.weight", ".attn_qkv.weight" SUMS},
             {".attn_k.weight", ".attn_qkv.weight" SUMS},
             {".attn_v.weight", ".attn_qkv.weight" SUMS},
             {".ffn_gate.weight", ".ffn_up.weight" SUMS}};

static const ph_gguf_tensor *sums_of(const ph_imatrix *m, ph_str name)
{
    const ph_gguf_tensor *found = find(m, name, SUMS);
    ph_str stem;

    for (size_t i = 0; i < sizeof parts / sizeof *parts && !found; i++)
        if (ends(name, parts[i].part, &stem))
            found = find(m, stem, parts[i].whole);
    return found;
}

phial_status ph_imatrix_find(const ph_imatrix *m, const ph_gguf_tensor *tensor,
                             const float **out)
{
    const ph_gguf_tensor *sums = sums_of(m, tensor->name);
    const entry *e = m->entries;

    *out = NULL;
    if (!sums)
        return PHIAL_OK;
    if (sums->dims[0] != tensor->dims[0])
        return ph_fail(PHIAL_E_MISMATCH,
                       "%s: tensor \"%s\" has %llu elements, but the matrix "
                       "has %llu columns",
                       ph_show_path(ph_gguf_path(m->gguf)).text,
                       ph_show(sums->name).text,
                       (unsigned long long)sums->dims[0],
                       (unsigned long long)tensor->dims[0]);
    while (e->sums != sums)
        e++;
    *out = e->columns;
    return PHIAL_OK;
}
