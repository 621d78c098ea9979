/* SPDX-License-Identifier: MIT
 * Models and sessions for the session's tests. */
#include "session_cases.h"

#include <stdio.h>
#include <unistd.h>

void open_world(world *w, tiny_family family, ph_dtype type)
{
    ph_model_config config = {.heap = &w->heap};

    w->heap = ph_libc_heap;
    snprintf(w->path, sizeof w->path, "/tmp/phial-session-%ld.gguf",
             (long)getpid());
    tiny_model_write(w->path, family, type, 7);
    ck_status(ph_pool_new(&w->heap, 1, &w->pool), PHIAL_OK);
    ck_status(ph_model_open(w->path, &config, &w->model), PHIAL_OK);
    unlink(w->path);
}

void close_world(world *w)
{
    ph_pool_free(w->pool);
    ph_model_free(w->model);
}

ph_session *start(const world *w, int32_t rope)
{
    ph_session_config config = {
        .cache_format = PHIAL_CACHE_F32, .n_prefill = 32, .rope = rope};
    ph_session *session;

    ck_status(ph_session_new(w->model, w->pool, &config, &session), PHIAL_OK);
    return session;
}

void make_tokens(phial_token *tokens, size_t n)
{
    for (size_t i = 0; i < n; i++)
        tokens[i] = (phial_token)(tiny_random(3, i) % 200 + 10);
}
