// SPDX-License-Identifier: MIT
// Views of rows: strides, refusals, and the conversions into and out of dense blocks.
#include "base/rows.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "support/nets.h"
#include "support/suite.h"

static const uint32_t dtypes[] = {FFWD_F32, FFWD_F64, FFWD_U8};

static ffwd_input strided(const void *data, uint32_t dtype, uint64_t rows, uint64_t cols,
                          int64_t row_stride, int64_t col_stride) {
    ffwd_input input = net_input(data, dtype, rows, cols);
    input.row_stride = row_stride;
    input.col_stride = col_stride;
    return input;
}

static ffwd_rows view_of(const ffwd_input *input) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_rows rows;
    expect_ok(ffwd_rows_of_input(input, &rows, &err), &err);
    return rows;
}

START_TEST(dtypes_have_names_and_sizes) {
    ck_assert_str_eq(ffwd_dtype_name(FFWD_F32), "f32");
    ck_assert_str_eq(ffwd_dtype_name(FFWD_F64), "f64");
    ck_assert_str_eq(ffwd_dtype_name(FFWD_U8), "u8");
    ck_assert_str_eq(ffwd_dtype_name(0), "?");
    ck_assert_uint_eq(ffwd_dtype_size(FFWD_F32), 4);
    ck_assert_uint_eq(ffwd_dtype_size(FFWD_F64), 8);
    ck_assert_uint_eq(ffwd_dtype_size(FFWD_U8), 1);
    ck_assert_uint_eq(ffwd_dtype_size(4), 0);
}
END_TEST

START_TEST(strides_count_elements) {
    static const double block[64];
    static const struct {
        uint32_t dtype;
        int64_t row_stride, col_stride, row_bytes, col_bytes;
    } cases[] = {
        {FFWD_F32, 0, 0, 16, 4},      {FFWD_F64, 0, 0, 32, 8},   {FFWD_U8, 0, 0, 4, 1},
        {FFWD_F32, 7, 0, 28, 4},      {FFWD_F64, 1, 3, 8, 24},   {FFWD_F32, -4, 1, -16, 4},
        {FFWD_F64, -9, -2, -72, -16}, {FFWD_U8, 11, -1, 11, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const ffwd_input input =
            strided(&block[32], cases[i].dtype, 3, 4, cases[i].row_stride, cases[i].col_stride);
        const ffwd_rows rows = view_of(&input);
        ck_assert_ptr_eq(rows.data, &block[32]);
        ck_assert_int_eq(rows.row_bytes, cases[i].row_bytes);
        ck_assert_int_eq(rows.col_bytes, cases[i].col_bytes);
    }
}
END_TEST

START_TEST(dense_means_in_place) {
    static const float block[16];
    const ffwd_input dense = strided(block, FFWD_F32, 3, 4, 0, 0);
    const ffwd_input same = strided(block, FFWD_F32, 3, 4, 4, 1);
    const ffwd_input gaps = strided(block, FFWD_F32, 3, 4, 5, 1);
    const ffwd_input columns = strided(block, FFWD_F32, 3, 4, 1, 3);
    const ffwd_input one_row = strided(block, FFWD_F32, 1, 4, 99, 1);
    const ffwd_input one_column = strided(block, FFWD_F32, 3, 1, 1, 99);
    const ffwd_input one_of_many = strided(block, FFWD_F32, 3, 1, 4, 1);
    const struct {
        const ffwd_input *input;
        bool dense;
    } cases[] = {{&dense, true},   {&same, true},       {&gaps, false},       {&columns, false},
                 {&one_row, true}, {&one_column, true}, {&one_of_many, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const ffwd_rows rows = view_of(cases[i].input);
        ck_assert_int_eq(ffwd_rows_dense(&rows, FFWD_F32), cases[i].dense);
        ck_assert(!ffwd_rows_dense(&rows, FFWD_F64));
    }
}
END_TEST

START_TEST(slices_are_views) {
    static const float block[64];
    const ffwd_input input = strided(&block[60], FFWD_F32, 6, 2, -9, 1);
    const ffwd_rows rows = view_of(&input);
    const ffwd_rows slice = ffwd_rows_slice(&rows, 4, 2);
    ck_assert_ptr_eq(slice.data, &block[60 - 4 * 9]);
    ck_assert_uint_eq(slice.rows, 2);
    ck_assert_uint_eq(slice.cols, 2);
    ck_assert_int_eq(slice.row_bytes, -36);

    const ffwd_rows nothing = {0};
    ck_assert_ptr_null(ffwd_rows_slice(&nothing, 1000, 10).data);
}
END_TEST

/** Refused without a look at the memory, of which there is none. */
START_TEST(extents_must_fit) {
    static const double value;
    static const struct {
        uint32_t dtype;
        uint64_t rows, cols;
        int64_t row_stride, col_stride;
        const char *message;
    } cases[] = {
        {FFWD_F64, 1ull << 62, 4, 0, 0, "4611686018427387904 rows of 4 with strides 4 and 1"},
        {FFWD_F32, 2, 1, INT64_MAX, 1, "2 rows of 1 with strides 9223372036854775807 and 1"},
        {FFWD_U8, 2, 1, INT64_MIN, 1, "2 rows of 1 with strides -9223372036854775808 and 1"},
        {FFWD_F32, 1, 2, 0, INT64_MIN, "1 rows of 2 with strides 2 and -9223372036854775808"},
        {FFWD_F32, 1, 3, 0, INT64_MAX, "1 rows of 3 with strides 3 and 9223372036854775807"},
        {FFWD_F64, 1, 1ull << 61, 0, 0,
         "1 rows of 2305843009213693952 with strides 2305843009213693952 and 1"},
        {FFWD_U8, 3, 3, 1ll << 61, 1ll << 61,
         "3 rows of 3 with strides 2305843009213693952 and 2305843009213693952"},
        {FFWD_U8, 1, 1ull << 63, 0, 0, "9223372036854775808 columns do not fit"},
        {FFWD_U8, UINT64_MAX, UINT64_MAX, 0, 0, "18446744073709551615 columns do not fit"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const ffwd_input input = strided(&value, cases[i].dtype, cases[i].rows, cases[i].cols,
                                         cases[i].row_stride, cases[i].col_stride);
        ffwd_error err = FFWD_ERROR_INIT;
        ffwd_rows rows;
        expect_failure(ffwd_rows_of_input(&input, &rows, &err), &err, FFWD_EOVERFLOW,
                       cases[i].message);
    }
}
END_TEST

START_TEST(strides_that_are_never_taken_may_be_anything) {
    static const double value;
    const ffwd_input row = strided(&value, FFWD_F64, 1, 1, INT64_MIN, INT64_MIN);
    const ffwd_rows rows = view_of(&row);
    ck_assert(ffwd_rows_dense(&rows, FFWD_F64));
    const ffwd_input none = strided(&value, FFWD_F64, 0, 3, INT64_MAX, 0);
    ck_assert_uint_eq(view_of(&none).rows, 0);
}
END_TEST

START_TEST(pointers_are_naturally_aligned) {
    static _Alignas(16) unsigned char block[64];
    for (size_t d = 0; d < 3; d++) {
        const size_t element = ffwd_dtype_size(dtypes[d]);
        for (size_t shift = 0; shift < 16; shift++) {
            const ffwd_input input = net_input(block + shift, dtypes[d], 1, 1);
            ffwd_error err = FFWD_ERROR_INIT;
            ffwd_rows rows;
            const ffwd_status status = ffwd_rows_of_input(&input, &rows, &err);
            ck_assert_int_eq(status, shift % element == 0 ? FFWD_OK : FFWD_EARGUMENT);
            if (status != FFWD_OK) {
                char message[128];
                (void)snprintf(message, sizeof message, "data at %p is not aligned to %zu bytes",
                               (void *)(block + shift), element);
                ck_assert_str_eq(err.message, message);
            }
        }
    }
}
END_TEST

START_TEST(data_may_be_null_without_rows) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_rows rows;
    const ffwd_output none = net_output(NULL, FFWD_F32, 0, 5);
    expect_ok(ffwd_rows_of_output(&none, &rows, &err), &err);
    const ffwd_output some = net_output(NULL, FFWD_F32, 2, 5);
    expect_failure(ffwd_rows_of_output(&some, &rows, &err), &err, FFWD_EARGUMENT,
                   "data is NULL for 2 rows of 5");
}
END_TEST

START_TEST(unknown_dtypes_are_refused) {
    const float value = 0;
    const ffwd_input input = net_input(&value, 9, 1, 1);
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_rows rows;
    expect_failure(ffwd_rows_of_input(&input, &rows, &err), &err, FFWD_EARGUMENT,
                   "dtype 9 is none of f32, f64, u8");
}
END_TEST

/* ------------------------------------------------------------------------------- conversions */

enum { ROWS = 5, COLS = 3, MIDDLE = 128, SPAN = 256 };

/** Small whole numbers, which every dtype holds: element (r, c) is 40 r + c. */
static double value_at(int64_t r, int64_t c) {
    return (double)(40 * r + c);
}

static void put(void *block, uint32_t dtype, int64_t index, double value) {
    switch (dtype) {
    case FFWD_F32:
        ((float *)block)[index] = (float)value;
        break;
    case FFWD_F64:
        ((double *)block)[index] = value;
        break;
    default:
        ((unsigned char *)block)[index] = (unsigned char)value;
        break;
    }
}

static double get(const void *block, uint32_t dtype, int64_t index) {
    switch (dtype) {
    case FFWD_F32:
        return (double)((const float *)block)[index];
    case FFWD_F64:
        return ((const double *)block)[index];
    default:
        return ((const unsigned char *)block)[index];
    }
}

static const int64_t layouts[][2] = {{3, 1}, {0, 0}, {8, 1}, {1, 5}, {-3, 1}, {7, -2}, {-20, -4}};
#define LAYOUT_COUNT ((int)(sizeof layouts / sizeof *layouts))

static int64_t index_of(const int64_t *layout, int64_t r, int64_t c) {
    const int64_t row = layout[0] != 0 ? layout[0] : COLS, col = layout[1] != 0 ? layout[1] : 1;
    return MIDDLE + r * row + c * col;
}

/** The address of the middle of a block of a dtype. */
static void *middle(double *block, uint32_t dtype) {
    return (unsigned char *)block + MIDDLE * ffwd_dtype_size(dtype);
}

START_TEST(pack_reads_every_layout_and_dtype) {
    const int64_t *layout = layouts[_i];
    for (size_t from = 0; from < 3; from++) {
        for (size_t to = 0; to < 2; to++) {
            double block[SPAN] = {0}, dense[ROWS * COLS] = {0};
            for (int64_t i = 0; i < ROWS * COLS; i++) {
                put(block, dtypes[from], index_of(layout, i / COLS, i % COLS),
                    value_at(i / COLS, i % COLS));
            }
            const ffwd_input input = strided(middle(block, dtypes[from]), dtypes[from], ROWS, COLS,
                                             layout[0], layout[1]);
            const ffwd_rows rows = view_of(&input);
            ffwd_rows_pack(&rows, dtypes[to], dense);
            for (int64_t i = 0; i < ROWS * COLS; i++) {
                ck_assert_double_eq(get(dense, dtypes[to], i), value_at(i / COLS, i % COLS));
            }
        }
    }
}
END_TEST

START_TEST(unpack_writes_every_layout_and_dtype) {
    const int64_t *layout = layouts[_i];
    for (size_t from = 0; from < 2; from++) {
        for (size_t to = 0; to < 3; to++) {
            double block[SPAN], expected[SPAN], dense[ROWS * COLS] = {0};
            memset(block, 0xa5, sizeof block);
            memset(expected, 0xa5, sizeof expected);
            for (int64_t i = 0; i < ROWS * COLS; i++) {
                const double value = value_at(i / COLS, i % COLS);
                put(dense, dtypes[from], i, value);
                put(expected, dtypes[to], index_of(layout, i / COLS, i % COLS), value);
            }
            ffwd_output output = net_output(middle(block, dtypes[to]), dtypes[to], ROWS, COLS);
            output.row_stride = layout[0];
            output.col_stride = layout[1];
            ffwd_error err = FFWD_ERROR_INIT;
            ffwd_rows rows;
            expect_ok(ffwd_rows_of_output(&output, &rows, &err), &err);
            ffwd_rows_unpack(&rows, dtypes[from], dense);
            ck_assert_msg(memcmp(block, expected, sizeof block) == 0, "%s to %s, layout %d",
                          ffwd_dtype_name(dtypes[from]), ffwd_dtype_name(dtypes[to]), _i);
        }
    }
}
END_TEST

START_TEST(float64_is_rounded_once_to_nearest) {
    static const double from[] = {
        1 + 0x1p-24,            /* a tie: to even */
        1 + 0x1p-24 + 0x1p-52,  /* just above a tie */
        1 + 0x3p-24,            /* a tie: to even, upwards */
        1 + 0x3p-24 - 0x1p-52,  /* just below it */
        0x1.ffffffp+127,        /* the tie with infinity */
        0x1.fffffefffffffp+127, /* just below it */
        0x1p-149 + 0x1p-160,    /* subnormal */
        0x1p-150,               /* the tie with 0 */
        0x1.0000000000001p-150, /* just above it */
        -0.0,
        -0x1p-1074,
        INFINITY,
    };
    static const float to[] = {
        1, 1 + 0x1p-23f, 1 + 0x1p-22f, 1 + 0x1p-23f, INFINITY, 0x1.fffffep+127f, 0x1p-149f,
        0, 0x1p-149f,    -0.0f,        -0.0f,        INFINITY};
    enum { COUNT = sizeof from / sizeof *from };
    float got[COUNT];
    const ffwd_input input = net_input(from, FFWD_F64, COUNT, 1);
    const ffwd_rows rows = view_of(&input);
    ffwd_rows_pack(&rows, FFWD_F32, got);
    net_check_bits(got, to, COUNT, 1, FFWD_F32, "rounded");
}
END_TEST

START_TEST(no_rows_are_packed_from_nowhere) {
    float dense[1] = {7};
    const ffwd_input input = net_input(NULL, FFWD_F32, 0, 3);
    const ffwd_rows rows = view_of(&input);
    ffwd_rows_pack(&rows, FFWD_F32, dense);
    ffwd_rows_pack(&rows, FFWD_F64, dense);
    ffwd_rows_unpack(&rows, FFWD_F32, dense);
    ck_assert_float_eq(dense[0], 7);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("rows");
    TCase *views = tcase_create("views");
    tcase_add_test(views, dtypes_have_names_and_sizes);
    tcase_add_test(views, strides_count_elements);
    tcase_add_test(views, dense_means_in_place);
    tcase_add_test(views, slices_are_views);
    tcase_add_test(views, extents_must_fit);
    tcase_add_test(views, strides_that_are_never_taken_may_be_anything);
    tcase_add_test(views, pointers_are_naturally_aligned);
    tcase_add_test(views, data_may_be_null_without_rows);
    tcase_add_test(views, unknown_dtypes_are_refused);
    suite_add_tcase(suite, views);
    TCase *conversions = tcase_create("conversions");
    tcase_add_loop_test(conversions, pack_reads_every_layout_and_dtype, 0, LAYOUT_COUNT);
    tcase_add_loop_test(conversions, unpack_writes_every_layout_and_dtype, 0, LAYOUT_COUNT);
    tcase_add_test(conversions, float64_is_rounded_once_to_nearest);
    tcase_add_test(conversions, no_rows_are_packed_from_nowhere);
    suite_add_tcase(suite, conversions);
    return suite_main(suite);
}
