/* SPDX-License-Identifier: MIT
 * What a talk says. All choices here come from its number, so that they are the
 * same in company and alone. */
#include "soak.h"

#include <stdio.h>

enum { N_BEGINNINGS = 24, MAX_PROMPT = 2048 };

/* n words, of which there are few: text repeats itself, and is guessed. */
static size_t put_words(char *to, uint64_t *random, uint64_t n)
{
    static const char *const words[] = {
        "the",
        "a",
        "fox",
        "small",
        "model",
        "reads",
        "seven",
        "tokens",
        "what",
        "is",
        "17 +",
        "25?",
        "Paris",
        "then",
        "wrote",
        "again",
        ", ",
        ".\n\n",
        "\t{}",
        "\xc3\xa9t\xc3\xa9",
        "\xe4\xbd\xa0",
        "1234",
        "\xf0\x9f\x99\x82",
        "<|end|>",
    };
    size_t len = 0;

    for (uint64_t i = 0; i < n; i++)
        len += (size_t)snprintf(to + len, MAX_PROMPT - len, " %s",
                                words[draw(random) % 24]);
    return len;
}

/* Short ones mostly. */
static uint64_t choose_length(uint64_t random)
{
    switch (random % 6) {
    case 0:
        return 30 + (random >> 8) % 90;
    case 1:
    case 2:
        return 10 + (random >> 8) % 30;
    default:
        return 1 + (random >> 8) % 10;
    }
}

/* One of a few texts that many talks begin with. */
static size_t put_beginning(char *to, uint64_t which)
{
    uint64_t random = which % N_BEGINNINGS;

    return put_words(to, &random, 25 + which % N_BEGINNINGS);
}

static void choose_sampling(talk *t)
{
    static const char *const stops[] = {"e", "the", "\n", "never said"};
    static const phial_token token = 30;
    static const float bias = 2;
    const uint64_t random = draw(&t->content);
    phial_sampling *s = &t->sampling;

    *s = (phial_sampling)PHIAL_INIT(phial_sampling);
    s->max_tokens = 1 + random % 24;
    if (random >> 8 & 1)
        s->flags |= PHIAL_SAMPLING_IGNORE_EOS;
    if (random >> 9 & 1)
        s->flags |= PHIAL_SAMPLING_LOGPROBS;
    if ((random >> 10) % 3) {
        s->flags |= PHIAL_SAMPLING_SEEDED;
        s->seed = random;
        s->temperature = 0.7f;
        s->top_p = (random >> 16) % 2 ? 0.95f : 0;
        s->top_k = (random >> 17) % 4 ? 0 : 20;
    }
    s->repeat_penalty = (random >> 24) % 4 ? 0 : 1.1f;
    s->presence_penalty = (random >> 26) % 4 ? 0 : 0.5f;
    if ((random >> 32) % 3 == 0) {
        s->stop = stops + (random >> 34) % 3;
        s->n_stop = 2;
    }
    if ((random >> 40) % 8 == 0) {
        s->bias_tokens = &token;
        s->bias_values = &bias;
        s->n_bias = 1;
    }
    must_be(phial_session_set_sampling(t->session, s), PHIAL_OK, "sampling");
}

static phial_status say_tokens(talk *t, uint64_t n)
{
    phial_model_info info = PHIAL_INIT(phial_model_info);
    phial_token tokens[120];

    must_be(phial_model_get_info(t->model, &info), PHIAL_OK, "info");
    for (uint64_t i = 0; i < n; i++)
        tokens[i] = (phial_token)(draw(&t->content) % info.n_vocab);
    return phial_session_add_tokens(t->session, tokens, (size_t)n);
}

static phial_status say_text(talk *t)
{
    const uint64_t random = draw(&t->content);
    const size_t held = talk_held(t);
    char text[2 * MAX_PROMPT];
    size_t len = 0;

    if (held && random % 4 == 0) {
        t->tally->n_rewinds++;
        must_be(phial_session_rewind(t->session, (random >> 8) % held),
                PHIAL_OK, "rewinding");
    }
    if ((random >> 32) % 8 == 0)
        return say_tokens(t, choose_length(random >> 40));
    if (!held && (random >> 36) % 2)
        len = put_beginning(text, random >> 37);
    len += put_words(text + len, &t->content, choose_length(random >> 40));
    return phial_session_add_text(t->session, text, len,
                                  held ? 0 : PHIAL_TEXT_BOS);
}

static void add(talk *t, int32_t role, const char *text, size_t len)
{
    must_be(phial_chat_add(t->chat, role, text, len), PHIAL_OK, "a message");
}

static phial_status say_chat(talk *t)
{
    static const char tools[] =
        "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":"
        "{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"number\"}}}}}]";
    const uint64_t random = draw(&t->content);
    char text[MAX_PROMPT];

    if (talk_held(t)) {
        add(t, PHIAL_ROLE_ASSISTANT, t->answer, t->answer_len);
    } else {
        if (random % 8 == 0)
            must_be(phial_chat_set_tools(t->chat, tools, sizeof tools - 1),
                    PHIAL_OK, "tools");
        if (random >> 8 & 1)
            add(t, PHIAL_ROLE_SYSTEM, text, put_beginning(text, random >> 9));
    }
    add(t, PHIAL_ROLE_USER, text,
        put_words(text, &t->content, choose_length(random >> 40)));
    return phial_session_set_chat(t->session, t->chat);
}

bool talk_say(talk *t)
{
    phial_status status;

    if (t->n_turns-- == 0)
        return false;
    choose_sampling(t);
    status = t->chat ? say_chat(t) : say_text(t);
    if (status == PHIAL_E_CONTEXT) {
        t->tally->n_full++;
        return false;
    }
    must_be(status, PHIAL_OK, "input");
    t->answer_len = 0;
    t->tally->n_turns++;
    return true;
}
