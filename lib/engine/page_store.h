/* SPDX-License-Identifier: MIT
 * page_store.h - inside engine: the pages of keys and values of all sequences
 * of a model. Sequences share a page by holding it together; whoever writes to
 * one must have it alone. A full page can be found by the tokens up to its end,
 * so that sequences that begin alike compute their beginning once: a tree, as
 * in Kwon et al. 2023, "Efficient Memory Management for Large Language Model
 * Serving with PagedAttention", section 4.4. All functions may be called on
 * several threads. */
#ifndef PH_PAGE_STORE_H
#define PH_PAGE_STORE_H

#include "engine/engine.h"

/* Keys and values of PH_PAGE tokens follow it. */
typedef struct ph_page {
    _Alignas(64) size_t bytes; /* with this */
    uint32_t holders;          /* sequences; the rest belongs to the store */
    uint64_t id;               /* 0: it cannot be found */
    uint64_t before;           /* what comes before it: an id, or a beginning */
    phial_token tokens[PH_PAGE];
    struct ph_page *chain;         /* the next with the same hash */
    struct ph_page *older, *newer; /* among those without holders */
} ph_page;

/* What comes before the first page: sequences that differ in it share nothing.
 */
enum { PH_N_BEGINNINGS = 16 };

/* The beginning of sequences that have one more adapter, with this scale, than
 * those of another beginning. The store remembers the last few hundred: what
 * comes back after that is a new one, and shares nothing. */
uint64_t ph_page_beginning(ph_page_store *store, uint64_t before,
                           uint64_t adapter, float scale);

/* A page of so many bytes, with its ph_page, held by the caller. Beyond the
 * limit those without holders go, the least recently used first; if that does
 * not help: PHIAL_E_MEMORY. */
phial_status ph_page_take(ph_page_store *store, size_t bytes, ph_page **out);

void ph_page_hold(ph_page_store *store, ph_page *page);
void ph_page_drop(ph_page_store *store, ph_page *page);

/* True if the caller alone holds the page, which then cannot be found any more:
 * it may be written to. */
bool ph_page_is_own(ph_page_store *store, ph_page *page);

/* The page with these PH_PAGE tokens behind before, held by the caller; NULL if
 * there is none. */
ph_page *ph_page_find(ph_page_store *store, uint64_t before,
                      const phial_token *tokens);

/* Lets a full page of the caller's be found. If there is one like it, the
 * caller holds that one afterwards and no longer its own. Returns the one it
 * holds. */
ph_page *ph_page_offer(ph_page_store *store, ph_page *page, uint64_t before,
                       const phial_token *tokens);

#endif /* PH_PAGE_STORE_H */
