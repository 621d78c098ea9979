/* SPDX-License-Identifier: MIT
 * Writing the planned file in pieces of a fixed number of elements. All threads
 * encode the pieces of a batch, in the order of the file, into slots; while
 * they work on the next batch, the caller's thread writes the slots of the one
 * before. Memory is bounded by the slots, the bytes do not depend on the
 * threads, and of several failures the first in the file is reported, as in
 * lib/model/read_weights.c. */
#include "quantize/plan.h"

#include "os/os.h"

enum {
    SLOTS = 4, /* of a batch, per thread */
    SLOT_BYTES = PH_PIECE * 4 + PH_OUT_ALIGNMENT,
    BATCHES = 2
};

typedef struct slot {
    uint8_t *data;
    size_t len;
} slot;

typedef struct batch {
    slot *slots;
    uint64_t first; /* piece */
    uint32_t n;
} batch;

/* One thread's. */
typedef struct worker {
    ph_recoder recoder;
    uint64_t piece; /* that failed */
    ph_failure failure;
} worker;

typedef struct stream {
    const ph_plan *plan;
    ph_new_file file;
    uint32_t n_threads;
    uint8_t *memory;
    float *floats;
    slot *slots;
    worker *workers;
    batch batches[BATCHES];
    batch *now, *before;
    atomic_uint next; /* slot of the batch */
    atomic_bool stop;
    phial_status write_status; /* of the caller's thread */
} stream;

static const ph_target *target_of(const ph_plan *plan, uint64_t piece)
{
    size_t low = 0, high = plan->n;

    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;

        if (plan->targets[middle].first_piece <= piece)
            low = middle;
        else
            high = middle;
    }
    return &plan->targets[low];
}

static phial_status encode_piece(const stream *s, uint64_t piece, worker *self,
                                 slot *out)
{
    const ph_target *t = target_of(s->plan, piece);
    const ph_recoding what = {s->plan->gguf, t->from, t->type, t->deltas,
                              t->importance};
    const uint64_t from = (piece - t->first_piece) * PH_PIECE;
    const uint64_t left = t->n - from;
    const size_t n = left < PH_PIECE ? (size_t)left : PH_PIECE;
    uint64_t len;

    /* Whole blocks: a piece is many, and so is a row. */
    if (!ph_dtype_bytes(t->type, n, &len))
        return ph_fail(PHIAL_E_INTERNAL, "a piece of a tensor is cut wrongly");
    PH_TRY(ph_recode(&what, from, n, &self->recoder, out->data));
    out->len = (size_t)len;
    if (n == left) {
        memset(out->data + out->len, 0, ph_padding(t->bytes));
        out->len += ph_padding(t->bytes);
    }
    return PHIAL_OK;
}

static phial_status write_batch(stream *s, const batch *b)
{
    for (uint32_t i = 0; i < b->n; i++)
        PH_TRY(ph_new_file_write(&s->file, b->slots[i].data, b->slots[i].len));
    return PHIAL_OK;
}

static void encode_share(void *arg, const ph_team *team)
{
    stream *s = arg;
    worker *self = &s->workers[team->index];

    if (team->index == 0) {
        s->write_status = write_batch(s, s->before);
        if (s->write_status < 0) {
            ph_failure_keep(&self->failure, s->write_status);
            atomic_store(&s->stop, true);
        }
    }
    while (!atomic_load(&s->stop)) {
        const uint32_t i = atomic_fetch_add(&s->next, 1);
        phial_status status;

        if (i >= s->now->n)
            return;
        self->piece = s->now->first + i;
        status = encode_piece(s, self->piece, self, &s->now->slots[i]);
        if (status < 0) {
            ph_failure_keep(&self->failure, status);
            atomic_store(&s->stop, true);
        }
    }
}

/* That of writing, or the first in the file. */
static phial_status outcome(const stream *s)
{
    const worker *first = NULL;

    if (s->write_status < 0)
        return ph_failure_raise(&s->workers[0].failure);
    for (uint32_t i = 0; i < s->n_threads; i++) {
        const worker *e = &s->workers[i];

        if (e->failure.status < 0 && (!first || e->piece < first->piece))
            first = e;
    }
    return first ? ph_failure_raise(&first->failure) : PHIAL_OK;
}

static phial_status report(const stream *s, uint64_t done)
{
    const ph_quantize_config *c = s->plan->config;
    const double total = (double)s->plan->n_pieces;

    if (c->progress &&
        c->progress(c->progress_user,
                    total > 0 ? (float)((double)done / total) : 1))
        return ph_fail(PHIAL_E_CANCELLED,
                       "%s: quantising was cancelled by the progress hook",
                       ph_show_path(ph_gguf_path(s->plan->gguf)).text);
    return PHIAL_OK;
}

static phial_status write_all(stream *s)
{
    const uint64_t total = s->plan->n_pieces;
    const uint32_t most = s->n_threads * SLOTS;

    PH_TRY(
        ph_new_file_write(&s->file, s->plan->header.data, s->plan->header.len));
    for (uint64_t first = 0; first < total; first += s->now->n) {
        batch *b = s->before;

        PH_TRY(report(s, first));
        s->before = s->now;
        s->now = b;
        b->first = first;
        b->n = total - first < most ? (uint32_t)(total - first) : most;
        atomic_store(&s->next, 0);
        PH_TRY(ph_pool_run(s->plan->config->pool, encode_share, s));
        PH_TRY(outcome(s));
    }
    PH_TRY(write_batch(s, s->now));
    return report(s, total);
}

static phial_status allocate(stream *s)
{
    const ph_heap *heap = s->plan->config->heap;
    const size_t n_slots = (size_t)s->n_threads * SLOTS * BATCHES;
    const size_t bytes = (n_slots + s->n_threads) * SLOT_BYTES;

    s->memory = ph_alloc_raw(heap, bytes);
    s->floats =
        ph_alloc_raw(heap, sizeof(float) * 2 * PH_RECODE_FLOATS * s->n_threads);
    s->slots = ph_alloc(heap, n_slots, sizeof *s->slots);
    s->workers = ph_alloc(heap, s->n_threads, sizeof *s->workers);
    if (!s->memory || !s->floats || !s->slots || !s->workers)
        return ph_no_memory("quantising", bytes);
    for (size_t i = 0; i < n_slots; i++)
        s->slots[i].data = s->memory + i * SLOT_BYTES;
    for (size_t i = 0; i < s->n_threads; i++)
        s->workers[i].recoder = (ph_recoder){
            .encoders = ph_encoders_get(PHIAL_ISA_BEST),
            .raw = s->memory + (n_slots + i) * SLOT_BYTES,
            .floats = s->floats + 2 * i * PH_RECODE_FLOATS,
            .importance = s->floats + (2 * i + 1) * PH_RECODE_FLOATS};
    for (size_t i = 0; i < BATCHES; i++)
        s->batches[i].slots = s->slots + i * n_slots / BATCHES;
    s->now = &s->batches[0];
    s->before = &s->batches[1];
    return PHIAL_OK;
}

static void release(stream *s)
{
    const ph_heap *heap = s->plan->config->heap;

    ph_free(heap, s->memory);
    ph_free(heap, s->floats);
    ph_free(heap, s->slots);
    ph_free(heap, s->workers);
}

phial_status ph_plan_write(const ph_plan *plan, const char *path)
{
    stream s = {.plan = plan, .n_threads = ph_pool_threads(plan->config->pool)};
    phial_status status = allocate(&s);

    if (status >= 0)
        status = ph_new_file_open(&s.file, plan->config->heap, path);
    if (status >= 0) {
        status = write_all(&s);
        if (status >= 0)
            status = ph_new_file_finish(&s.file);
        else
            ph_new_file_discard(&s.file);
    }
    release(&s);
    return status;
}
