/* SPDX-License-Identifier: MIT
 * Memory of adapters: how long they live, what is reported of them, and that
 * every allocation may fail. */
#include "adapters_fixture.h"

typedef struct books {
    size_t nth, number, n_failed, n_live;
} books;

static void *counted_alloc(void *user, size_t size, size_t alignment)
{
    books *b = user;
    void *ptr = NULL;

    if (++b->number == b->nth) {
        b->n_failed++;
        return NULL;
    }
    if (posix_memalign(&ptr, alignment, size ? size : 1))
        return NULL;
    b->n_live++;
    return ptr;
}

static void counted_free(void *user, void *ptr, size_t size, size_t alignment)
{
    (void)size;
    (void)alignment;
    ((books *)user)->n_live--;
    free(ptr);
}

static phial_model *counted_model(books *b)
{
    phial_model_options o = PHIAL_INIT(phial_model_options);
    phial_model *model = NULL;

    o.mem_alloc = counted_alloc;
    o.mem_free = counted_free;
    o.mem_user = b;
    o.n_threads = 1;
    ck_status(phial_model_open(model_path("phi-4-mini"), &o, &model), PHIAL_OK);
    return model;
}

START_TEST(adapters_live_as_long_as_they_are_needed)
{
    for (int order = 0; order < 6; order++) {
        books b = {0};
        phial_model *model = counted_model(&b);
        phial_adapter *adapter = open_adapter(model, "lora-a");
        phial_session *session = session_of(model, adapter, 1);

        for (int i = 0; i < 3; i++) {
            switch ((order + (order < 3 ? i : 2 * i)) % 3) {
            case 0:
                phial_model_free(model);
                break;
            case 1:
                phial_adapter_free(adapter);
                break;
            default:
                run_turn(session);
                phial_session_free(session);
            }
        }
        ck_assert_uint_eq(b.n_live, 0);
    }
}
END_TEST

START_TEST(figures_count_adapters)
{
    phial_model *model = open_model("phi-4-mini", 1);
    phial_session *session = new_session(model);
    phial_memory before = PHIAL_INIT(phial_memory), after = before;
    phial_memory own = before, with = before;
    phial_adapter *a;

    ck_status(phial_model_get_memory(model, &before), PHIAL_OK);
    ck_status(phial_session_get_memory(session, &own), PHIAL_OK);
    a = open_adapter(model, "lora-a");
    ck_status(phial_model_get_memory(model, &after), PHIAL_OK);
    ck_assert_uint_gt(after.weights, before.weights);
    ck_status(give(session, a, 1), PHIAL_OK);
    ck_status(phial_session_get_memory(session, &with), PHIAL_OK);
    ck_assert_uint_eq(with.scratch - own.scratch, 64 * 4 * sizeof(float));
    phial_adapter_free(a);
    ck_status(phial_model_get_memory(model, &after), PHIAL_OK);
    ck_assert_uint_gt(after.weights, before.weights);
    phial_session_free(session);
    ck_status(phial_model_get_memory(model, &after), PHIAL_OK);
    ck_assert_uint_eq(after.weights, before.weights);
    phial_model_free(model);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    books b = {0};
    phial_model *model = counted_model(&b);
    phial_adapter *first = open_adapter(model, "lora-a");
    phial_session *session = new_session(model);
    const size_t live = b.n_live;
    size_t n_failed = 0;

    ck_status(give(session, first, 1), PHIAL_OK);
    for (size_t nth = 1, failed = 1; failed; nth++) {
        phial_adapter *second = NULL;
        phial_session *copy = NULL;
        phial_status status;

        b = (books){.nth = nth, .n_live = b.n_live};
        status = phial_adapter_open(model, model_path("lora-b"), &second);
        if (status >= 0)
            status = give(session, second, 1);
        if (status >= 0)
            status = phial_session_fork(session, &copy);
        failed = b.n_failed;
        n_failed += failed;
        b.nth = 0;
        ck_status(status, failed ? PHIAL_E_MEMORY : PHIAL_OK);
        ck_assert(failed ? !copy : copy != NULL);
        phial_session_free(copy);
        ck_status(give(session, first, 1), PHIAL_OK);
        phial_adapter_free(second);
        /* The set, its list and its products are what is more. */
        ck_assert_uint_eq(b.n_live, live + 2);
    }
    ck_assert_uint_gt(n_failed, 20);
    phial_session_free(session);
    phial_adapter_free(first);
    phial_model_free(model);
    ck_assert_uint_eq(b.n_live, 0);
}
END_TEST

TCase *adapter_memory_case(void)
{
    TCase *t = tcase_create("memory");

    tcase_set_timeout(t, 120);
    tcase_add_test(t, adapters_live_as_long_as_they_are_needed);
    tcase_add_test(t, figures_count_adapters);
    tcase_add_test(t, every_allocation_may_fail);
    return t;
}
