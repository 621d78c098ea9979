/* SPDX-License-Identifier: MIT
 * What befalls a talk in the middle of a turn: it is copied, saved and loaded,
 * cancelled, or told what it must refuse. None of it may show in what it gives.
 */
#include "soak.h"

#include <stdlib.h>
#include <string.h>

/* A copy that says something else, a word now and then, on pages that it
 * shares. It waits before: its origin is then ahead of it, or behind. */
static phial_session *branch;
static uint64_t n_to_wait;

void fate_end(void)
{
    phial_session_free(branch);
    branch = NULL;
}

static void branch_on(void)
{
    phial_event event = PHIAL_INIT(phial_event);
    phial_status status;

    if (!branch)
        return;
    if (n_to_wait > 0) {
        n_to_wait--;
        return;
    }
    status = phial_session_next(branch, &event);
    if (status == PHIAL_OK)
        return;
    must_be(status, PHIAL_END, "the branch");
    fate_end();
}

/* The copy goes on instead, or beside it. */
static void fork_it(talk *t)
{
    phial_sampling other = PHIAL_INIT(phial_sampling);
    phial_session *copy = NULL;

    must_be(phial_session_fork(t->session, &copy), PHIAL_OK, "a fork");
    t->tally->n_forks++;
    if (draw(&t->fate) % 2) {
        talk_go_on_with(t, copy);
        return;
    }
    fate_end();
    branch = copy;
    n_to_wait = draw(&t->fate) % 24;
    other.flags = PHIAL_SAMPLING_SEEDED | PHIAL_SAMPLING_IGNORE_EOS;
    other.seed = t->fate;
    other.temperature = 2;
    other.max_tokens = 20;
    must_be(phial_session_set_sampling(branch, &other), PHIAL_OK, "sampling");
    if (phial_session_add_text(branch, " or", 3, 0) < 0)
        fate_end(); /* its context is full */
}

/* Damage is refused, by the session that was saved; then that goes on from
 * what was saved, or one that knows nothing else does. */
static void save_and_load(talk *t)
{
    phial_session *other = NULL;
    size_t n = 0, at;
    uint8_t *bytes;

    phial_session_save_bytes(t->session, NULL, 0, &n);
    bytes = malloc(n);
    if (!bytes)
        give_up("no memory");
    must_be(phial_session_save_bytes(t->session, bytes, n, &n), PHIAL_OK,
            "saving");
    at = (size_t)(draw(&t->fate) % n);
    bytes[at] ^= 0x10;
    if (phial_session_load_bytes(t->session, bytes, n) >= 0)
        must_be(PHIAL_OK, PHIAL_E_FORMAT, "loading what is damaged");
    bytes[at] ^= 0x10;
    if (draw(&t->fate) % 2) {
        must_be(phial_session_new(t->model, &t->options, &other), PHIAL_OK,
                "a session");
        must_be(phial_session_set_sampling(other, &t->sampling), PHIAL_OK,
                "sampling");
        talk_go_on_with(t, other);
    }
    must_be(phial_session_load_bytes(t->session, bytes, n), PHIAL_OK,
            "loading");
    t->tally->n_loads++;
    free(bytes);
}

static void refuse_text(talk *t)
{
    static const char much[] = "0 9 8 7 6 5 4 3 2 1 ";
    char text[64 * (sizeof much - 1)];
    phial_status status = PHIAL_OK;

    for (size_t i = 0; i < sizeof text; i += sizeof much - 1)
        memcpy(text + i, much, sizeof much - 1);
    status = phial_session_add_text(t->session, text, sizeof text, 0);
    must_be(status, PHIAL_E_CONTEXT, "a text that is too long");
}

static void refuse_tokens(talk *t)
{
    const phial_token tokens[] = {1, 2, 1 << 30, 3};

    must_be(phial_session_add_tokens(t->session, tokens, 4), PHIAL_E_ARGUMENT,
            "a token that is none");
}

static void refuse_message(talk *t)
{
    static const char broken[] = "{\"role\":\"user\",\"content\":\"a\xff\"}";
    phial_chat *chat = NULL;

    must_be(phial_chat_new(&chat), PHIAL_OK, "a chat");
    must_be(phial_chat_add(chat, PHIAL_ROLE_USER, "\xc3(", 2), PHIAL_E_FORMAT,
            "a message that is not UTF-8");
    must_be(phial_chat_add_json(chat, broken, sizeof broken - 1),
            PHIAL_E_FORMAT, "JSON that is not UTF-8");
    must_be(phial_chat_set_tools(chat, "[{\"type\":", 9), PHIAL_E_FORMAT,
            "tools that end too soon");
    must_be(phial_session_rewind(t->session, LONGEST_CONTEXT + 1),
            PHIAL_E_ARGUMENT, "rewinding too far");
    phial_chat_free(chat);
}

/* What every host does now and then. */
static void look_around(talk *t)
{
    phial_tokenizer *tokenizer = NULL;
    phial_token tokens[256];
    char text[4096];
    size_t n = 0;

    must_be(phial_model_get_tokenizer(t->model, &tokenizer), PHIAL_OK,
            "the tokenizer");
    must_be(phial_tokenizer_encode(tokenizer, "A fox, <|end|> 7", 16,
                                   PHIAL_TEXT_SPECIAL, tokens, 256, &n),
            PHIAL_OK, "encoding");
    must_be(phial_tokenizer_decode(tokenizer, tokens, n, PHIAL_TEXT_SPECIAL,
                                   text, sizeof text, &n),
            PHIAL_OK, "decoding");
    phial_model_describe(t->model, NULL, 0, &n);
    phial_tokenizer_free(tokenizer);
}

void talk_meet(talk *t)
{
    branch_on();
    switch (draw(&t->fate) % 48) {
    case 0:
    case 1:
        fork_it(t);
        break;
    case 2:
    case 3:
        save_and_load(t);
        break;
    case 4:
    case 5:
        phial_session_cancel(t->session);
        break;
    case 6:
        refuse_text(t);
        t->tally->n_refused++;
        break;
    case 7:
        refuse_tokens(t);
        t->tally->n_refused++;
        break;
    case 8:
        refuse_message(t);
        t->tally->n_refused += 4;
        break;
    case 9:
        look_around(t);
        break;
    default:
        break;
    }
}
