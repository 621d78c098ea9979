/* SPDX-License-Identifier: MIT
 * What a saved session may say. Checksums find damage, but no malice: whatever
 * else in the library relies on is checked here, field by field. */
#include "session/saved.h"

#include "text/text.h"

#include <math.h>

static const char *const format_names[] = {"AUTO", "F32", "F16", "Q8"};

static phial_status damaged(const char *name, const char *what)
{
    return ph_fail(PHIAL_E_FORMAT, "%s: %s", ph_show_path(name).text, what);
}

static phial_status check_kind(const uint8_t *bytes, const char *name)
{
    uint32_t version;

    if (!ph_saved_is(bytes, &version))
        return damaged(name, "it is not a saved session");
    if (ph_saved_checksum(bytes) !=
        ph_le64(bytes + PH_SAVED_HEADER - PH_SAVED_CHECKSUM))
        return damaged(name, "the header is damaged: its checksum is another");
    if (version == 0)
        return damaged(name, "it says to be of format 0, which never was");
    if (version > PH_SAVED_VERSION)
        return ph_fail(PHIAL_E_MISMATCH,
                       "%s: saved in format %u by a later version of the "
                       "library; this one reads %d",
                       ph_show_path(name).text, version, PH_SAVED_VERSION);
    return PHIAL_OK;
}

static phial_status check_model(const ph_saved *s, const ph_session *session,
                                const char *name)
{
    const ph_model *model = session->model;

    if (s->fingerprint != model->fingerprint)
        return ph_fail(PHIAL_E_MISMATCH,
                       "%s: saved with another model: its fingerprint is "
                       "%016llx, that of this one %016llx",
                       ph_show_path(name).text,
                       (unsigned long long)s->fingerprint,
                       (unsigned long long)model->fingerprint);
    if (s->adapters != ph_sequence_adapters(session->sequence))
        return ph_fail(
            PHIAL_E_MISMATCH,
            "%s: saved with other adapters or scales than this "
            "session has: their fingerprint is %016llx, expected "
            "%016llx",
            ph_show_path(name).text, (unsigned long long)s->adapters,
            (unsigned long long)ph_sequence_adapters(session->sequence));
    if (s->cache_format < PHIAL_CACHE_F32 || s->cache_format > PHIAL_CACHE_Q8)
        return damaged(name, "the cache format is none that there is");
    if (s->cache_format != (uint32_t)session->config.cache_format)
        return ph_fail(PHIAL_E_MISMATCH,
                       "%s: saved with keys and values in %s, those of this "
                       "session are in %s",
                       ph_show_path(name).text, format_names[s->cache_format],
                       format_names[session->config.cache_format]);
    if (s->n_vocab != model->hp.n_vocab ||
        s->page_bytes != ph_sequence_page_bytes(session->sequence))
        return damaged(name, "its sizes are not those of its model");
    return PHIAL_OK;
}

/* AUTO takes either, and reads anew if it must. */
static phial_status check_rope(const ph_saved *s, const ph_session *session,
                               const char *name)
{
    static const char *const names[] = {"short", "long"};
    const int32_t option = session->config.rope;
    const uint32_t forced =
        option == PHIAL_ROPE_LONG ? PH_ROPE_LONG : PH_ROPE_SHORT;

    if (s->rope > PH_ROPE_LONG ||
        (s->rope == PH_ROPE_LONG && !session->model->hp.longrope))
        return damaged(name, "the rotary factors are none that there are");
    if (s->n_computed && session->model->hp.longrope &&
        option != PHIAL_ROPE_AUTO && s->rope != forced)
        return ph_fail(PHIAL_E_MISMATCH,
                       "%s: computed with %s rotary factors, this session was "
                       "made for %s ones",
                       ph_show_path(name).text, names[s->rope], names[forced]);
    return PHIAL_OK;
}

static phial_status check_counts(const ph_saved *s, const ph_session *session,
                                 const char *name)
{
    uint64_t size;

    if (s->n_tokens > session->config.n_context)
        return ph_fail(
            PHIAL_E_CONTEXT, "%s: it holds %u tokens, this session at most %u",
            ph_show_path(name).text, s->n_tokens, session->config.n_context);
    if (s->n_computed > s->n_tokens || s->logits_len > s->n_tokens)
        return damaged(name, "more is computed than there are tokens");
    if (!ph_saved_size(s, &size) || size != s->size)
        return damaged(name, "its length is not the sum of its parts");
    return PHIAL_OK;
}

static bool is_empty(const ph_tally *tally)
{
    return tally->n_tokens == 0 && tally->logprob == 0;
}

/* Without a turn there is nothing of one. */
static bool no_turn(const ph_saved *s)
{
    return !s->ended && !s->at_start && !s->reason && !s->start &&
           !s->n_pending && !s->n_generated && !s->held_len && !s->safe &&
           is_empty(&s->text) && is_empty(&s->stop);
}

/* What session_generate.c and session_events.c keep up. */
static bool is_turn(const ph_saved *s)
{
    if (s->start == 0 || s->start > s->n_tokens ||
        s->n_generated != s->n_tokens - s->start || s->safe > s->held_len)
        return false;
    if (s->text.n_tokens > s->n_generated || s->stop.n_tokens > 1 ||
        !isfinite(s->text.logprob) || !isfinite(s->stop.logprob))
        return false;
    if (s->reason > PHIAL_STOP_CONSTRAINT || (s->ended && !s->reason) ||
        (s->reason && s->safe != s->held_len))
        return false;
    return !s->ended ||
           (!s->held_len && is_empty(&s->text) && is_empty(&s->stop));
}

bool ph_saved_turn(const ph_saved *s, const ph_tokenizer *tokenizer,
                   ph_turn *turn)
{
    *turn = (ph_turn){.active = s->active,
                      .ended = s->ended,
                      .reason = (int32_t)s->reason,
                      .start = s->start,
                      .n_generated = s->n_generated,
                      .safe = (size_t)s->safe,
                      .text = s->text,
                      .stop = s->stop};
    if (!s->active)
        return no_turn(s);
    ph_decoder_init(&turn->decoder, tokenizer, 0);
    return is_turn(s) && ph_decoder_restore(&turn->decoder, s->pending,
                                            s->n_pending, s->at_start);
}

phial_status ph_saved_check(const uint8_t bytes[PH_SAVED_HEADER], uint64_t size,
                            const ph_session *session, const char *name,
                            ph_saved *saved)
{
    ph_turn turn;

    PH_TRY(check_kind(bytes, name));
    if (!ph_saved_decode(bytes, saved))
        return damaged(name, "the header has something where nothing may be");
    if (saved->size != size)
        return ph_fail(PHIAL_E_FORMAT,
                       "%s: it is %llu bytes long, expected %llu by its header",
                       ph_show_path(name).text, (unsigned long long)size,
                       (unsigned long long)saved->size);
    PH_TRY(check_model(saved, session, name));
    PH_TRY(check_rope(saved, session, name));
    PH_TRY(check_counts(saved, session, name));
    if (!ph_saved_turn(saved, session->model->tokenizer, &turn))
        return damaged(name, "its turn is in a state that does not exist");
    return PHIAL_OK;
}

phial_status ph_saved_check_data(const ph_saved *saved, const ph_tokens *tokens,
                                 const ph_buf *held, const float *logits,
                                 const char *name)
{
    for (size_t i = 0; i < tokens->len; i++)
        if (tokens->data[i] < 0 || (uint32_t)tokens->data[i] >= saved->n_vocab)
            return ph_fail(PHIAL_E_FORMAT,
                           "%s: token %zu is %d, the vocabulary has 0 to %u",
                           ph_show_path(name).text, i, (int)tokens->data[i],
                           saved->n_vocab - 1);
    if (held->len && (!ph_utf8_valid(held->data, held->len) ||
                      !ph_utf8_valid(held->data, (size_t)saved->safe)))
        return damaged(name, "the text that it holds is not UTF-8");
    for (size_t i = 0; logits && i < saved->n_vocab; i++)
        if (!isfinite(logits[i]))
            return damaged(name, "a logit is not a finite number");
    return PHIAL_OK;
}
