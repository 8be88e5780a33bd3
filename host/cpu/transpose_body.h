// SPDX-License-Identifier: MIT
// Rows to features and back: between the caller's [row][feature] and vectors that hold one feature
// of LANES rows, by shuffles whatever the width. Included by rowblock_body.h, which says what the
// includer supplies.
#ifndef FFWD_CPU_TRANSPOSE_BODY_H
#define FFWD_CPU_TRANSPOSE_BODY_H

/** Rows of at most so many values have shuffles of their own. */
#define SPLIT_WIDTH 4

#if LANES == 16
#define EACH_LANE(F)                                                                               \
    F(0), F(1), F(2), F(3), F(4), F(5), F(6), F(7), F(8), F(9), F(10), F(11), F(12), F(13), F(14), \
        F(15)
#elif LANES == 8
#define EACH_LANE(F) F(0), F(1), F(2), F(3), F(4), F(5), F(6), F(7)
#elif LANES == 4
#define EACH_LANE(F) F(0), F(1), F(2), F(3)
#elif LANES == 2
#define EACH_LANE(F) F(0), F(1)
#endif

#if LANES > 1
/* Of three vectors only two can be shuffled at a time: lane l of the result is element e(l) of
 * v[0] and v[1] where that lies in them, else of v[2]. */
#define IN_FIRST_TWO(e)     ((e) < 2 * LANES)
#define FROM_FIRST_TWO(e)   (IN_FIRST_TWO(e) ? (e) : 0)
#define FROM_BOTH(lane, e)  (IN_FIRST_TWO(e) ? (lane) : (e)-LANES)
#define TAKE_FIRST(E)       __builtin_shufflevector(v[0], v[1], EACH_LANE(E))
#define TAKE_LAST(first, E) __builtin_shufflevector(first, v[2], EACH_LANE(E))

/** f[j] = feature j of LANES rows of 3 */
INLINE void split_triples(const SCALAR *x, REAL *f) {
    const REAL v[] = {LOAD(x), LOAD(x + LANES), LOAD(x + 2 * (size_t)LANES)};
#define E0(l) FROM_FIRST_TWO(3 * (l))
#define E1(l) FROM_FIRST_TWO(3 * (l) + 1)
#define E2(l) FROM_FIRST_TWO(3 * (l) + 2)
#define B0(l) FROM_BOTH(l, 3 * (l))
#define B1(l) FROM_BOTH(l, 3 * (l) + 1)
#define B2(l) FROM_BOTH(l, 3 * (l) + 2)
    f[0] = TAKE_LAST(TAKE_FIRST(E0), B0);
    f[1] = TAKE_LAST(TAKE_FIRST(E1), B1);
    f[2] = TAKE_LAST(TAKE_FIRST(E2), B2);
#undef E0
#undef E1
#undef E2
#undef B0
#undef B1
#undef B2
}

/** out[m] = elements m LANES .. of the rows of 3 whose features are v */
INLINE void join_triples(const REAL *v, REAL *out) {
#define AT(m, l) ((m)*LANES + (l))
#define OF(m, l) (AT(m, l) % 3 * LANES + AT(m, l) / 3)
#define E0(l)    FROM_FIRST_TWO(OF(0, l))
#define E1(l)    FROM_FIRST_TWO(OF(1, l))
#define E2(l)    FROM_FIRST_TWO(OF(2, l))
#define B0(l)    FROM_BOTH(l, OF(0, l))
#define B1(l)    FROM_BOTH(l, OF(1, l))
#define B2(l)    FROM_BOTH(l, OF(2, l))
    out[0] = TAKE_LAST(TAKE_FIRST(E0), B0);
    out[1] = TAKE_LAST(TAKE_FIRST(E1), B1);
    out[2] = TAKE_LAST(TAKE_FIRST(E2), B2);
#undef AT
#undef OF
#undef E0
#undef E1
#undef E2
#undef B0
#undef B1
#undef B2
}

INLINE void split_rows(uint32_t cols, const SCALAR *x, REAL *f) {
    if (cols == 1) {
        f[0] = LOAD(x);
    } else if (cols == 2) {
        const REAL p = LOAD(x), q = LOAD(x + LANES);
        f[0] = EVEN(p, q);
        f[1] = ODD(p, q);
    } else if (cols == 3) {
        split_triples(x, f);
    } else {
        const REAL p = LOAD(x), q = LOAD(x + LANES), r = LOAD(x + 2 * (size_t)LANES),
                   s = LOAD(x + 3 * (size_t)LANES);
        const REAL even[] = {EVEN(p, q), EVEN(r, s)}, odd[] = {ODD(p, q), ODD(r, s)};
        f[0] = EVEN(even[0], even[1]);
        f[1] = EVEN(odd[0], odd[1]);
        f[2] = ODD(even[0], even[1]);
        f[3] = ODD(odd[0], odd[1]);
    }
}

INLINE void join_rows(uint32_t cols, const REAL *f, REAL *out) {
    if (cols == 1) {
        out[0] = f[0];
    } else if (cols == 2) {
        out[0] = LOW(f[0], f[1]);
        out[1] = HIGH(f[0], f[1]);
    } else if (cols == 3) {
        join_triples(f, out);
    } else {
        const REAL low[] = {LOW(f[0], f[2]), LOW(f[1], f[3])};
        const REAL high[] = {HIGH(f[0], f[2]), HIGH(f[1], f[3])};
        out[0] = LOW(low[0], low[1]);
        out[1] = HIGH(low[0], low[1]);
        out[2] = LOW(high[0], high[1]);
        out[3] = HIGH(high[0], high[1]);
    }
}
#else
INLINE void split_rows(uint32_t cols, const SCALAR *x, REAL *f) {
    for (uint32_t i = 0; i < cols; i++) {
        f[i] = x[i];
    }
}

INLINE void join_rows(uint32_t cols, const REAL *f, REAL *out) {
    for (uint32_t i = 0; i < cols; i++) {
        out[i] = f[i];
    }
}
#endif

#if LANES > 1
/**
 * a[j] lane i = a[i] lane j. Each step interleaves the vectors of the upper half with those of the
 * lower: the top bit of the vector's number becomes the lowest bit of the lane's, and the other way
 * round; after log2(LANES) steps the two numbers have changed places.
 */
INLINE void transpose_vectors(REAL *a) {
    REAL b[LANES];
    for (uint64_t step = 1; step < LANES; step *= 2) {
        for (uint64_t i = 0; i < LANES / 2; i++) {
            b[2 * i] = LOW(a[i], a[i + LANES / 2]);
            b[2 * i + 1] = HIGH(a[i], a[i + LANES / 2]);
        }
        for (uint64_t i = 0; i < LANES; i++) {
            a[i] = b[i];
        }
    }
}

#if LANES > 2
#define HALF ((uint64_t)LANES / 2)
/* LOW and HIGH in each half of the vectors by itself. */
#define LOW_OF_HALF(l)  ((l) / HALF * HALF + (l) % HALF / 2 + (l) % 2 * (uint64_t)LANES)
#define HIGH_OF_HALF(l) (LOW_OF_HALF(l) + HALF / 2)
#define EACH_LOW(a, b)  __builtin_shufflevector(a, b, EACH_LANE(LOW_OF_HALF))
#define EACH_HIGH(a, b) __builtin_shufflevector(a, b, EACH_LANE(HIGH_OF_HALF))

/** a[j] lane i = from[i][j] for LANES x HALF elements: the first of the steps above is done by the
 *  loads, whose halves come from two rows. */
INLINE void load_columns(const SCALAR *from, uint64_t stride, REAL *a) {
    REAL b[HALF];
    for (uint64_t i = 0; i < HALF; i++) {
        a[i] = LOAD_HALVES(from + i * stride, from + (i + HALF) * stride);
    }
    for (uint64_t step = 1; step < HALF; step *= 2) {
        for (uint64_t i = 0; i < HALF / 2; i++) {
            b[2 * i] = EACH_LOW(a[i], a[i + HALF / 2]);
            b[2 * i + 1] = EACH_HIGH(a[i], a[i + HALF / 2]);
        }
        for (uint64_t i = 0; i < HALF; i++) {
            a[i] = b[i];
        }
    }
}
#else
#define HALF ((uint64_t)LANES)
INLINE void load_columns(const SCALAR *from, uint64_t stride, REAL *a) {
    for (uint64_t i = 0; i < LANES; i++) {
        a[i] = LOAD(from + i * stride);
    }
    transpose_vectors(a);
}
#endif

/** to[j][i] = from[i][j] for LANES rows of `cols` elements, at most LANES, read as whole vectors.
 */
INLINE void transpose_square(uint64_t cols, const SCALAR *from, uint64_t from_stride, SCALAR *to,
                             uint64_t to_stride) {
    for (uint64_t first = 0; first < cols; first += HALF) {
        REAL a[HALF];
        load_columns(from + first, from_stride, a);
        for (uint64_t i = 0; i < HALF; i++) {
            if (first + i < cols) {
                STORE(to + (first + i) * to_stride, a[i]);
            }
        }
    }
}

/** The start of square `index`: the last one reaches back over its neighbour instead of ahead. */
INLINE uint64_t square_start(uint64_t index, uint64_t extent) {
    uint64_t start = index * LANES;
    return start + LANES <= extent ? start : extent - LANES;
}

/** Both extents are at least LANES. */
static void transpose_squares(uint64_t rows, uint64_t cols, const SCALAR *from, SCALAR *to) {
    for (uint64_t i = 0; i * LANES < rows; i++) {
        uint64_t r = square_start(i, rows);
        for (uint64_t j = 0; j * LANES < cols; j++) {
            uint64_t c = square_start(j, cols);
            transpose_square(LANES, from + r * cols + c, cols, to + c * rows + r, rows);
        }
    }
}

/** Rows narrower than a vector are read as if they were as wide: what belongs to the next rows is
 *  shuffled along and dropped. Reads up to a vector past the last row. */
static void split_narrow(uint64_t rows, uint64_t cols, const SCALAR *from, SCALAR *to) {
    for (uint64_t r = 0; r < rows; r += LANES) {
        transpose_square(cols, from + r * cols, cols, to + r, rows);
    }
}

/** Each row is written as wide as a vector, and the next one over what is too much; the last rows
 *  by way of a copy. */
static void join_narrow(uint64_t rows, uint64_t cols, const SCALAR *from, SCALAR *to) {
    for (uint64_t r = 0; r < rows; r += LANES) {
        REAL a[LANES];
        for (uint64_t i = 0; i < LANES; i++) {
            a[i] = i < cols ? LOAD(from + i * rows + r) : K(0);
        }
        transpose_vectors(a);
        for (uint64_t i = 0; i < LANES; i++) {
            const uint64_t at = (r + i) * cols;
            if (at + LANES <= rows * cols) {
                STORE(to + at, a[i]);
            } else {
                memcpy(to + at, &a[i], cols * sizeof(SCALAR));
            }
        }
    }
}

static void split_any(uint64_t rows, uint64_t cols, const SCALAR *from, SCALAR *to) {
    if (cols < LANES) {
        split_narrow(rows, cols, from, to);
    } else {
        transpose_squares(rows, cols, from, to);
    }
}

static void join_any(uint64_t rows, uint64_t cols, const SCALAR *from, SCALAR *to) {
    if (cols < LANES) {
        join_narrow(rows, cols, from, to);
    } else {
        transpose_squares(cols, rows, from, to); // NOLINT(readability-suspicious-call-argument)
    }
}
#else
static void split_any(uint64_t rows, uint64_t cols, const SCALAR *from, SCALAR *to) {
    for (uint64_t r = 0; r < rows; r++) {
        for (uint64_t c = 0; c < cols; c++) {
            to[c * rows + r] = from[r * cols + c];
        }
    }
}

static void join_any(uint64_t rows, uint64_t cols, const SCALAR *from, SCALAR *to) {
    split_any(cols, rows, from, to); // NOLINT(readability-suspicious-call-argument)
}
#endif

/** to[cols][rows] from from[rows][cols] for up to SPLIT_WIDTH columns; cols is a constant. */
INLINE void split_few(uint32_t cols, uint64_t rows, const SCALAR *from, SCALAR *to) {
    for (uint64_t r = 0; r < rows; r += LANES) {
        REAL features[SPLIT_WIDTH];
        split_rows(cols, from + r * cols, features);
        for (uint32_t i = 0; i < cols; i++) {
            STORE(to + i * rows + r, features[i]);
        }
    }
}

/** The way back. */
INLINE void join_few(uint32_t cols, uint64_t rows, const SCALAR *from, SCALAR *to) {
    for (uint64_t r = 0; r < rows; r += LANES) {
        REAL features[SPLIT_WIDTH], out[SPLIT_WIDTH];
        for (uint32_t i = 0; i < cols; i++) {
            features[i] = LOAD(from + i * rows + r);
        }
        join_rows(cols, features, out);
        for (uint32_t i = 0; i < cols; i++) {
            STORE(to + r * cols + (uint64_t)i * LANES, out[i]);
        }
    }
}

/** to[cols][rows] = from[rows][cols], transposed; rows is a multiple of LANES. Reads up to a vector
 *  past the end where rows are narrower than one. */
static void rows_to_features(uint64_t rows, uint64_t cols, const SCALAR *from, SCALAR *to) {
    switch (cols) {
    case 1:
        split_few(1, rows, from, to);
        break;
    case 2:
        split_few(2, rows, from, to);
        break;
    case 3:
        split_few(3, rows, from, to);
        break;
    case 4:
        split_few(4, rows, from, to);
        break;
    default:
        split_any(rows, cols, from, to);
        break;
    }
}

/** to[rows][cols] = from[cols][rows], transposed; rows is a multiple of LANES. */
static void features_to_rows(uint64_t rows, uint64_t cols, const SCALAR *from, SCALAR *to) {
    switch (cols) {
    case 1:
        join_few(1, rows, from, to);
        break;
    case 2:
        join_few(2, rows, from, to);
        break;
    case 3:
        join_few(3, rows, from, to);
        break;
    case 4:
        join_few(4, rows, from, to);
        break;
    default:
        join_any(rows, cols, from, to);
        break;
    }
}

#endif
