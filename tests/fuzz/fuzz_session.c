/* SPDX-License-Identifier: MIT
 * Fuzz target: saved sessions with bytes changed and every checksum made right
 * again, as a forger would. Four bytes choose the session, its cache's format
 * and what else is repaired; then each three bytes are a place and what is
 * exclusive-ored there. What loads is run and saved. A leak, an error without a
 * sentence, or a session that is not as before when loading fails is a finding.
 */
#include "failing_heap.h"
#include "session/session.h"
#include "tiny_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    HEADER = 160,
    CHECKSUM = 8,
    BLOCK = 1 << 20,
    N_STATES = 12,
    N_FORMATS = 3,
    CONTEXT = 160
};

typedef struct file {
    uint8_t *data;
    size_t len;
} file;

static failing_heap heap;
static ph_model *model;
static ph_pool *pool;
static ph_page_store *store;
static file good[N_STATES][N_FORMATS];

static void expect(bool is_good)
{
    if (!is_good)
        abort();
}

static bool succeeds(phial_status status)
{
    if (status < 0)
        expect(ph_error_text()[0] != 0 && status != PHIAL_E_INTERNAL);
    return status >= 0;
}

/* ---- Sessions ---------------------------------------------------------- */

static ph_session *start(uint32_t format)
{
    const ph_session_config config = {.n_context = CONTEXT,
                                      .n_prefill = 16,
                                      .cache_format =
                                          (int32_t)(PHIAL_CACHE_F32 + format),
                                      .store = store};
    phial_sampling sampling = PHIAL_INIT(phial_sampling);
    ph_session *session = NULL;

    sampling.flags = PHIAL_SAMPLING_IGNORE_EOS | PHIAL_SAMPLING_SEEDED;
    sampling.temperature = 1;
    sampling.repeat_penalty = 1.1f;
    sampling.max_tokens = 12;
    expect(succeeds(ph_session_new(model, pool, &config, &session)));
    expect(succeeds(ph_session_set_sampling(session, &sampling)));
    return session;
}

static phial_status append(void *user, const void *data, size_t n)
{
    file *f = user;

    f->data = realloc(f->data, f->len + n);
    expect(f->data != NULL);
    memcpy(f->data + f->len, data, n);
    f->len += n;
    return PHIAL_OK;
}

static file save(ph_session *session)
{
    file f = {NULL, 0};
    const ph_sink sink = {append, &f};

    expect(succeeds(ph_session_save(session, &sink)));
    expect(f.len == ph_session_saved_size(session));
    return f;
}

static phial_status read_at(void *user, uint64_t offset, void *buf, size_t n)
{
    const file *f = user;

    expect(offset <= f->len && n <= f->len - offset);
    memcpy(buf, f->data + offset, n);
    return PHIAL_OK;
}

static phial_status load(ph_session *session, const file *f)
{
    const ph_source source = {read_at, (void *)f, f->len, "input"};

    return ph_session_load(session, &source);
}

/* With some tokens, and some of a turn, whose text is held back. */
static file make_good(uint32_t state, uint32_t format)
{
    static const size_t n_tokens[N_STATES / 2] = {0, 1, 20, 63, 64, 130};
    ph_session *session = start(format);
    const size_t n = n_tokens[state % (N_STATES / 2)];
    file f;

    for (size_t i = 0; i < n; i++) {
        const phial_token id = (phial_token)(tiny_random(1, i) % 200);

        expect(succeeds(ph_session_add_tokens(session, &id, 1)));
    }
    for (int i = 0; n && state >= N_STATES / 2 && i < 7; i++) {
        ph_step step = {NULL, NULL, NULL};

        ph_step_add(&step, session);
        expect(succeeds(ph_step_run(&step)));
    }
    f = save(session);
    ph_session_free(session);
    return f;
}

static void make_all(void)
{
    char path[] = "/tmp/phial-fuzz-session-XXXXXX";
    const ph_model_config config = {.heap = &heap.heap};
    tiny_model m = tiny_model_of(TINY_PHI4_MINI, PH_Q8_0, 1);
    const int fd = mkstemp(path);
    gguf_writer *w;

    expect(fd >= 0);
    close(fd);
    m.n_layers = 1;
    w = tiny_model_build(&m);
    gguf_write(w, path);
    gguf_writer_free(w);
    failing_heap_init(&heap, 0, FAIL_NEVER);
    expect(succeeds(ph_model_open(path, &config, &model)));
    remove(path);
    expect(succeeds(ph_pool_new(&heap.heap, 1, &pool)));
    expect(succeeds(ph_page_store_new(&heap.heap, 0, &store)));
    for (uint32_t i = 0; i < N_STATES; i++)
        for (uint32_t k = 0; k < N_FORMATS; k++)
            good[i][k] = make_good(i, k);
}

/* ---- Forging ----------------------------------------------------------- */

/* Moves *at behind a section, with its checksums made right as far as there is
 * file. */
static void repair_section(file *f, uint64_t *at, uint64_t n, uint64_t *seed)
{
    while (n > 0 && *at < f->len) {
        const uint64_t block = n < BLOCK ? n : BLOCK;

        if (block > f->len - *at || CHECKSUM > f->len - *at - block) {
            *at = f->len;
            return;
        }
        *seed = ph_xxh64(f->data + *at, (size_t)block, *seed);
        ph_put_le64(f->data + *at + block, *seed);
        *at += block + CHECKSUM;
        n -= block;
    }
}

/* Offsets: doc/session-file.md. */
static void repair(file *f, bool size_too)
{
    uint8_t *h = f->data;
    uint64_t at = HEADER, seed;

    if (f->len < HEADER)
        return;
    if (size_too)
        ph_put_le64(h + 16, f->len);
    seed = ph_xxh64(h, HEADER - CHECKSUM, 0);
    ph_put_le64(h + HEADER - CHECKSUM, seed);
    repair_section(f, &at, (uint64_t)ph_le32(h + 52) * 4, &seed);
    repair_section(f, &at, ph_le64(h + 96), &seed);
    if (ph_le32(h + 60))
        repair_section(f, &at, (uint64_t)ph_le32(h + 40) * 4, &seed);
    while (at < f->len && ph_le64(h + 32))
        repair_section(f, &at, ph_le64(h + 32), &seed);
}

static file forge(const uint8_t *data, size_t size)
{
    const file *from = &good[data[0] % N_STATES][data[1] % N_FORMATS];
    const size_t cut = data[3];
    file f = {malloc(from->len), from->len - (cut < from->len ? cut : 0)};

    expect(f.data != NULL);
    memcpy(f.data, from->data, from->len);
    for (size_t i = 4; i + 3 <= size; i += 3) {
        const size_t place = ph_le16(data + i);
        const size_t in_header = place & 0x8000;

        f.data[place % (in_header ? HEADER : f.len)] ^= data[i + 2];
    }
    repair(&f, data[2] & 1);
    return f;
}

/* ---- Running what was loaded ------------------------------------------- */

static void answer(ph_session *session)
{
    phial_event event;
    phial_status status;

    for (int i = 0; i < 20; i++) {
        status = ph_session_next(session, &event);
        if (!succeeds(status) || status == PHIAL_END)
            return;
        expect(event.kind == PHIAL_EVENT_STOP || event.text_len > 0);
    }
}

static void run(ph_session *session, uint32_t format)
{
    file a = save(session), b;
    ph_session *copy = start(format);
    phial_token top[4];
    float logprobs[4];
    size_t n;

    expect(succeeds(load(copy, &a)));
    b = save(copy);
    expect(a.len == b.len && memcmp(a.data, b.data, a.len) == 0);
    free(a.data);
    free(b.data);
    ph_session_free(copy);
    succeeds(ph_session_get_top(session, top, logprobs, 4, &n));
    answer(session);
    succeeds(ph_session_add_text(session, PH_STR("more"), 0));
    answer(session);
    succeeds(ph_session_get_tokens(session, NULL, 0, &n));
    expect(succeeds(ph_session_rewind(session, n / 2)));
    answer(session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ph_session *session;
    uint32_t format;
    size_t n_live;
    file f;

    if (!model)
        make_all();
    if (size < 4)
        return 0;
    n_live = heap.n_live;
    format = data[1] % N_FORMATS;
    f = forge(data, size);
    session = start(format);
    expect(succeeds(load(session, &good[5][format])));
    ph_fail(PHIAL_OK, "%s", "");
    if (succeeds(load(session, &f))) {
        run(session, format);
    } else {
        file now = save(session);

        expect(now.len == good[5][format].len &&
               memcmp(now.data, good[5][format].data, now.len) == 0);
        free(now.data);
    }
    ph_session_free(session);
    free(f.data);
    expect(heap.n_live == n_live && heap.bad_frees == 0);
    return 0;
}
