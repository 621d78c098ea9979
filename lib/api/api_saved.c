/* SPDX-License-Identifier: MIT
 * phial.h, Session: history, saved to files and bytes. */
#include "api/handles.h"

/* ---- Files ------------------------------------------------------------- */

static phial_status write_file(void *user, const void *data, size_t n)
{
    return ph_new_file_write(user, data, n);
}

static phial_status save_file(phial_session *session, const char *path)
{
    ph_new_file file;
    const ph_sink sink = {write_file, &file};
    phial_status status;

    PH_TRY(ph_new_file_open(&file, &session->model->heap, path));
    status = ph_session_save(session->core, &sink);
    if (status >= 0)
        return ph_new_file_finish(&file);
    ph_new_file_discard(&file);
    return status;
}

phial_status phial_session_save(phial_session *session, const char *path)
{
    ph_fpenv fp;

    PH_TRY(ph_check_pointer("path", path));
    PH_TRY(ph_enter_session(session, &fp));
    return ph_leave_session(session, fp, save_file(session, path));
}

typedef struct opened {
    ph_file file;
    const char *path;
} opened;

static phial_status read_file(void *user, uint64_t offset, void *buf, size_t n)
{
    const opened *o = user;

    return ph_file_read(&o->file, o->path, offset, buf, n);
}

static phial_status load_file(phial_session *session, const char *path)
{
    opened o = {.path = path};
    ph_source source = {read_file, &o, 0, path};
    phial_status status;

    PH_TRY(ph_file_open(&o.file, path));
    source.size = o.file.size;
    status = ph_session_load(session->core, &source);
    ph_file_close(&o.file);
    return status;
}

phial_status phial_session_load(phial_session *session, const char *path)
{
    ph_fpenv fp;

    PH_TRY(ph_check_pointer("path", path));
    PH_TRY(ph_enter_session(session, &fp));
    return ph_leave_session(session, fp, load_file(session, path));
}

/* ---- Bytes ------------------------------------------------------------- */

static phial_status write_bytes(void *user, const void *data, size_t n)
{
    uint8_t **to = user;

    memcpy(*to, data, n);
    *to += n;
    return PHIAL_OK;
}

static phial_status save_bytes(phial_session *session, uint8_t *buf, size_t cap,
                               size_t *n)
{
    const ph_sink sink = {write_bytes, &buf};
    const uint64_t size = ph_session_saved_size(session->core);

    if (size > SIZE_MAX)
        return ph_no_memory("a saved session", SIZE_MAX);
    if (size > cap) {
        *n = (size_t)size;
        return ph_fail(PHIAL_E_BUFFER, "the buffer holds %zu, needed are %zu",
                       cap, *n);
    }
    PH_TRY(ph_session_save(session->core, &sink));
    *n = (size_t)size;
    return PHIAL_OK;
}

phial_status phial_session_save_bytes(phial_session *session, uint8_t *buf,
                                      size_t cap, size_t *n)
{
    ph_fpenv fp;

    PH_TRY(ph_check_buffer(buf, cap, n));
    PH_TRY(ph_enter_session(session, &fp));
    return ph_leave_session(session, fp, save_bytes(session, buf, cap, n));
}

/* Within the bytes, since all that is read adds up to their number. */
static phial_status read_bytes(void *user, uint64_t offset, void *buf, size_t n)
{
    memcpy(buf, (const uint8_t *)user + offset, n);
    return PHIAL_OK;
}

phial_status phial_session_load_bytes(phial_session *session,
                                      const uint8_t *data, size_t len)
{
    const ph_source source = {read_bytes, (void *)data, len, "data"};
    ph_fpenv fp;

    PH_TRY(ph_check_array("data", data, len));
    PH_TRY(ph_enter_session(session, &fp));
    return ph_leave_session(session, fp,
                            ph_session_load(session->core, &source));
}
