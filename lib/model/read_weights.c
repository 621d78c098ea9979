/* SPDX-License-Identifier: MIT
 * Reading the weights by all threads, in pieces of whole panels: each goes
 * from the file into a buffer that stays in the processor's cache, is quantised
 * there if that is asked for, and goes packed to its place. There is never a
 * second copy of a tensor.
 *
 * Threads take the next piece when they are through with one, in the order of
 * the file's tensors as the model has them. A thread that took a piece finishes
 * it, so that of several failures the first in that order is always found, and
 * the message does not depend on the threads. */
#include "model/loader.h"

#include "os/os.h"

#include <stdio.h>

enum { PIECE = 256 << 10 }; /* bytes that are read, or quantised, at once */

/* One thread's. A failure's sentence is of the thread that failed and must be
 * carried to the caller's. */
typedef struct reader {
    ph_staging staging;
    uint64_t sample;
    uint64_t piece; /* that failed */
    phial_status status;
    char error[512];
} reader;

typedef struct reading {
    const ph_loader *l;
    uint64_t n_pieces;
    atomic_ullong next; /* piece */
    atomic_ullong done; /* bytes in memory */
    atomic_bool stop;
    bool cancelled; /* the caller's thread alone uses it */
    reader *readers;
} reading;

static phial_status report(const ph_loader *l, uint64_t done)
{
    const ph_model_config *config = l->config;
    const uint64_t total = l->model->weight_bytes;
    const float fraction = (float)((double)done / (double)total);

    if (config->progress && config->progress(config->progress_user, fraction))
        return ph_fail(PHIAL_E_CANCELLED,
                       "%s: loading was cancelled by the progress hook",
                       ph_show_path(ph_gguf_path(l->gguf)).text);
    return PHIAL_OK;
}

static phial_status read_piece(reading *r, const ph_part *part, uint64_t piece,
                               reader *self)
{
    const ph_weight *w = &part->weight;
    const uint64_t row = (piece - part->first_piece) * part->piece_rows;
    const uint64_t end = row + part->piece_rows;
    const uint32_t n =
        end < w->rows ? part->piece_rows : (uint32_t)(w->rows - row);

    PH_TRY(ph_part_read(r->l->gguf, part, (uint32_t)row, n, &self->staging,
                        &self->sample));
    atomic_fetch_add(&r->done,
                     w->bytes * (row + n) / w->rows - w->bytes * row / w->rows);
    return PHIAL_OK;
}

/* A thread's pieces ascend, and so do their parts. */
static void read_pieces(reading *r, uint32_t index)
{
    reader *self = &r->readers[index];
    const ph_part *part = r->l->parts;
    const ph_part *last = part + r->l->n_parts - 1;

    while (!atomic_load(&r->stop)) {
        const uint64_t piece = atomic_fetch_add(&r->next, 1);

        if (piece >= r->n_pieces)
            return;
        while (part < last && piece >= part[1].first_piece)
            part++;
        self->status = read_piece(r, part, piece, self);
        if (self->status == PHIAL_OK && index == 0) {
            self->status = report(r->l, atomic_load(&r->done));
            r->cancelled = self->status != PHIAL_OK;
        }
        if (self->status != PHIAL_OK) {
            self->piece = piece;
            snprintf(self->error, sizeof self->error, "%s", ph_error_text());
            atomic_store(&r->stop, true);
        }
    }
}

static void read_share(void *arg, const ph_team *team)
{
    read_pieces(arg, team->index);
}

/* Cancelled, or the first failure. */
static phial_status outcome(const reading *r, uint32_t n_threads)
{
    const reader *first = &r->readers[0];

    for (uint32_t i = 1; i < n_threads && !r->cancelled; i++) {
        const reader *other = &r->readers[i];

        if (other->status != PHIAL_OK &&
            (first->status == PHIAL_OK || other->piece < first->piece))
            first = other;
    }
    return first->status == PHIAL_OK
               ? PHIAL_OK
               : ph_fail(first->status, "%s", first->error);
}

/* Bytes of a thread's buffers. */
typedef struct staging_bytes {
    size_t rows, raw, floats;
} staging_bytes;

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* What it takes to read n rows of the weight, where that is more. */
static void make_room(const ph_weight *w, uint32_t n, staging_bytes *most)
{
    if (w->panel_bytes)
        most->rows = larger(most->rows, n * w->row_bytes);
    if (!ph_weight_is_recoded(w))
        return;
    most->raw = larger(most->raw, n * w->file_row_bytes);
    most->floats = sizeof(float) * PH_RECODE_FLOATS;
}

/* Cuts the parts into pieces: whole panels, at least one. */
static staging_bytes cut(ph_loader *l, uint64_t *n_pieces)
{
    staging_bytes most = {0, 0, 0};

    *n_pieces = 0;
    for (size_t i = 0; i < l->n_parts; i++) {
        ph_part *part = &l->parts[i];
        const ph_weight *w = &part->weight;
        const size_t widest = larger(w->file_row_bytes, w->row_bytes);
        const size_t panels = PIECE / (PH_PANEL_ROWS * widest);
        const uint32_t rows = PH_PANEL_ROWS * (panels ? (uint32_t)panels : 1);

        part->piece_rows = rows < w->rows ? rows : w->rows;
        part->first_piece = *n_pieces;
        *n_pieces +=
            w->rows / part->piece_rows + (w->rows % part->piece_rows != 0);
        make_room(w, part->piece_rows, &most);
    }
    return most;
}

static size_t aligned(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

/* One block for the buffers of all threads; NULL if there is no memory. */
static uint8_t *new_buffers(const ph_heap *heap, const staging_bytes *most,
                            reader *readers, uint32_t n_threads, size_t *bytes)
{
    const size_t rows = aligned(most->rows), raw = aligned(most->raw);
    const size_t one = rows + raw + aligned(most->floats);
    const ph_encoders *encoders = ph_encoders_get(PHIAL_ISA_BEST);
    uint8_t *buffers = NULL;

    *bytes = SIZE_MAX;
    if (ph_mul(n_threads, one, bytes))
        buffers = ph_alloc_raw(heap, *bytes);
    for (uint32_t i = 0; i < n_threads && buffers; i++) {
        uint8_t *own = buffers + i * one;

        readers[i].staging = (ph_staging){
            own,
            {encoders, own + rows, (float *)(void *)(own + rows + raw), NULL}};
    }
    return buffers;
}

static phial_status run(reading *r, uint32_t n_threads)
{
    ph_pool *pool = r->l->config->pool;

    PH_TRY(report(r->l, 0));
    if (n_threads > 1)
        PH_TRY(ph_pool_run(pool, read_share, r));
    else
        read_pieces(r, 0);
    PH_TRY(outcome(r, n_threads));
    return report(r->l, r->l->model->weight_bytes);
}

phial_status ph_weights_read(ph_loader *l)
{
    ph_pool *pool = l->config->pool;
    const ph_heap *heap = l->model->heap;
    const uint32_t n_threads = pool ? ph_pool_threads(pool) : 1;
    reading r = {.l = l};
    const staging_bytes most = cut(l, &r.n_pieces);
    uint8_t *buffers = NULL;
    phial_status status;
    size_t bytes = n_threads * sizeof *r.readers;

    r.readers = ph_alloc(heap, n_threads, sizeof *r.readers);
    if (r.readers)
        buffers = new_buffers(heap, &most, r.readers, n_threads, &bytes);
    status = buffers ? run(&r, n_threads) : ph_no_memory("reading", bytes);
    for (uint32_t i = 0; i < n_threads && status == PHIAL_OK; i++)
        l->sample += r.readers[i].sample;
    ph_free(heap, r.readers);
    ph_free(heap, buffers);
    return status;
}
