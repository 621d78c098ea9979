/* SPDX-License-Identifier: MIT
 * Pages by count and by content. One lock guards all of it: a page is taken,
 * found or dropped once in PH_PAGE tokens. */
#include "engine/page_store.h"

#include "os/os.h"

enum { FIRST_BUCKETS = 64, ADAPTED = 256 };

/* A beginning, and what it is made of. */
typedef struct adapted {
    uint64_t id, before, adapter;
    uint32_t scale; /* its bits */
} adapted;

struct ph_page_store {
    const ph_heap *heap;
    ph_mutex lock;
    uint64_t limit;
    uint64_t bytes;
    uint64_t last_id;
    ph_page **buckets;
    size_t n_buckets; /* a power of two */
    size_t n_found;   /* pages in them */
    ph_page *oldest, *newest;
    adapted *adapted; /* ADAPTED of them, the older ones written over; NULL:
                         there was none yet */
    size_t n_adapted;
};

phial_status ph_page_store_new(const ph_heap *heap, uint64_t limit,
                               ph_page_store **out)
{
    ph_page_store *store = ph_alloc(heap, 1, sizeof *store);

    if (!store)
        return ph_no_memory("a store of pages", sizeof *store);
    store->heap = heap;
    store->limit = limit;
    store->last_id = PH_N_BEGINNINGS;
    store->n_buckets = FIRST_BUCKETS;
    store->buckets = ph_alloc(heap, FIRST_BUCKETS, sizeof *store->buckets);
    if (!store->buckets || pthread_mutex_init(&store->lock, NULL)) {
        ph_free(heap, store->buckets);
        ph_free(heap, store);
        return ph_no_memory("a store of pages", sizeof *store);
    }
    *out = store;
    return PHIAL_OK;
}

static ph_page **bucket_of(const ph_page_store *store, uint64_t before,
                           const phial_token *tokens)
{
    const uint64_t hash = ph_hash(tokens, PH_PAGE * sizeof *tokens) ^
                          ph_hash(&before, sizeof before);

    return &store->buckets[hash & (store->n_buckets - 1)];
}

/* Twice as many buckets; if there is no memory for them, chains grow longer. */
static void grow(ph_page_store *store)
{
    ph_page **old = store->buckets;
    const size_t n_old = store->n_buckets;
    ph_page **buckets = ph_alloc(store->heap, 2 * n_old, sizeof *buckets);

    if (!buckets)
        return;
    store->buckets = buckets;
    store->n_buckets = 2 * n_old;
    for (size_t i = 0; i < n_old; i++) {
        ph_page *next;

        for (ph_page *page = old[i]; page; page = next) {
            ph_page **to = bucket_of(store, page->before, page->tokens);

            next = page->chain;
            page->chain = *to;
            *to = page;
        }
    }
    ph_free(store->heap, old);
}

static void enter(ph_page_store *store, ph_page *page, uint64_t before,
                  const phial_token *tokens)
{
    ph_page **to;

    if (store->n_found >= store->n_buckets)
        grow(store);
    to = bucket_of(store, before, tokens);
    page->id = ++store->last_id;
    page->before = before;
    memcpy(page->tokens, tokens, sizeof page->tokens);
    page->chain = *to;
    *to = page;
    store->n_found++;
}

static void withdraw(ph_page_store *store, ph_page *page)
{
    ph_page **at;

    if (!page->id)
        return;
    at = bucket_of(store, page->before, page->tokens);
    while (*at != page)
        at = &(*at)->chain;
    *at = page->chain;
    page->id = 0;
    store->n_found--;
}

static ph_page *look_up(const ph_page_store *store, uint64_t before,
                        const phial_token *tokens)
{
    ph_page *page = *bucket_of(store, before, tokens);

    while (page && (page->before != before ||
                    memcmp(page->tokens, tokens, sizeof page->tokens) != 0))
        page = page->chain;
    return page;
}

static void add_newest(ph_page_store *store, ph_page *page)
{
    page->older = store->newest;
    page->newer = NULL;
    *(store->newest ? &store->newest->newer : &store->oldest) = page;
    store->newest = page;
}

static void remove_idle(ph_page_store *store, ph_page *page)
{
    *(page->older ? &page->older->newer : &store->oldest) = page->newer;
    *(page->newer ? &page->newer->older : &store->newest) = page->older;
}

static void discard(ph_page_store *store, ph_page *page)
{
    withdraw(store, page);
    store->bytes -= page->bytes;
    ph_free(store->heap, page);
}

static void hold(ph_page_store *store, ph_page *page)
{
    if (page->holders++ == 0)
        remove_idle(store, page);
}

static void drop(ph_page_store *store, ph_page *page)
{
    if (--page->holders > 0)
        return;
    if (store->limit && page->id)
        add_newest(store, page);
    else
        discard(store, page);
}

static void evict(ph_page_store *store, uint64_t limit)
{
    while (store->oldest && store->bytes > limit) {
        ph_page *page = store->oldest;

        remove_idle(store, page);
        discard(store, page);
    }
}

void ph_page_store_free(ph_page_store *store)
{
    const ph_heap *heap;

    if (!store)
        return;
    heap = store->heap;
    evict(store, 0);
    pthread_mutex_destroy(&store->lock);
    ph_free(heap, store->adapted);
    ph_free(heap, store->buckets);
    ph_free(heap, store);
}

/* Room for bytes more, as far as the limit goes. */
static phial_status make_room(ph_page_store *store, uint64_t bytes)
{
    if (!store->limit)
        return PHIAL_OK;
    if (bytes <= store->limit)
        evict(store, store->limit - bytes);
    if (bytes > store->limit || store->bytes > store->limit - bytes)
        return ph_fail(PHIAL_E_MEMORY,
                       "the model's sessions hold %llu bytes of keys and "
                       "values, %llu more exceed the limit of %llu",
                       (unsigned long long)store->bytes,
                       (unsigned long long)bytes,
                       (unsigned long long)store->limit);
    return PHIAL_OK;
}

phial_status ph_page_take(ph_page_store *store, size_t bytes, ph_page **out)
{
    phial_status status;
    ph_page *page;

    pthread_mutex_lock(&store->lock);
    status = make_room(store, bytes);
    if (status >= 0)
        store->bytes += bytes;
    pthread_mutex_unlock(&store->lock);
    PH_TRY(status);
    page = ph_alloc_raw(store->heap, bytes);
    if (!page) {
        pthread_mutex_lock(&store->lock);
        store->bytes -= bytes;
        pthread_mutex_unlock(&store->lock);
        return ph_no_memory("a page of keys and values", bytes);
    }
    *page = (ph_page){.bytes = bytes, .holders = 1};
    *out = page;
    return PHIAL_OK;
}

void ph_page_hold(ph_page_store *store, ph_page *page)
{
    pthread_mutex_lock(&store->lock);
    hold(store, page);
    pthread_mutex_unlock(&store->lock);
}

void ph_page_drop(ph_page_store *store, ph_page *page)
{
    pthread_mutex_lock(&store->lock);
    drop(store, page);
    pthread_mutex_unlock(&store->lock);
}

bool ph_page_is_own(ph_page_store *store, ph_page *page)
{
    bool own;

    pthread_mutex_lock(&store->lock);
    own = page->holders == 1;
    if (own)
        withdraw(store, page);
    pthread_mutex_unlock(&store->lock);
    return own;
}

ph_page *ph_page_find(ph_page_store *store, uint64_t before,
                      const phial_token *tokens)
{
    ph_page *page;

    pthread_mutex_lock(&store->lock);
    page = look_up(store, before, tokens);
    if (page)
        hold(store, page);
    pthread_mutex_unlock(&store->lock);
    return page;
}

ph_page *ph_page_offer(ph_page_store *store, ph_page *page, uint64_t before,
                       const phial_token *tokens)
{
    ph_page *twin;

    pthread_mutex_lock(&store->lock);
    twin = look_up(store, before, tokens);
    if (!twin) {
        enter(store, page, before, tokens);
    } else if (twin != page) {
        hold(store, twin);
        drop(store, page);
        page = twin;
    }
    pthread_mutex_unlock(&store->lock);
    return page;
}

uint64_t ph_page_store_bytes(ph_page_store *store)
{
    uint64_t bytes;

    pthread_mutex_lock(&store->lock);
    bytes = store->bytes;
    pthread_mutex_unlock(&store->lock);
    return bytes;
}

/* What is made here is found again, unless there is no memory for that. */
static uint64_t enter_beginning(ph_page_store *store, const adapted *want)
{
    const uint64_t id = ++store->last_id;
    adapted *slot;

    if (!store->adapted)
        store->adapted = ph_alloc(store->heap, ADAPTED, sizeof *store->adapted);
    if (!store->adapted)
        return id;
    slot = &store->adapted[store->n_adapted++ % ADAPTED];
    *slot = *want;
    slot->id = id;
    return id;
}

static uint64_t find_beginning(const ph_page_store *store, const adapted *want)
{
    for (size_t i = 0; store->adapted && i < ADAPTED; i++) {
        const adapted *a = &store->adapted[i];

        if (a->id && a->before == want->before && a->adapter == want->adapter &&
            a->scale == want->scale)
            return a->id;
    }
    return 0;
}

uint64_t ph_page_beginning(ph_page_store *store, uint64_t before,
                           uint64_t adapter, float scale)
{
    adapted want = {.before = before, .adapter = adapter};
    uint64_t id;

    memcpy(&want.scale, &scale, sizeof want.scale);
    pthread_mutex_lock(&store->lock);
    id = find_beginning(store, &want);
    if (!id)
        id = enter_beginning(store, &want);
    pthread_mutex_unlock(&store->lock);
    return id;
}
