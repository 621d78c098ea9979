/* SPDX-License-Identifier: MIT
 * The life of a talk, and what it hears. What is taken from its content is the
 * same in company and alone. */
#include "soak.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

void give_up(const char *why)
{
    fprintf(stderr, "soak: %s\n", why);
    exit(EXIT_FAILURE);
}

void must_be(phial_status got, phial_status want, const char *what)
{
    if (got == want)
        return;
    fprintf(stderr, "soak: %s gave %s, not %s: %s\n", what,
            phial_status_name(got), phial_status_name(want),
            phial_last_error());
    exit(EXIT_FAILURE);
}

static void digest(talk *t, const void *data, size_t n)
{
    const unsigned char *bytes = data;

    for (size_t i = 0; i < n; i++)
        t->digest = (t->digest ^ bytes[i]) * 0x100000001b3;
}

/* ---- What comes back --------------------------------------------------- */

static void add_event(talk *t, const phial_event *event)
{
    if (event->kind == PHIAL_EVENT_STOP) {
        t->tally->n_stops[event->reason]++;
        digest(t, &event->reason, sizeof event->reason);
        return;
    }
    if (event->text_len > MAX_ANSWER - t->answer_len)
        give_up("an answer is too long");
    memcpy(t->answer + t->answer_len, event->text, event->text_len);
    t->answer_len += event->text_len;
}

bool talk_hear(talk *t)
{
    phial_event event = PHIAL_INIT(phial_event);
    phial_status status;

    for (;;) {
        status = phial_session_next(t->session, &event);
        if (status == PHIAL_OK)
            add_event(t, &event);
        else if (status == PHIAL_E_CANCELLED)
            t->tally->n_cancelled++;
        else
            break;
    }
    if (status == PHIAL_PENDING)
        return false;
    must_be(status, PHIAL_END, "the next event");
    digest(t, t->answer, t->answer_len);
    return true;
}

size_t talk_held(const talk *t)
{
    size_t n;

    phial_session_get_tokens(t->session, NULL, 0, &n);
    return n;
}

/* Its tokens, and the logits behind them. */
static void digest_session(talk *t)
{
    phial_token tokens[LONGEST_CONTEXT];
    const float *logits;
    phial_status status;
    size_t n;

    must_be(phial_session_get_tokens(t->session, tokens, LONGEST_CONTEXT, &n),
            PHIAL_OK, "tokens");
    digest(t, tokens, n * sizeof *tokens);
    if (!n)
        return;
    while ((status = phial_session_get_logits(t->session, &logits, &n)) ==
           PHIAL_E_CANCELLED)
        t->tally->n_cancelled++;
    must_be(status, PHIAL_OK, "logits");
    digest(t, logits, n * sizeof *logits);
}

/* ---- Beginning and end ------------------------------------------------- */

uint32_t context_of(const phial_model *model)
{
    phial_model_info info = PHIAL_INIT(phial_model_info);

    must_be(phial_model_get_info(model, &info), PHIAL_OK, "info");
    return info.n_context < LONGEST_CONTEXT ? info.n_context : LONGEST_CONTEXT;
}

static void choose_options(talk *t, bool alone)
{
    static const uint32_t chunks[] = {0, 1, 7, 16, 64, 200};

    t->options = (phial_session_options)PHIAL_INIT(phial_session_options);
    t->options.n_context = context_of(t->model);
    t->options.cache_format =
        PHIAL_CACHE_F32 + (int32_t)(draw(&t->content) % 3);
    if (alone) {
        t->options.flags = PHIAL_SESSION_PRIVATE | PHIAL_SESSION_NO_DRAFTS;
        return;
    }
    t->options.n_prefill = chunks[draw(&t->fate) % 6];
    if (draw(&t->fate) % 8 == 0)
        t->options.flags |= PHIAL_SESSION_PRIVATE;
    if (draw(&t->fate) % 4 == 0)
        t->options.flags |= PHIAL_SESSION_NO_DRAFTS;
}

void talk_begin(talk *t, const phial_model *model, uint64_t number, bool alone,
                tally *sums)
{
    t->model = model;
    t->content = number;
    t->fate = alone ? 0 : ~number | 1;
    t->digest = 0xcbf29ce484222325;
    t->tally = sums;
    t->chat = NULL;
    t->session = NULL;
    choose_options(t, alone);
    t->n_turns = 1 + (int)(draw(&t->content) % 3);
    if (draw(&t->content) % 2)
        must_be(phial_chat_new(&t->chat), PHIAL_OK, "a chat");
    must_be(phial_session_new(model, &t->options, &t->session), PHIAL_OK,
            "a session");
}

static void add_stats(talk *t)
{
    phial_stats stats = PHIAL_INIT(phial_stats);

    must_be(phial_session_get_stats(t->session, &stats), PHIAL_OK, "stats");
    t->tally->n_prompt += stats.n_prompt;
    t->tally->n_reused += stats.n_reused;
    t->tally->n_generated += stats.n_generated;
    t->tally->n_drafted += stats.n_drafted;
    t->tally->n_accepted += stats.n_accepted;
}

void talk_go_on_with(talk *t, phial_session *session)
{
    add_stats(t);
    canceller_show(t->session, session);
    phial_session_free(t->session);
    t->session = session;
}

void talk_end(talk *t)
{
    digest_session(t);
    phial_chat_free(t->chat);
    talk_go_on_with(t, NULL);
}
