/* SPDX-License-Identifier: MIT
 * gate.h - a counter that threads wait on: spinning for a while, then asleep.
 * Private to lib/pool. */
#ifndef PH_GATE_H
#define PH_GATE_H

#include "os/os.h"

typedef struct ph_gate {
    atomic_uint count;
    atomic_uint sleepers;
    ph_mutex lock;
    ph_cond opened;
} ph_gate;

/* How long one thread spins, learnt from its waits. */
typedef struct ph_spin {
    uint32_t limit;
    uint32_t max;
} ph_spin;

/* What one thread brings into its cache while it spins. */
typedef struct ph_ahead {
    const uint8_t *next;
    size_t bytes; /* still to come */
} ph_ahead;

phial_status ph_gate_init(ph_gate *gate);
void ph_gate_destroy(ph_gate *gate);

/* Waits until count is not seen, which was read before. What the opener wrote
 * before opening is then visible. */
void ph_gate_wait(ph_gate *gate, uint32_t seen, ph_spin *spin, ph_ahead *ahead);
void ph_gate_open(ph_gate *gate);

#endif /* PH_GATE_H */
