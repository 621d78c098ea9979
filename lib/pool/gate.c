/* SPDX-License-Identifier: MIT
 * Waiting for another thread. A thread that finds the gate open while spinning
 * spins longer the next time; one that had to sleep spins shorter, so that a
 * busy machine is not made busier. */
#include "pool/gate.h"

enum {
    MIN_SPINS = 1024, /* some 20 us: threads seldom arrive closer together */
    LINE = 64,        /* bytes of a cache line, or of half of one */
    LINES_A_SPIN = 4
};

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

static void read_some(ph_ahead *ahead)
{
    for (int i = 0; i < LINES_A_SPIN && ahead->bytes; i++) {
        const size_t n = ahead->bytes < LINE ? ahead->bytes : LINE;

        __builtin_prefetch(ahead->next, 0, 2);
        ahead->next += n;
        ahead->bytes -= n;
    }
}

phial_status ph_gate_init(ph_gate *gate)
{
    if (pthread_mutex_init(&gate->lock, NULL))
        return ph_fail(PHIAL_E_MEMORY, "the system gave no mutex");
    if (pthread_cond_init(&gate->opened, NULL)) {
        pthread_mutex_destroy(&gate->lock);
        return ph_fail(PHIAL_E_MEMORY, "the system gave no condition variable");
    }
    atomic_init(&gate->count, 0);
    atomic_init(&gate->sleepers, 0);
    return PHIAL_OK;
}

void ph_gate_destroy(ph_gate *gate)
{
    pthread_cond_destroy(&gate->opened);
    pthread_mutex_destroy(&gate->lock);
}

void ph_gate_wait(ph_gate *gate, uint32_t seen, ph_spin *spin, ph_ahead *ahead)
{
    for (uint32_t i = 0; i < spin->limit; i++) {
        if (atomic_load_explicit(&gate->count, memory_order_acquire) != seen) {
            if (spin->limit <= spin->max / 2)
                spin->limit *= 2;
            return;
        }
        if (ahead->bytes)
            read_some(ahead);
        else
            relax();
    }
    if (spin->limit > MIN_SPINS)
        spin->limit /= 2;
    pthread_mutex_lock(&gate->lock);
    atomic_fetch_add(&gate->sleepers, 1);
    while (atomic_load(&gate->count) == seen)
        pthread_cond_wait(&gate->opened, &gate->lock);
    atomic_fetch_sub(&gate->sleepers, 1);
    pthread_mutex_unlock(&gate->lock);
}

/* Sequentially consistent on both sides: either the sleeper sees the new count
 * or the opener sees the sleeper. The lock keeps the broadcast from falling
 * between a sleeper's look at the count and its sleep. */
void ph_gate_open(ph_gate *gate)
{
    atomic_fetch_add(&gate->count, 1);
    if (!atomic_load(&gate->sleepers))
        return;
    pthread_mutex_lock(&gate->lock);
    pthread_cond_broadcast(&gate->opened);
    pthread_mutex_unlock(&gate->lock);
}
