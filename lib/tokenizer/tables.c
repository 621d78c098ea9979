/* SPDX-License-Identifier: MIT
 * The two hash tables of a vocabulary: strings to tokens and pairs to merges.
 * Built once, never changed after, without deletion. */
#include "tokenizer/vocab.h"

/* Slots for count entries at a load of at most a half. */
static size_t slots_for(size_t count)
{
    size_t slots = 16;

    while (slots < 2 * count)
        slots *= 2;
    return slots;
}

static uint64_t load(const char *p, size_t n)
{
    uint64_t word = 0;

    memcpy(&word, p, n);
    return word;
}

static uint64_t mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * 0x9E3779B97F4A7C15u;
    return h ^ h >> 32;
}

/* Eight bytes at a time; the last words overlap. The value never leaves this
 * process, so the order of bytes in a word does not matter. */
static uint64_t hash_of(const char *p, size_t n)
{
    uint64_t h = n;
    size_t at = 0;

    if (n < 4) {
        h = mix(h, (uint8_t)p[0] | (uint64_t)(uint8_t)p[n / 2] << 8 |
                       (uint64_t)(uint8_t)p[n - 1] << 16);
    } else if (n < 8) {
        h = mix(h, load(p, 4) | load(p + n - 4, 4) << 32);
    } else {
        for (; at + 8 < n; at += 8)
            h = mix(h, load(p + at, 8));
        h = mix(h, load(p + n - 8, 8));
    }
    return mix(h, 0);
}

phial_status ph_strings_init(const ph_heap *heap, ph_string_table *table,
                             size_t count)
{
    size_t slots = slots_for(count);

    table->slots = ph_alloc(heap, slots, sizeof *table->slots);
    if (!table->slots)
        return ph_no_memory("the vocabulary", slots * sizeof *table->slots);
    for (size_t i = 0; i < slots; i++)
        table->slots[i].id = PHIAL_NO_TOKEN;
    table->mask = slots - 1;
    return PHIAL_OK;
}

phial_status ph_strings_put(ph_tokenizer *t, uint32_t id)
{
    ph_str text = ph_token_bytes(t, id);
    uint64_t h = hash_of(text.data, text.len);
    size_t i = (size_t)h & t->strings.mask;

    for (size_t probe = 0; probe < PH_MAX_PROBE; probe++) {
        struct ph_string_slot *slot = &t->strings.slots[i];

        if (slot->id == PHIAL_NO_TOKEN) {
            *slot = (struct ph_string_slot){(uint32_t)(h >> 32), (int32_t)id};
            return PHIAL_OK;
        }
        if (slot->tag == (uint32_t)(h >> 32) &&
            ph_str_eq(ph_token_bytes(t, (uint32_t)slot->id), text))
            return ph_fail(PHIAL_E_FORMAT,
                           "tokenizer.ggml.tokens: tokens %d and %u are the "
                           "same, \"%s\"",
                           slot->id, id, ph_show(text).text);
        i = (i + 1) & t->strings.mask;
    }
    return ph_fail(PHIAL_E_FORMAT,
                   "tokenizer.ggml.tokens: more than %d tokens collide with "
                   "token %u, as in no trained vocabulary",
                   PH_MAX_PROBE, id);
}

phial_token ph_strings_find(const ph_tokenizer *t, const char *data, size_t len)
{
    uint64_t h = hash_of(data, len);
    size_t i = (size_t)h & t->strings.mask;

    for (;; i = (i + 1) & t->strings.mask) {
        struct ph_string_slot slot = t->strings.slots[i];

        if (slot.id == PHIAL_NO_TOKEN)
            return PHIAL_NO_TOKEN;
        if (slot.tag == (uint32_t)(h >> 32) &&
            ph_str_eq(ph_token_bytes(t, (uint32_t)slot.id),
                      (ph_str){data, len}))
            return slot.id;
    }
}

phial_status ph_pairs_init(const ph_heap *heap, ph_pair_table *table,
                           size_t count)
{
    size_t slots = slots_for(count);

    table->slots = ph_alloc_raw(heap, slots * sizeof *table->slots);
    if (!table->slots)
        return ph_no_memory("the merges", slots * sizeof *table->slots);
    memset(table->slots, 0xFF, slots * sizeof *table->slots);
    table->mask = slots - 1;
    return PHIAL_OK;
}

phial_status ph_pairs_put(ph_pair_table *table, uint32_t left, uint32_t right,
                          uint32_t rank)
{
    uint64_t key = ph_pair_key(left, right);
    size_t i = ph_pair_slot(key, table->mask);

    for (size_t probe = 0; probe < PH_MAX_PROBE; probe++) {
        uint64_t slot = table->slots[i];

        if (slot == UINT64_MAX) {
            table->slots[i] = key << 21 | rank;
            return PHIAL_OK;
        }
        if (slot >> 21 == key)
            return ph_fail(PHIAL_E_FORMAT,
                           "tokenizer.ggml.merges: merges %u and %u are the "
                           "same",
                           (uint32_t)(slot & (PH_MAX_MERGES - 1)), rank);
        i = (i + 1) & table->mask;
    }
    return ph_fail(PHIAL_E_FORMAT,
                   "tokenizer.ggml.merges: more than %d merges collide with "
                   "merge %u, as in no trained vocabulary",
                   PH_MAX_PROBE, rank);
}
