/* SPDX-License-Identifier: MIT
 * Lifetime and exclusive use of handles. A model lives until the last session,
 * tokenizer or adapter made from it is gone, an adapter until no session has
 * it. Sessions and chats serve one thread at a time; the flag is a word with
 * two bits, so that a handle which is freed in the middle of a call goes when
 * that call leaves. */
#include "api/handles.h"

enum { IN_USE = 1, DOOMED = 2 };

phial_model *ph_retain_model(const phial_model *model)
{
    phial_model *m = (phial_model *)model;

    atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
    return m;
}

void ph_release_model(phial_model *model)
{
    ph_heap heap;

    if (!model ||
        atomic_fetch_sub_explicit(&model->refs, 1, memory_order_acq_rel) != 1)
        return;
    heap = model->heap;
    ph_page_store_free(model->store);
    ph_pool_free(model->pool);
    ph_model_free(model->core);
    ph_free(&heap, model);
}

phial_status ph_check_model(const phial_model *model)
{
    PH_TRY(ph_check_pointer("model", model));
    if (model->process != ph_process_id())
        return ph_fail(PHIAL_E_STATE,
                       "the model was opened in process %lld, of which this "
                       "is a fork; open it again here",
                       (long long)model->process);
    return PHIAL_OK;
}

static phial_status take(const atomic_int *use, const char *name)
{
    int idle = 0;

    if (atomic_compare_exchange_strong((atomic_int *)use, &idle, IN_USE))
        return PHIAL_OK;
    return ph_fail(PHIAL_E_BUSY, "the %s is in use on another thread", name);
}

/* True if the handle was freed meanwhile: the caller must do it. */
static bool give_back(const atomic_int *use)
{
    int busy = IN_USE;

    return !atomic_compare_exchange_strong((atomic_int *)use, &busy, 0);
}

/* True if nobody uses the handle: the caller must free it now. */
static bool doom(atomic_int *use)
{
    return !(atomic_fetch_or(use, DOOMED) & IN_USE);
}

static void release_adapter(phial_adapter *adapter)
{
    phial_model *model;

    if (!adapter ||
        atomic_fetch_sub_explicit(&adapter->refs, 1, memory_order_acq_rel) != 1)
        return;
    model = adapter->model;
    if (adapter->core)
        atomic_fetch_sub(&model->adapter_bytes, (size_t)adapter->core->bytes);
    ph_adapter_free(adapter->core);
    ph_free(&model->heap, adapter);
    ph_release_model(model);
}

void ph_release_adapters(const phial_model *model, ph_adapter_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        release_adapter(list->adapters[i]);
    ph_free(&model->heap, list->adapters);
    *list = (ph_adapter_list){NULL, 0};
}

phial_status ph_retain_adapters(const phial_model *model,
                                phial_adapter *const *adapters, size_t n,
                                ph_adapter_list *out)
{
    phial_adapter **kept = n ? ph_alloc(&model->heap, n, sizeof *kept) : NULL;

    if (n && !kept)
        return ph_no_memory("a list of adapters", n * sizeof *kept);
    for (size_t i = 0; i < n; i++) {
        atomic_fetch_add_explicit(&adapters[i]->refs, 1, memory_order_relaxed);
        kept[i] = adapters[i];
    }
    *out = (ph_adapter_list){kept, n};
    return PHIAL_OK;
}

static void destroy_session(phial_session *session)
{
    phial_model *model = session->model;

    ph_session_free(session->core);
    ph_release_adapters(model, &session->adapters);
    ph_free(&model->heap, session);
    ph_release_model(model);
}

static void destroy_chat(phial_chat *chat)
{
    ph_chat_free(chat->core);
    ph_free(&ph_libc_heap, chat);
}

phial_status ph_enter_session(const phial_session *session, ph_fpenv *fp)
{
    PH_TRY(ph_check_pointer("session", session));
    PH_TRY(ph_check_model(session->model));
    PH_TRY(take(&session->use, "session"));
    *fp = ph_fp_enter();
    return PHIAL_OK;
}

phial_status ph_leave_session(const phial_session *session, ph_fpenv fp,
                              phial_status status)
{
    ph_fp_leave(fp);
    if (give_back(&session->use))
        destroy_session((phial_session *)session);
    return status;
}

phial_status ph_enter_chat(const phial_chat *chat)
{
    PH_TRY(ph_check_pointer("chat", chat));
    return take(&chat->use, "chat");
}

phial_status ph_leave_chat(const phial_chat *chat, phial_status status)
{
    if (give_back(&chat->use))
        destroy_chat((phial_chat *)chat);
    return status;
}

void phial_model_free(phial_model *model)
{
    ph_release_model(model);
}

void phial_adapter_free(phial_adapter *adapter)
{
    release_adapter(adapter);
}

void phial_session_free(phial_session *session)
{
    if (!session)
        return;
    if (doom(&session->use))
        destroy_session(session);
}

void phial_chat_free(phial_chat *chat)
{
    if (chat && doom(&chat->use))
        destroy_chat(chat);
}

void phial_tokenizer_free(phial_tokenizer *tokenizer)
{
    ph_heap heap;

    if (!tokenizer)
        return;
    heap = tokenizer->heap;
    ph_tokenizer_free(tokenizer->own);
    ph_release_model(tokenizer->model);
    ph_free(&heap, tokenizer);
}
