/* SPDX-License-Identifier: MIT
 * The thread that cancels: one of the sessions shown to it, every so often. */
#include "soak.h"

#include <pthread.h>
#include <time.h>

enum { PAUSE_NS = 3000000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static phial_session *shown[MAX_GROUP];
static pthread_t thread;
static uint64_t n_calls;
static bool stop;

static void *cancel_some(void *arg)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    bool going = true;

    for (uint64_t i = 0; going; i++) {
        nanosleep(&pause, NULL);
        pthread_mutex_lock(&lock);
        if (shown[i % MAX_GROUP]) {
            phial_session_cancel(shown[i % MAX_GROUP]);
            n_calls++;
        }
        going = !stop;
        pthread_mutex_unlock(&lock);
    }
    return arg;
}

void canceller_start(void)
{
    if (pthread_create(&thread, NULL, cancel_some, NULL))
        give_up("no thread");
}

uint64_t canceller_stop(void)
{
    pthread_mutex_lock(&lock);
    stop = true;
    pthread_mutex_unlock(&lock);
    pthread_join(thread, NULL);
    return n_calls;
}

void canceller_show(const phial_session *old, phial_session *session)
{
    size_t i = 0;

    pthread_mutex_lock(&lock);
    while (i < MAX_GROUP && shown[i] != old)
        i++;
    if (i < MAX_GROUP)
        shown[i] = session;
    pthread_mutex_unlock(&lock);
}
