/* SPDX-License-Identifier: MIT
 * Every allocation fails in turn, once and from then on, over a whole life:
 * open, tokenize, chat, generate, score, save, load, free. Each call gives
 * PHIAL_E_MEMORY and can be made again; nothing leaks. */
#include "api_fixture.h"
#include "malloc_hook.h"

#include <stdio.h>
#include <unistd.h>

/* The model's heap, which can fail by itself. */
typedef struct hooks {
    size_t nth, number, n_failed, n_live;
    bool ever_after;
} hooks;

static void *hook_alloc(void *user, size_t size, size_t alignment)
{
    hooks *h = user;
    size_t now = ++h->number;
    void *ptr;

    if (h->nth && (h->ever_after ? now >= h->nth : now == h->nth)) {
        h->n_failed++;
        return NULL;
    }
    size = (size + alignment - 1) / alignment * alignment;
    ptr = aligned_alloc(alignment, size);
    h->n_live += ptr != NULL;
    return ptr;
}

static void hook_free(void *user, void *ptr, size_t size, size_t alignment)
{
    (void)size;
    (void)alignment;
    ((hooks *)user)->n_live--;
    free(ptr);
}

/* What a life consists of. */
typedef struct life {
    hooks *hooks; /* NULL: the C library's heap */
    phial_model *model;
    phial_tokenizer *tokenizer, *own;
    phial_session *session;
    phial_chat *chat;
    char path[64]; /* of what was saved */
    uint8_t bytes[1 << 18];
    size_t n_bytes;
} life;

static phial_status open_all(life *l)
{
    phial_model_options o = PHIAL_INIT(phial_model_options);

    o.n_threads = 1;
    if (l->hooks) {
        o.mem_alloc = hook_alloc;
        o.mem_free = hook_free;
        o.mem_user = l->hooks;
    }
    return phial_model_open(model_path("short"), &o, &l->model);
}

static phial_status guess(life *l)
{
    phial_memory memory = PHIAL_INIT(phial_memory);

    (void)l;
    return phial_estimate(model_path("short"), NULL, NULL, &memory);
}

static phial_status take_tokenizer(life *l)
{
    return phial_model_get_tokenizer(l->model, &l->tokenizer);
}

static phial_status open_tokenizer(life *l)
{
    return phial_tokenizer_open(model_path("phi-3.5"), &l->own);
}

static phial_status encode(life *l)
{
    phial_token ids[64];
    size_t n;

    return phial_tokenizer_encode(l->tokenizer, "Hello, <|end|> world", 20,
                                  PHIAL_TEXT_SPECIAL, ids, 64, &n);
}

static phial_status decode(life *l)
{
    phial_token ids[3] = {20, 21, 22};
    char text[256];
    size_t n;

    return phial_tokenizer_decode(l->own, ids, 3, PHIAL_TEXT_SPECIAL, text, 256,
                                  &n);
}

static phial_status new_chat(life *l)
{
    return phial_chat_new(&l->chat);
}

static phial_status set_tools(life *l)
{
    return phial_chat_set_tools(
        l->chat,
        "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":"
        "{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"number\"}}}}}]",
        PHIAL_NUL_TERMINATED);
}

static phial_status add(life *l)
{
    return phial_chat_add(l->chat, PHIAL_ROLE_SYSTEM, "Be brief.", 9);
}

static phial_status add_json(life *l)
{
    return phial_chat_add_json(l->chat,
                               "[{\"role\":\"user\",\"content\":\"2+2?\"},"
                               "{\"role\":\"assistant\",\"content\":\"4\"},"
                               "{\"role\":\"user\",\"content\":\"\\u00e9?\"}]",
                               PHIAL_NUL_TERMINATED);
}

static phial_status render(life *l)
{
    char text[4096];
    size_t n;

    return phial_chat_render(l->chat, l->model, PHIAL_TEXT_PROMPT, text,
                             sizeof text, &n);
}

static phial_status start(life *l)
{
    phial_session_options o = PHIAL_INIT(phial_session_options);

    o.n_prefill = 16;
    return phial_session_new(l->model, &o, &l->session);
}

static phial_status sample(life *l)
{
    static const char *const stops[] = {"\x01\x02", "never"};
    static const phial_token id = 30;
    static const float value = -1;
    phial_sampling s = seeded(4);

    s.stop = stops;
    s.n_stop = 2;
    s.bias_tokens = &id;
    s.bias_values = &value;
    s.n_bias = 1;
    return phial_session_set_sampling(l->session, &s);
}

static phial_status set_chat(life *l)
{
    return phial_session_set_chat(l->session, l->chat);
}

static phial_status generate(life *l)
{
    phial_event event = PHIAL_INIT(phial_event);
    phial_status status;

    do
        status = phial_session_next(l->session, &event);
    while (status == PHIAL_OK);
    return status == PHIAL_END ? PHIAL_OK : status;
}

static phial_status add_more(life *l)
{
    return phial_session_add_text(l->session, "one two three", 13, 0);
}

static phial_status score(life *l)
{
    phial_token ids[5] = {40, 41, 42, 43, 44};
    float logprobs[5];

    return phial_session_score(l->session, ids, 5, logprobs);
}

static phial_status look(life *l)
{
    phial_token ids[5];
    float logprobs[5];
    size_t n;

    return phial_session_get_top(l->session, ids, logprobs, 5, &n);
}

static phial_status embed(life *l)
{
    float vector[1024];
    size_t n;

    return phial_model_embed(l->model, "a text", 6, PHIAL_POOL_MEAN, vector,
                             1024, &n);
}

static phial_status read_rows(life *l)
{
    phial_model_info info = PHIAL_INIT(phial_model_info);
    phial_status status = phial_model_get_info(l->model, &info);
    float *rows = calloc(3, info.n_vocab * sizeof *rows);
    size_t n;

    if (!rows)
        return PHIAL_E_MEMORY;
    if (status >= 0)
        status = phial_session_get_rows(l->session, 1, 3, rows,
                                        3 * (size_t)info.n_vocab, &n);
    free(rows);
    return status;
}

static phial_status keep(life *l)
{
    phial_status status;

    if (!l->path[0])
        snprintf(l->path, sizeof l->path, "/tmp/phial-alloc-%ld",
                 (long)getpid());
    status = phial_session_save(l->session, l->path);
    if (status >= 0)
        status = phial_session_save_bytes(l->session, l->bytes, sizeof l->bytes,
                                          &l->n_bytes);
    return status;
}

static phial_status bring_back(life *l)
{
    return phial_session_load(l->session, l->path);
}

static phial_status bring_back_bytes(life *l)
{
    return phial_session_load_bytes(l->session, l->bytes, l->n_bytes);
}

static phial_status fork_it(life *l)
{
    phial_session *copy;
    phial_status status = phial_session_fork(l->session, &copy);

    if (status >= 0) {
        phial_session_free(l->session);
        l->session = copy;
    }
    return status;
}

/* A turn of two sessions in common; the other one is a fork. */
static phial_status step_two(life *l)
{
    phial_session *both[2] = {l->session, NULL};
    phial_status status = phial_session_fork(l->session, &both[1]);
    phial_event event = PHIAL_INIT(phial_event);

    while (status >= 0 && status != PHIAL_END) {
        status = phial_step(both, 2);
        for (int i = 0; i < 2; i++) {
            phial_status one;

            do
                one = phial_session_next(both[i], &event);
            while (one == PHIAL_OK);
            if (one < 0)
                status = one;
        }
    }
    phial_session_free(both[1]);
    return status == PHIAL_END ? PHIAL_OK : status;
}

typedef phial_status (*step)(life *l);

static const step steps[] = {
    guess,    open_all,  take_tokenizer, open_tokenizer,
    encode,   decode,    new_chat,       set_tools,
    add,      add_json,  render,         start,
    sample,   set_chat,  generate,       add_more,
    generate, score,     look,           set_chat,
    generate, keep,      bring_back,     bring_back_bytes,
    add_more, generate,  fork_it,        add_more,
    step_two, read_rows, embed,
};

/* Lives once. A step that fails for want of memory is tried again; what it
 * says then is what counts. */
static phial_status live(hooks *h, size_t *n_retried)
{
    life l = {.hooks = h};
    phial_status status = PHIAL_OK;

    for (size_t i = 0; i < sizeof steps / sizeof *steps && status >= 0; i++) {
        status = steps[i](&l);
        if (status == PHIAL_E_MEMORY) {
            status = steps[i](&l);
            ++*n_retried;
        }
    }
    phial_model_free(l.model);
    phial_tokenizer_free(l.own);
    phial_session_free(l.session);
    phial_chat_free(l.chat);
    phial_tokenizer_free(l.tokenizer);
    if (l.path[0])
        unlink(l.path);
    return status;
}

static size_t stride(void)
{
    const char *text = getenv("PHIAL_TEST_STRIDE");

    return text ? (size_t)atoi(text) : 1;
}

/* Under AddressSanitizer a stride keeps this short; every point is covered by
 * running without. */
START_TEST(every_allocation_of_the_c_library_may_fail)
{
    size_t n_points = 0;
    bool ever_after = _i == 1;

    for (size_t n = 1;; n += stride()) {
        size_t n_failed, n_retried = 0;
        phial_status status;

        malloc_hook_arm(n, ever_after);
        status = live(NULL, &n_retried);
        n_failed = malloc_hook_disarm();
        ck_assert_int_eq(malloc_hook_n_live(), 0);
        if (!n_failed) {
            ck_status(status, PHIAL_OK);
            break;
        }
        n_points++;
        ck_status(status, ever_after ? PHIAL_E_MEMORY : PHIAL_OK);
        ck_assert_uint_eq(n_retried, 1);
    }
    printf("C library, %s: %zu points\n", ever_after ? "ever after" : "once",
           n_points);
    ck_assert_uint_gt(n_points, 100 / stride());
}
END_TEST

START_TEST(every_allocation_through_the_hooks_may_fail)
{
    size_t n_points = 0;
    bool ever_after = _i == 1;

    for (size_t n = 1;; n += stride()) {
        hooks h = {.nth = n, .ever_after = ever_after};
        size_t n_retried = 0;
        phial_status status = live(&h, &n_retried);

        ck_assert_uint_eq(h.n_live, 0);
        if (!h.n_failed) {
            ck_status(status, PHIAL_OK);
            break;
        }
        n_points++;
        ck_status(status, ever_after ? PHIAL_E_MEMORY : PHIAL_OK);
        ck_assert_uint_eq(n_retried, 1);
    }
    printf("hooks, %s: %zu points\n", ever_after ? "ever after" : "once",
           n_points);
    ck_assert_uint_gt(n_points, 50 / stride());
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("alloc failure");
    TCase *t = tcase_create("alloc failure");

    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, every_allocation_of_the_c_library_may_fail, 0, 2);
    tcase_add_loop_test(t, every_allocation_through_the_hooks_may_fail, 0, 2);
    suite_add_tcase(s, t);
    suite_add_tcase(s, growth_case());
    return s;
}

PH_CHECK_MAIN(suite())
