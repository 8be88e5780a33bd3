// SPDX-License-Identifier: MIT
// What an instruction set could do at best: a plain pass over memory, and multiply-adds in
// registers. Included by rowblock_body.h, which says what the includer supplies.
#ifndef FFWD_CPU_LIMIT_BODY_H
#define FFWD_CPU_LIMIT_BODY_H

/** Vectors that a pass reads or writes before it turns to the other side: 4 KiB of AVX-512. */
#define STRETCH 8

/** A value that depends on all of `vectors` vectors. */
INLINE REAL read_vectors(const SCALAR *x, uint64_t vectors) {
    BITS a = AS_BITS(K(0)), b = a, c = a, d = a;
    uint64_t i = 0;
    for (; i + 4 <= vectors; i += 4) {
        a = a ^ AS_BITS(LOAD(x + i * LANES));
        b = b ^ AS_BITS(LOAD(x + (i + 1) * LANES));
        c = c ^ AS_BITS(LOAD(x + (i + 2) * LANES));
        d = d ^ AS_BITS(LOAD(x + (i + 3) * LANES));
    }
    for (; i < vectors; i++) {
        a = a ^ AS_BITS(LOAD(x + i * LANES));
    }
    return AS_REAL((a ^ b) ^ (c ^ d));
}

INLINE void write_vectors(SCALAR *y, uint64_t vectors, REAL value, bool nontemporal) {
    if (nontemporal) {
        for (uint64_t i = 0; i < vectors; i++) {
            STREAM(y + i * LANES, value);
        }
    } else {
        for (uint64_t i = 0; i < vectors; i++) {
            STORE(y + i * LANES, value);
        }
    }
}

static void stream(const void *x, uint64_t x_bytes, void *y, uint64_t y_bytes, bool nontemporal) {
    const uint64_t vector = LANES * sizeof(SCALAR);
    const SCALAR *in = x;
    SCALAR *out = y;
    const uint64_t head = (0 - (uintptr_t)y) % vector;
    if (head > 0 && head <= y_bytes) {
        memset(y, 0, head);
        out = (SCALAR *)(void *)((unsigned char *)y + head);
        y_bytes -= head;
    }
    uint64_t reads = x_bytes / vector, writes = y_bytes / vector;
    const uint64_t turns = (writes > reads ? writes : reads) / STRETCH + 1;
    for (uint64_t turn = 0; turn < turns; turn++) {
        const uint64_t r = reads / (turns - turn), w = writes / (turns - turn);
        const REAL value = read_vectors(in, r);
        write_vectors(out, w, value, nontemporal);
        /* Nothing was written: the reads must not be dropped with it. */
        __asm__ volatile("" : : "m"(value));
        in += r * LANES;
        out += w * LANES;
        reads -= r;
        writes -= w;
    }
    if (y_bytes % vector > 0) {
        memset(out, 0, y_bytes % vector);
    }
    FENCE();
}

/** Enough chains to cover the latency of a multiply-add on two ports, few enough for registers. */
#ifndef CHAINS
#define CHAINS 12
#endif

static uint64_t multiply_add(uint64_t iterations) {
    REAL a[CHAINS];
    const REAL w = K((SCALAR)0.999), b = K((SCALAR)0.001);
    for (uint64_t i = 0; i < CHAINS; i++) {
        a[i] = K((SCALAR)i);
    }
    for (uint64_t n = 0; n < iterations; n++) {
        for (uint64_t i = 0; i < CHAINS; i++) {
            a[i] = FMA(a[i], w, b);
        }
    }
    REAL sum = K(0);
    for (uint64_t i = 0; i < CHAINS; i++) {
        sum = sum + a[i];
    }
    __asm__ volatile("" : : "m"(sum));
    return iterations * CHAINS * LANES * 2;
}

#endif
