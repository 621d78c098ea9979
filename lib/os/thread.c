/* SPDX-License-Identifier: MIT
 * Starting and joining threads. A new thread inherits its creator's signal
 * mask, so the mask is changed around the creation: there is no instant at
 * which the worker could run a handler of the host. */
#include "os/os.h"
#include "os/system_error.h"

#include <signal.h>

phial_status ph_thread_start(ph_thread *thread, void *(*body)(void *),
                             void *arg)
{
    sigset_t all, saved;
    pthread_t started;
    int error;

    sigfillset(&all);
    error = pthread_sigmask(SIG_SETMASK, &all, &saved);
    if (!error) {
        error = pthread_create(&started, NULL, body, arg);
        pthread_sigmask(SIG_SETMASK, &saved, NULL);
    }
    if (error)
        return ph_fail(PHIAL_E_IO, "cannot start a thread: %s (errno %d)",
                       ph_system_error(error), error);
    *thread = started;
    return PHIAL_OK;
}

void ph_thread_join(ph_thread thread)
{
    pthread_join(thread, NULL);
}
