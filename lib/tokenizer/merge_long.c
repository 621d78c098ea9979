/* SPDX-License-Identifier: MIT
 * Merging for pieces of any length in O(n log n) time: the weakest point of a
 * tokenizer is text without a break, and it comes from outside.
 *
 * Symbols are a linked list. Pairs that can merge wait in one queue per rank,
 * in order of position, and a heap holds the ranks that have a queue; where
 * one pair repeats over and over, which is what makes text long, the heap
 * stays tiny and each step is O(1). A pair that arises out of order goes to a
 * second heap, of (rank, position). The next merge is the smaller of the two
 * heads, which is what a scan for the lowest rank, leftmost first, finds. */
#include "tokenizer/vocab.h"

#define NONE UINT32_MAX
#define UNQUEUED (UINT32_MAX - 1)

typedef struct symbol {
    uint32_t id;
    uint32_t prev, next;
    uint32_t rank;          /* of the pair with next, PH_NO_RANK if none */
    uint32_t before, after; /* in the queue; before is UNQUEUED outside */
} symbol;

typedef struct queue {
    uint32_t rank; /* NONE if the slot is free */
    uint32_t head, tail;
    bool in_heap;
} queue;

typedef struct heap64 {
    uint64_t *data;
    size_t len, cap;
} heap64;

typedef struct merger {
    const ph_tokenizer *t;
    symbol *symbols;
    queue *queues; /* open addressing by rank */
    size_t queue_mask, n_queues;
    heap64 ranks; /* ranks that may have a queue */
    heap64 pairs; /* rank << 32 | position, some out of date */
} merger;

/* ---- Heaps ------------------------------------------------------------- */

static phial_status heap_push(const merger *m, heap64 *heap, uint64_t key)
{
    size_t i = heap->len;

    if (heap->len == heap->cap) {
        size_t cap = heap->cap * 2 + 64;
        uint64_t *data = ph_realloc(m->t->heap, heap->data, cap, sizeof *data);

        if (!data)
            return ph_no_memory("a long word", cap * sizeof *data);
        heap->data = data;
        heap->cap = cap;
    }
    heap->len++;
    for (; i && heap->data[(i - 1) / 2] > key; i = (i - 1) / 2)
        heap->data[i] = heap->data[(i - 1) / 2];
    heap->data[i] = key;
    return PHIAL_OK;
}

static void heap_pop(heap64 *heap)
{
    uint64_t key = heap->data[--heap->len];
    size_t i = 0;

    for (size_t child; (child = 2 * i + 1) < heap->len; i = child) {
        if (child + 1 < heap->len && heap->data[child + 1] < heap->data[child])
            child++;
        if (heap->data[child] >= key)
            break;
        heap->data[i] = heap->data[child];
    }
    heap->data[i] = key;
}

/* ---- Queues ------------------------------------------------------------ */

static size_t queue_slot(const merger *m, uint32_t rank)
{
    size_t i = (rank * 0x9E3779B1u >> 7) & m->queue_mask;

    while (m->queues[i].rank != rank && m->queues[i].rank != NONE)
        i = (i + 1) & m->queue_mask;
    return i;
}

static phial_status queues_resize(merger *m, size_t slots)
{
    queue *old = m->queues;
    size_t n_old = old ? m->queue_mask + 1 : 0;

    m->queues = ph_alloc(m->t->heap, slots, sizeof *m->queues);
    if (!m->queues) {
        m->queues = old;
        return ph_no_memory("a long word", slots * sizeof *m->queues);
    }
    m->queue_mask = slots - 1;
    for (size_t i = 0; i < slots; i++)
        m->queues[i].rank = NONE;
    for (size_t i = 0; i < n_old; i++)
        if (old[i].rank != NONE)
            m->queues[queue_slot(m, old[i].rank)] = old[i];
    ph_free(m->t->heap, old);
    return PHIAL_OK;
}

/* The queue of a rank, made if need be. */
static phial_status queue_of(merger *m, uint32_t rank, queue **out)
{
    size_t i = queue_slot(m, rank);

    if (m->queues[i].rank == NONE) {
        if (2 * (m->n_queues + 1) > m->queue_mask) {
            PH_TRY(queues_resize(m, 2 * (m->queue_mask + 1)));
            i = queue_slot(m, rank);
        }
        m->queues[i] = (queue){rank, NONE, NONE, false};
        m->n_queues++;
    }
    *out = &m->queues[i];
    return PHIAL_OK;
}

static void leave_queue(merger *m, uint32_t at)
{
    symbol *s = &m->symbols[at];
    queue *q = &m->queues[queue_slot(m, s->rank)];

    if (s->before == NONE)
        q->head = s->after;
    else
        m->symbols[s->before].after = s->after;
    if (s->after == NONE)
        q->tail = s->before;
    else
        m->symbols[s->after].before = s->before;
    s->before = UNQUEUED;
}

static phial_status enter_queue(merger *m, uint32_t at)
{
    symbol *s = &m->symbols[at];
    queue *q;

    PH_TRY(queue_of(m, s->rank, &q));
    if (q->head == NONE) {
        s->before = s->after = NONE;
        q->head = q->tail = at;
    } else if (at > q->tail) {
        s->before = q->tail;
        s->after = NONE;
        m->symbols[q->tail].after = at;
        q->tail = at;
    } else if (at < q->head) {
        s->before = NONE;
        s->after = q->head;
        m->symbols[q->head].before = at;
        q->head = at;
    } else {
        return heap_push(m, &m->pairs, (uint64_t)s->rank << 32 | at);
    }
    if (!q->in_heap) {
        PH_TRY(heap_push(m, &m->ranks, s->rank));
        q->in_heap = true;
    }
    return PHIAL_OK;
}

/* ---- Merging ----------------------------------------------------------- */

/* The pair of the symbol at at has changed. */
static phial_status update_pair(merger *m, uint32_t at)
{
    symbol *s = &m->symbols[at];

    if (s->before != UNQUEUED)
        leave_queue(m, at);
    s->rank = s->next == NONE
                  ? PH_NO_RANK
                  : ph_pairs_find(&m->t->pairs, s->id, m->symbols[s->next].id);
    return s->rank == PH_NO_RANK ? PHIAL_OK : enter_queue(m, at);
}

static phial_status merge_at(merger *m, uint32_t at)
{
    symbol *s = &m->symbols[at];
    symbol *gone = &m->symbols[s->next];

    if (gone->before != UNQUEUED)
        leave_queue(m, s->next);
    gone->rank = PH_NO_RANK;
    if (gone->next != NONE)
        m->symbols[gone->next].prev = at;
    /* Leaving the queue needs the old rank; update_pair replaces it. */
    s->id = m->t->merged[s->rank];
    s->next = gone->next;
    PH_TRY(update_pair(m, at));
    return s->prev == NONE ? PHIAL_OK : update_pair(m, s->prev);
}

/* The position of the next merge; false if none is left. */
static bool next_merge(merger *m, uint32_t *at)
{
    uint64_t queued = UINT64_MAX, single = UINT64_MAX;

    for (; m->ranks.len; heap_pop(&m->ranks)) {
        uint32_t rank = (uint32_t)m->ranks.data[0];
        queue *q = &m->queues[queue_slot(m, rank)];

        if (q->head != NONE) {
            queued = (uint64_t)rank << 32 | q->head;
            break;
        }
        q->in_heap = false;
    }
    for (; m->pairs.len; heap_pop(&m->pairs)) {
        uint64_t key = m->pairs.data[0];

        if (m->symbols[(uint32_t)key].rank == key >> 32) {
            single = key;
            break;
        }
    }
    if (single < queued) {
        heap_pop(&m->pairs);
        queued = single;
    }
    *at = (uint32_t)queued;
    return queued != UINT64_MAX;
}

static phial_status merge_all(merger *m, const uint32_t *ids, uint32_t n)
{
    uint32_t at;

    for (uint32_t i = 0; i < n; i++)
        m->symbols[i] = (symbol){.id = ids[i],
                                 .prev = i ? i - 1 : NONE,
                                 .next = i + 1 < n ? i + 1 : NONE,
                                 .before = UNQUEUED};
    PH_TRY(queues_resize(m, 64));
    for (uint32_t i = 0; i < n; i++)
        PH_TRY(update_pair(m, i));
    while (next_merge(m, &at))
        PH_TRY(merge_at(m, at));
    return PHIAL_OK;
}

static phial_status put_symbols(const symbol *symbols, ph_tokens *out)
{
    size_t n = 0;

    for (uint32_t at = 0; at != NONE; at = symbols[at].next)
        n++;
    PH_TRY(ph_tokens_reserve(out, n));
    for (uint32_t at = 0; at != NONE; at = symbols[at].next)
        out->data[out->len++] = (phial_token)symbols[at].id;
    return PHIAL_OK;
}

phial_status ph_merge_long(const ph_tokenizer *t, const uint32_t *ids, size_t n,
                           ph_tokens *out)
{
    merger m = {.t = t};
    phial_status status;

    m.symbols = ph_alloc_raw(t->heap, n * sizeof *m.symbols);
    if (!m.symbols)
        return ph_no_memory("a long word", n * sizeof *m.symbols);
    status = merge_all(&m, ids, (uint32_t)n);
    if (status >= 0)
        status = put_symbols(m.symbols, out);
    ph_free(t->heap, m.symbols);
    ph_free(t->heap, m.queues);
    ph_free(t->heap, m.ranks.data);
    ph_free(t->heap, m.pairs.data);
    return status;
}
