/* SPDX-License-Identifier: MIT
 * What the programs in tests/api share. */
#include "api_fixture.h"

#include <stdio.h>

const char *model_path(const char *family)
{
    static _Thread_local char path[MAX_TEXT];
    const char *dir = getenv("PHIAL_TEST_MODELS");

    snprintf(path, sizeof path, "%s/tiny-%s.gguf", dir ? dir : ".", family);
    return path;
}

phial_model *open_model(const char *family, uint32_t n_threads)
{
    phial_model_options o = PHIAL_INIT(phial_model_options);
    phial_model *model = NULL;

    o.n_threads = n_threads;
    ck_status(phial_model_open(model_path(family), &o, &model), PHIAL_OK);
    return model;
}

phial_session *new_session(const phial_model *model)
{
    phial_session *session = NULL;

    ck_status(phial_session_new(model, NULL, &session), PHIAL_OK);
    return session;
}

phial_session *session_with(const char *text)
{
    phial_model *model = open_model("phi-4-mini", 1);
    phial_session *session = new_session(model);

    phial_model_free(model);
    ck_status(phial_session_add_text(session, text, PHIAL_NUL_TERMINATED, 0),
              PHIAL_OK);
    return session;
}

static uint32_t bits_of(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

void add_event(turn *t, const phial_event *event)
{
    ck_assert_uint_eq(event->struct_size, sizeof *event);
    ck_assert_uint_le(t->len + event->text_len, sizeof t->text - 1);
    ck_assert_int_eq(event->text[event->text_len], 0);
    memcpy(t->text + t->len, event->text, event->text_len);
    t->len += event->text_len;
    t->n_tokens += event->n_tokens;
    t->logprob += event->logprob;
    t->logprob_bits = t->logprob_bits * 31 + bits_of(event->logprob);
    t->n_events++;
    ck_assert_int_eq(t->reason, 0);
    if (event->kind == PHIAL_EVENT_STOP)
        t->reason = event->reason;
    else
        ck_assert_uint_gt(event->text_len, 0);
}

phial_status take_events(phial_session *session, turn *t)
{
    phial_event event = PHIAL_INIT(phial_event);
    phial_status status;

    while ((status = phial_session_next(session, &event)) == PHIAL_OK)
        add_event(t, &event);
    return status;
}

turn run_turn(phial_session *session)
{
    turn t = {.len = 0};

    ck_status(take_events(session, &t), PHIAL_END);
    ck_assert_int_ne(t.reason, 0);
    return t;
}

phial_token *held_tokens(const phial_session *session, size_t *n)
{
    phial_status status = phial_session_get_tokens(session, NULL, 0, n);
    phial_token *tokens = malloc((*n + 1) * sizeof *tokens);

    ck_status(status, *n ? PHIAL_E_BUFFER : PHIAL_OK);
    ck_status(phial_session_get_tokens(session, tokens, *n, n), PHIAL_OK);
    return tokens;
}

float *next_logits(phial_session *session, size_t *n)
{
    const float *logits;
    float *copy;

    ck_status(phial_session_get_logits(session, &logits, n), PHIAL_OK);
    copy = malloc(*n * sizeof *copy);
    memcpy(copy, logits, *n * sizeof *copy);
    return copy;
}

const char prompt[] = "Once upon a time there was a small model that "
                      "read more tokens than its first context holds, "
                      "and then it wrote some of its own.";

void set_sampling(phial_session *session, phial_sampling s)
{
    ck_status(phial_session_set_sampling(session, &s), PHIAL_OK);
}

phial_sampling just(uint64_t n)
{
    phial_sampling s = PHIAL_INIT(phial_sampling);

    s.flags = PHIAL_SAMPLING_IGNORE_EOS;
    s.max_tokens = n;
    return s;
}

phial_sampling seeded(uint64_t n)
{
    phial_sampling s = just(n);

    s.flags |= PHIAL_SAMPLING_SEEDED | PHIAL_SAMPLING_LOGPROBS;
    s.seed = 42;
    s.temperature = 1;
    s.top_p = 0.95f;
    s.repeat_penalty = 1.1f;
    return s;
}

phial_sampling only(const phial_token *token)
{
    static const float all = 1000;
    phial_sampling s = PHIAL_INIT(phial_sampling);

    s.bias_tokens = token;
    s.bias_values = &all;
    s.n_bias = 1;
    return s;
}

phial_session *small_session(uint32_t n_context)
{
    phial_session_options o = PHIAL_INIT(phial_session_options);
    phial_model *model = open_model("phi-4-mini", 1);
    phial_session *session = NULL;

    o.n_context = n_context;
    ck_status(phial_session_new(model, &o, &session), PHIAL_OK);
    phial_model_free(model);
    return session;
}

phial_session *prepared_of(const phial_model *model, uint32_t n_prefill)
{
    phial_session_options o = PHIAL_INIT(phial_session_options);
    phial_session *session = NULL;

    o.n_prefill = n_prefill;
    ck_status(phial_session_new(model, &o, &session), PHIAL_OK);
    set_sampling(session, seeded(40));
    ck_status(phial_session_add_text(session, prompt, strlen(prompt), 0),
              PHIAL_OK);
    return session;
}

phial_session *prepared(const char *family, uint32_t n_threads,
                        uint32_t n_prefill)
{
    phial_model *model = open_model(family, n_threads);
    phial_session *session = prepared_of(model, n_prefill);

    phial_model_free(model);
    return session;
}

const char *const families[N_FAMILIES] = {"phi-3-4k", "phi-3.5", "phi-4",
                                          "phi-4-mini"};

static size_t utf8_length(const unsigned char *s)
{
    if (s[0] < 0x80)
        return 1;
    if (s[0] >= 0xc2 && s[0] < 0xe0)
        return 2;
    if (s[0] >= 0xe0 && s[0] < 0xf0)
        return 3;
    return s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;
}

bool is_whole_utf8(const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;

    for (size_t i = 0; i < len;) {
        size_t n = utf8_length(s + i);

        if (!n || n > len - i)
            return false;
        for (size_t k = 1; k < n; k++)
            if ((s[i + k] & 0xc0) != 0x80)
                return false;
        i += n;
    }
    return true;
}
