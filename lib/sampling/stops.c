/* SPDX-License-Identifier: MIT
 * Stop texts: Knuth, Morris and Pratt's automaton for each, run side by side
 * (SIAM J. Comput. 6, 1977). At most 2 * PH_MAX_STOPS steps a byte on average,
 * whatever the texts are. */
#include "sampling/sampling.h"

typedef struct stop {
    uint16_t len;
    uint8_t text[PH_MAX_STOP_BYTES];
    /* border[i]: length of the longest proper suffix of the first i + 1 bytes
     * that is also their prefix */
    uint16_t border[PH_MAX_STOP_BYTES];
} stop;

struct ph_stops {
    const ph_heap *heap;
    size_t n;
    stop *stops;
};

/* How many bytes of the text match after one more byte, having matched n. */
static uint16_t advance(const stop *s, uint16_t n, uint8_t byte)
{
    while (n && s->text[n] != byte)
        n = s->border[n - 1];
    return s->text[n] == byte ? (uint16_t)(n + 1) : 0;
}

static phial_status check_stop(const char *text, size_t i)
{
    if (!text || !text[0])
        return ph_fail(PHIAL_E_ARGUMENT, "phial_sampling.stop[%zu] is %s", i,
                       text ? "empty" : "NULL");
    if (memchr(text, 0, PH_MAX_STOP_BYTES + 1) == NULL)
        return ph_fail(PHIAL_E_ARGUMENT,
                       "phial_sampling.stop[%zu] is longer than %d bytes", i,
                       PH_MAX_STOP_BYTES);
    if (((uint8_t)text[0] & 0xc0) == 0x80)
        return ph_fail(PHIAL_E_ARGUMENT,
                       "phial_sampling.stop[%zu] begins within a UTF-8 "
                       "character (byte 0x%02x)",
                       i, (uint8_t)text[0]);
    return PHIAL_OK;
}

static void prepare(stop *s, const char *text)
{
    s->len = (uint16_t)strlen(text);
    memcpy(s->text, text, s->len);
    s->border[0] = 0;
    for (uint16_t i = 1; i < s->len; i++)
        s->border[i] = advance(s, s->border[i - 1], s->text[i]);
}

static phial_status new_stops(const ph_heap *heap, size_t n, ph_stops **out)
{
    ph_stops *stops = ph_alloc(heap, 1, sizeof *stops);

    if (!stops)
        return ph_no_memory("stop texts", sizeof *stops);
    stops->heap = heap;
    stops->n = n;
    stops->stops = ph_alloc(heap, n, sizeof *stops->stops);
    if (!stops->stops) {
        ph_stops_free(stops);
        return ph_no_memory("stop texts", n * sizeof *stops->stops);
    }
    *out = stops;
    return PHIAL_OK;
}

phial_status ph_stops_new(const ph_heap *heap, const char *const *texts,
                          size_t n, ph_stops **out)
{
    ph_stops *stops = NULL;

    if (n > PH_MAX_STOPS)
        return ph_fail(PHIAL_E_ARGUMENT,
                       "phial_sampling.n_stop is %zu, at most %d are allowed",
                       n, PH_MAX_STOPS);
    if (n && !texts)
        return ph_fail(PHIAL_E_ARGUMENT,
                       "phial_sampling.stop is NULL, but n_stop is %zu", n);
    for (size_t i = 0; i < n; i++)
        PH_TRY(check_stop(texts[i], i));
    PH_TRY(new_stops(heap, n, &stops));
    for (size_t i = 0; i < n; i++)
        prepare(&stops->stops[i], texts[i]);
    *out = stops;
    return PHIAL_OK;
}

phial_status ph_stops_copy(const ph_stops *stops, ph_stops **out)
{
    ph_stops *copy = NULL;

    PH_TRY(new_stops(stops->heap, stops->n, &copy));
    memcpy(copy->stops, stops->stops, stops->n * sizeof *stops->stops);
    *out = copy;
    return PHIAL_OK;
}

void ph_stops_free(ph_stops *stops)
{
    if (!stops)
        return;
    ph_free(stops->heap, stops->stops);
    ph_free(stops->heap, stops);
}

bool ph_stops_scan(const ph_stops *stops, const char *text, size_t len,
                   size_t *safe)
{
    uint16_t matched[PH_MAX_STOPS] = {0};
    size_t held = 0;

    for (size_t i = 0; i < len; i++) {
        size_t longest = 0;

        held = 0;
        for (size_t k = 0; k < stops->n; k++) {
            const stop *s = &stops->stops[k];

            matched[k] = advance(s, matched[k], (uint8_t)text[i]);
            held = matched[k] > held ? matched[k] : held;
            if (matched[k] == s->len && s->len > longest)
                longest = s->len;
        }
        if (longest) {
            *safe = i + 1 - longest;
            return true;
        }
    }
    *safe = len - held;
    return false;
}
