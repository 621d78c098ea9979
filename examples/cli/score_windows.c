/* SPDX-License-Identifier: MIT
 * Which tokens are read together, and which of them are scored. */
#include "score.h"

#include <stdlib.h>

enum { DEFAULT_CONTEXT = 2048, LLAMA_CONTEXT = 512, SHORTEST = 4 };

static void add(score_windows *w, score_window one)
{
    w->items[w->n++] = one;
    w->n_read += one.end - one.begin - 1; /* nothing follows the last token */
    w->n_scored += one.end - one.first;
}

/* The sliding window of Hugging Face's page on perplexity: a window every
 * stride tokens, in which those are scored that no earlier window held. The
 * first token of a window has nothing before it and is never scored. */
static void slide(score_windows *w, size_t n)
{
    size_t scored = 0;

    w->items = must_alloc(n / w->stride + 1, sizeof *w->items);
    for (size_t begin = 0; scored < n; begin += w->stride) {
        const size_t left = n - begin;
        const size_t end = begin + (left < w->context ? left : w->context);
        const size_t first = scored > begin ? scored : begin + 1;

        if (first < end)
            add(w, (score_window){begin, first, end, false});
        scored = end;
    }
}

/* llama-perplexity: windows side by side, what does not fill one is left out;
 * logits behind position context / 2 and later are looked at. */
static void cut(score_windows *w, const score_text *text)
{
    const size_t n = text->n / w->context;

    w->items = must_alloc(n, sizeof *w->items);
    for (size_t i = 0; i < n; i++) {
        const size_t begin = i * w->context;

        add(w, (score_window){begin, begin + w->context / 2 + 1,
                              begin + w->context, text->has_bos});
    }
}

static int check(const score_text *text, const score_windows *w)
{
    if (w->context < SHORTEST) {
        complain("score: a window of %zu tokens is too short: %d at least",
                 w->context, SHORTEST);
        return CLI_USAGE;
    }
    if (w->stride > w->context) {
        complain("score: --stride: %zu is more than a window, which has %zu "
                 "tokens",
                 w->stride, w->context);
        return CLI_USAGE;
    }
    if (w->stride && text->n < 2) {
        complain("the text has %zu token%s; with fewer than 2 there is nothing "
                 "to score",
                 text->n, text->n == 1 ? "" : "s");
        return CLI_FAILED;
    }
    if (!w->stride && text->n < w->context) {
        complain("the text has %zu tokens; llama-perplexity's rule scores "
                 "whole windows, of %zu tokens",
                 text->n, w->context);
        return CLI_FAILED;
    }
    return CLI_OK;
}

int windows_make(const settings *s, const score_text *text, size_t n_context,
                 score_windows *out)
{
    const bool llama = s->windows == WINDOWS_LLAMA;
    const size_t usual = llama ? LLAMA_CONTEXT : DEFAULT_CONTEXT;
    int code;

    *out = (score_windows){0};
    out->context = n_context < usual ? n_context : usual;
    if (s->context)
        out->context = (size_t)s->context;
    if (!llama)
        out->stride = s->stride ? (size_t)s->stride : (out->context + 1) / 2;
    code = check(text, out);
    if (code != CLI_OK)
        return code;
    if (llama)
        cut(out, text);
    else
        slide(out, text->n);
    return CLI_OK;
}
