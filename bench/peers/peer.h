// SPDX-License-Identifier: MIT
// What a peer of ffwd looks like to the benchmark: a shared object for each dtype with the
// functions below, loaded by native_peers.py. They are called by one thread.
#ifndef FFWD_BENCH_PEER_H
#define FFWD_BENCH_PEER_H

#include <stddef.h>
#include <stdint.h>

/** The dtype that a shared object is built for. */
#ifdef PEER_F64
typedef double real;
#else
typedef float real;
#endif

/** The values of ffwd_activation. */
typedef enum peer_activation {
    PEER_IDENTITY = 0,
    PEER_STEP = 1,
    PEER_RELU = 2,
    PEER_SIGMOID = 3,
    PEER_TANH = 4
} peer_activation;

/** Dense layers without bias, all with the same activation. Stays alive as long as the peer. */
typedef struct peer_net {
    uint32_t layer_count;
    uint32_t activation;        /**< peer_activation */
    uint32_t threads;           /**< to compute with */
    const char *device;         /**< of a peer that has several */
    const uint64_t *widths;     /**< [layer_count + 1] */
    const real *const *weights; /**< [layer_count], each [neurons][inputs] */
} peer_net;

/** Where a peer cannot take a network it says why. */
typedef struct peer_reason {
    char text[256];
} peer_reason;

typedef struct peer peer;

/** The version of the library behind the peer; empty where there is none. */
const char *peer_version(void);

/** Everything that can be done before rows are there; NULL with the reason. */
peer *peer_create(const peer_net *net, peer_reason *reason);
void peer_destroy(peer *p);

/** y [rows][outputs] from x [rows][inputs]; not 0: failed. */
int peer_run(peer *p, const real *x, real *y, uint64_t rows);

/** Outside of the clock, before and after the runs over rows: a peer that has its rows on a device
 *  brings and fetches them here. Others leave both alone. Not 0: failed. */
int peer_before(peer *p, const real *x, uint64_t rows);
int peer_after(peer *p, real *y, uint64_t rows);

/** Runs `repeats` times and writes the nanoseconds of each; not 0: failed. */
int peer_time(peer *p, const real *x, real *y, uint64_t rows, uint64_t repeats, uint64_t *ns);

/* For the peers themselves. */

/** Fills in the reason; NULL, for peer_create to return. */
void *peer_refuse(peer_reason *reason, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** The widest layer, inputs included. */
uint64_t peer_widest(const peer_net *net);

/** Rows of a chunk whose intermediate results take about `bytes`. */
uint64_t peer_chunk_rows(const peer_net *net, uint64_t bytes);

/** The activation, in place. */
void peer_activate(uint32_t activation, real *z, uint64_t count);

#endif
