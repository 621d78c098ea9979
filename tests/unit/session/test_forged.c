/* SPDX-License-Identifier: MIT
 * Saved sessions with every checksum right and one thing wrong: each is refused
 * for what it is. Offsets: doc/session-file.md. */
#include "session_cases.h"

#include "base/base.h"

#include <stdlib.h>
#include <unistd.h>

enum { HEADER = 160, N_TOKENS = 20 };

typedef struct file {
    uint8_t data[1 << 18];
    size_t len;
} file;

static phial_status append(void *user, const void *data, size_t n)
{
    file *f = user;

    ck_assert_uint_le(n, sizeof f->data - f->len);
    memcpy(f->data + f->len, data, n);
    f->len += n;
    return PHIAL_OK;
}

static phial_status read_at(void *user, uint64_t offset, void *buf, size_t n)
{
    const file *f = user;

    ck_assert(offset <= f->len && n <= f->len - offset);
    memcpy(buf, f->data + offset, n);
    return PHIAL_OK;
}

static void save(ph_session *session, file *f)
{
    const ph_sink sink = {append, f};

    f->len = 0;
    ck_status(ph_session_save(session, &sink), PHIAL_OK);
}

static phial_status load(ph_session *session, file *f)
{
    const ph_source source = {read_at, f, f->len, "it"};

    return ph_session_load(session, &source);
}

/* A checksum of n bytes at *at, which is moved behind it. */
static void sign(file *f, size_t *at, size_t n, uint64_t *seed)
{
    if (!n)
        return;
    *seed = ph_xxh64(f->data + *at, n, *seed);
    ph_put_le64(f->data + *at + n, *seed);
    *at += n + 8;
}

/* As a forger would: of the session's own sections, all shorter than a block.
 */
static void sign_all(file *f, size_t n_held, size_t n_logits, size_t page)
{
    uint64_t seed = 0;
    size_t at = 0;

    sign(f, &at, HEADER - 8, &seed);
    sign(f, &at, N_TOKENS * sizeof(phial_token), &seed);
    sign(f, &at, n_held, &seed);
    sign(f, &at, n_logits * sizeof(float), &seed);
    while (at < f->len)
        sign(f, &at, page, &seed);
}

static const struct {
    size_t at;
    uint32_t value; /* written there */
    phial_status status;
    const char *word;
} forged[] = {
    {0, 0, PHIAL_E_FORMAT, "not a saved session"},
    {8, 0, PHIAL_E_FORMAT, "format 0"},
    {8, 2, PHIAL_E_FORMAT, "nothing may be"}, /* but no adapters */
    {8, 3, PHIAL_E_MISMATCH, "later version"},
    {12, 8, PHIAL_E_FORMAT, "nothing may be"},
    {12, 0, PHIAL_E_FORMAT, "turn"}, /* but fields of one */
    {12, 3, PHIAL_E_FORMAT, "turn"}, /* ended without a reason */
    {12, 5, PHIAL_E_FORMAT, "turn"}, /* no SentencePiece */
    {16, 1, PHIAL_E_FORMAT, "bytes long"},
    {24, 1, PHIAL_E_MISMATCH, "another model"},
    {32, 64, PHIAL_E_FORMAT, "sizes"},
    {40, 1, PHIAL_E_FORMAT, "sizes"},
    {44, PHIAL_CACHE_F16, PHIAL_E_MISMATCH, "F16"},
    {44, PHIAL_CACHE_AUTO, PHIAL_E_FORMAT, "cache format"},
    {44, 4, PHIAL_E_FORMAT, "cache format"},
    {48, 2, PHIAL_E_FORMAT, "rotary"},
    {52, 100000, PHIAL_E_CONTEXT, "100000 tokens"},
    {52, N_TOKENS + 1, PHIAL_E_FORMAT, "sum of its parts"},
    {56, N_TOKENS + 1, PHIAL_E_FORMAT, "computed"},
    {56, 0, PHIAL_E_FORMAT, "sum of its parts"},
    {60, N_TOKENS + 1, PHIAL_E_FORMAT, "computed"},
    {60, 0, PHIAL_E_FORMAT, "sum of its parts"},
    {72, 6, PHIAL_E_FORMAT, "turn"},
    {72, UINT32_MAX, PHIAL_E_FORMAT, "turn"},
    {76, 0, PHIAL_E_FORMAT, "turn"},
    {76, N_TOKENS + 1, PHIAL_E_FORMAT, "turn"},
    {80, 1, PHIAL_E_FORMAT, "turn"}, /* the byte is 0 */
    {80, 5, PHIAL_E_FORMAT, "nothing may be"},
    {84, 1, PHIAL_E_FORMAT, "nothing may be"},
    {88, 0, PHIAL_E_FORMAT, "turn"},
    {96, 0xffffff, PHIAL_E_FORMAT, "sum of its parts"},
    {104, 0xffffff, PHIAL_E_FORMAT, "turn"},
    {112, 0xffffff, PHIAL_E_FORMAT, "turn"},
    {116, 0x7fc00000, PHIAL_E_FORMAT, "turn"}, /* NaN */
    {120, 2, PHIAL_E_FORMAT, "turn"},
    {124, 0xff800000, PHIAL_E_FORMAT, "turn"}, /* infinity */
    {128, 1, PHIAL_E_FORMAT, "nothing may be"},
    {136, 1, PHIAL_E_FORMAT, "nothing may be"},
    {148, 1, PHIAL_E_FORMAT, "nothing may be"},
    {HEADER, 0x7fffffff, PHIAL_E_FORMAT, "vocabulary"},
    {HEADER + 4, UINT32_MAX, PHIAL_E_FORMAT, "vocabulary"},
    {HEADER + 4 * N_TOKENS + 8, UINT32_MAX, PHIAL_E_FORMAT, "UTF-8"},
};

enum { N_FORGED = sizeof forged / sizeof *forged };

/* N_TOKENS, of which the last ones are of a turn whose text is held back. */
static ph_session *in_a_turn(const ph_model *model, ph_pool *pool)
{
    const ph_session_config config = {.cache_format = PHIAL_CACHE_Q8};
    phial_sampling sampling = {.flags = PHIAL_SAMPLING_IGNORE_EOS};
    ph_session *session;

    ck_status(ph_session_new(model, pool, &config, &session), PHIAL_OK);
    ck_status(ph_session_set_sampling(session, &sampling), PHIAL_OK);
    for (phial_token id = 20; id < 30; id++)
        ck_status(ph_session_add_tokens(session, &id, 1), PHIAL_OK);
    for (int i = 10; i < N_TOKENS; i++) {
        ph_step step = {NULL, NULL, NULL};

        ph_step_add(&step, session);
        ck_status(ph_step_run(&step), PHIAL_OK);
    }
    return session;
}

static ph_model *model;
static ph_pool *pool;
static ph_session *session;
static file good, bad;

static void setup(void)
{
    char path[] = "/tmp/phial-forged-XXXXXX";
    const ph_model_config config = {.heap = &ph_libc_heap};
    const int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    close(fd);
    tiny_model_write(path, TINY_PHI4_MINI, PH_Q8_0, 1);
    ck_status(ph_model_open(path, &config, &model), PHIAL_OK);
    unlink(path);
    ck_status(ph_pool_new(&ph_libc_heap, 1, &pool), PHIAL_OK);
    session = in_a_turn(model, pool);
    save(session, &good);
    ck_assert_uint_eq(ph_le32(good.data + 52), N_TOKENS);
    ck_assert_uint_gt(ph_le64(good.data + 96), 4); /* text is held back */
}

static void teardown(void)
{
    ph_session_free(session);
    ph_pool_free(pool);
    ph_model_free(model);
}

static void sign_bad(void)
{
    sign_all(&bad, (size_t)ph_le64(good.data + 96), model->hp.n_vocab,
             (size_t)ph_le64(good.data + 32));
}

START_TEST(what_is_forged_is_refused_for_what_it_is)
{
    file *now = calloc(1, sizeof *now);

    bad = good;
    ph_put_le32(bad.data + forged[_i].at, forged[_i].value);
    sign_bad();
    ck_status(load(session, &bad), forged[_i].status);
    ck_assert_msg(strstr(ph_error_text(), forged[_i].word),
                  "at %zu: \"%s\" lacks \"%s\"", forged[_i].at, ph_error_text(),
                  forged[_i].word);
    save(session, now);
    ck_assert(now->len == good.len && !memcmp(now->data, good.data, good.len));
    free(now);
}
END_TEST

START_TEST(a_logit_that_is_no_number_is_refused)
{
    static const uint32_t values[] = {0x7fc00000, 0x7f800000, 0xff800000};
    const size_t page = (size_t)ph_le64(good.data + 32);

    for (size_t i = 0; i < 3; i++) {
        bad = good;
        ph_put_le32(bad.data + good.len - page - 8 - 8 - 4, values[i]);
        sign_bad();
        ck_status(load(session, &bad), PHIAL_E_FORMAT);
        ck_assert_ptr_nonnull(strstr(ph_error_text(), "finite"));
    }
}
END_TEST

START_TEST(signing_changes_nothing_that_is_good)
{
    bad = good;
    sign_bad();
    ck_assert(!memcmp(bad.data, good.data, good.len));
    ck_status(load(session, &bad), PHIAL_OK);
}
END_TEST

TCase *forged_cases(void)
{
    TCase *t = tcase_create("forged");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, what_is_forged_is_refused_for_what_it_is, 0,
                        N_FORGED);
    tcase_add_test(t, a_logit_that_is_no_number_is_refused);
    tcase_add_test(t, signing_changes_nothing_that_is_good);
    return t;
}
