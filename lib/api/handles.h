/* SPDX-License-Identifier: MIT
 * handles.h - what is behind the handles of phial.h, and the checks that every
 * public function begins with; private to lib/api. */
#ifndef PH_HANDLES_H
#define PH_HANDLES_H

#include "base/base.h"
#include "chat/chat.h"
#include "model/model.h"
#include "os/os.h"
#include "pool/pool.h"
#include "session/session.h"
#include "tokenizer/tokenizer.h"

#include <stdatomic.h>

struct phial_model {
    atomic_uint refs; /* the caller's, one per session, tokenizer, adapter */
    ph_heap heap;
    ph_log log;
    int64_t process;
    ph_model *core;
    ph_pool *pool;
    ph_page_store *store;        /* of its sessions' keys and values */
    atomic_size_t last_adapter;  /* the number of adapters ever opened */
    atomic_size_t adapter_bytes; /* of those that there are */
};

struct phial_adapter {
    atomic_uint refs; /* the caller's, and one per session that has it */
    phial_model *model;
    ph_adapter *core;
};

struct phial_tokenizer {
    const ph_tokenizer *core;
    ph_tokenizer *own;  /* core, if opened on its own */
    phial_model *model; /* whose core is, otherwise */
    ph_heap heap;
};

struct phial_chat {
    atomic_int use;
    ph_chat *core;
};

/* A list of adapters keeps them alive. */
typedef struct ph_adapter_list {
    phial_adapter **adapters;
    size_t n;
} ph_adapter_list;

struct phial_session {
    atomic_int use;
    phial_model *model;
    ph_session *core;
    ph_adapter_list adapters;
};

/* ---- Lifetime ---------------------------------------------------------- */

phial_model *ph_retain_model(const phial_model *model);
void ph_release_model(phial_model *model);

phial_status ph_retain_adapters(const phial_model *model,
                                phial_adapter *const *adapters, size_t n,
                                ph_adapter_list *out);
void ph_release_adapters(const phial_model *model, ph_adapter_list *list);

/* Takes the handle for this thread: PHIAL_E_ARGUMENT if it is NULL,
 * PHIAL_E_BUSY if another thread has it. If it was freed meanwhile, leaving
 * does that. Sessions also set the floating-point state of the library;
 * leaving restores the caller's. Leaving returns status. */
phial_status ph_enter_session(const phial_session *session, ph_fpenv *fp);
phial_status ph_leave_session(const phial_session *session, ph_fpenv fp,
                              phial_status status);
phial_status ph_enter_chat(const phial_chat *chat);
phial_status ph_leave_chat(const phial_chat *chat, phial_status status);

/* PHIAL_E_ARGUMENT for NULL; PHIAL_E_STATE in a child of the process that
 * opened the model, where its threads do not exist. */
phial_status ph_check_model(const phial_model *model);

/* ---- Arguments --------------------------------------------------------- */

/* Each returns PHIAL_E_ARGUMENT with a sentence that names the parameter. */
phial_status ph_check_pointer(const char *name, const void *ptr);

/* NULL is good for an empty array. */
phial_status ph_check_array(const char *name, const void *ptr, size_t n);
phial_status ph_check_buffer(const void *buf, size_t cap, const size_t *n);
phial_status ph_check_flags(const char *name, uint32_t flags, uint32_t known);

/* lowest <= value <= highest, the members of the enum called kind. */
phial_status ph_check_enum(const char *name, int32_t value, int32_t lowest,
                           int32_t highest, const char *kind);

/* Text by pointer and length, or PHIAL_NUL_TERMINATED. */
phial_status ph_check_text(const char *name, const char *text, size_t len,
                           ph_str *out);

/* ---- Versioned structs ------------------------------------------------- */

/* Copies a struct of the caller's size to dst of size bytes; NULL gives all
 * zero. v1 is its size in the first release. A size below that or above 4096
 * is PHIAL_E_ARGUMENT: unset or garbage. Fields that this library does not
 * know must be zero, or it is PHIAL_E_UNSUPPORTED. */
phial_status ph_struct_in(const char *name, void *dst, size_t size,
                          const void *src, size_t v1);

/* Checks a struct that is to be filled, before there is anything to put. */
phial_status ph_struct_out_check(const char *name, const void *dst, size_t v1);

/* Copies src of size bytes to a checked dst: as much as it has room for, its
 * struct_size kept, what this library does not know zeroed. */
void ph_struct_out(void *dst, const void *src, size_t size);

/* ---- Options ----------------------------------------------------------- */

/* Checked options of a model or session with every default filled in. */
phial_status ph_model_options_in(const phial_model_options *options,
                                 phial_model_options *out);
phial_status ph_session_options_in(const phial_session_options *options,
                                   ph_session_config *out);
ph_heap ph_heap_of(const phial_model_options *options);

#endif /* PH_HANDLES_H */
