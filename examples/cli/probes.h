/* SPDX-License-Identifier: MIT
 * probes.h - what the machine can do at most, measured: the yardsticks of
 * phial bench. */
#ifndef PROBES_H
#define PROBES_H

#include "cli.h"

/* Bytes a second that n_threads threads read together from memory that no
 * cache holds. 0: there is not enough memory to tell. */
double probe_bandwidth(uint32_t n_threads);

/* Multiply-adds of 8-bit integers a second that n_threads threads do together
 * in registers, with the best instruction that isa (PHIAL_ISA_*) allows and
 * this processor has. Sets *instruction to its name. 0: there is none. */
double probe_int8(uint32_t n_threads, int32_t isa, const char **instruction);

/* Work for a thread to do until a moment (clock_seconds) has come; returns how
 * much it did. Adds up the rates of n_threads threads. */
typedef double (*probe_work)(void *context, uint32_t thread, double until);
double probe_rate(uint32_t n_threads, double seconds, probe_work work,
                  void *context);

/* Each does a fixed number of multiply-adds and returns it; to be called only
 * where the processor has the instruction. In files of their own, compiled
 * with its flags. */
uint64_t probe_int8_avx2(void);
uint64_t probe_int8_avx512(void);
uint64_t probe_int8_neon(void);

#endif /* PROBES_H */
