// SPDX-License-Identifier: MIT
// .npy files in: every type, order and version; headers that are wrong, lie, or end early. And out.
#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ffwd/file.h>

#include "format/npy_convert.h"
#include "support/files.h"
#include "support/suite.h"

static void put_npy(const char *path, const char *dict, const void *data, size_t bytes) {
    size_t count;
    unsigned char *file = make_npy(1, dict, data, bytes, &count);
    put_file(path, file, count);
    free(file);
}

static ffwd_reader *open_npy(const char *dict, const void *data, size_t bytes) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_reader *reader;
    put_npy(scratch("x.npy"), dict, data, bytes);
    ck_assert_msg(ffwd_reader_open(scratch("x.npy"), NULL, &reader, &err) == FFWD_OK, "%s",
                  err.message);
    return reader;
}

static ffwd_matrix_info describe(const ffwd_reader *reader) {
    ffwd_matrix_info info = FFWD_MATRIX_INFO_INIT;
    ffwd_reader_describe(reader, &info);
    return info;
}

/** Rows [first, first + rows), which the file must have. */
static ffwd_status read_rows(ffwd_reader *reader, uint64_t first, uint64_t rows, uint32_t dtype,
                             void *values, ffwd_error *err) {
    uint64_t read;
    ffwd_status status = ffwd_reader_seek(reader, first, err);
    if (status == FFWD_OK) {
        status = ffwd_reader_next(reader, rows, dtype, values, NULL, &read, err);
    }
    if (status == FFWD_OK) {
        ck_assert_uint_eq(read, rows);
    }
    return status;
}

static void expect_f64(ffwd_reader *reader, const double *expected, size_t count) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_matrix_info info = describe(reader);
    double *values = calloc(count + 1, sizeof *values);
    ck_assert_uint_eq(info.rows * info.cols, count);
    ck_assert_msg(read_rows(reader, 0, info.rows, FFWD_F64, values, &err) == FFWD_OK, "%s",
                  err.message);
    ck_assert_mem_eq(values, expected, count * sizeof *values);
    free(values);
    ffwd_reader_destroy(reader);
}

/** What the reader says of a file; its status. */
static ffwd_status refuse(const void *bytes, size_t count, ffwd_error *err) {
    ffwd_reader *reader = NULL;
    put_file(scratch("bad.npy"), bytes, count);
    ffwd_status status = ffwd_reader_open(scratch("bad.npy"), NULL, &reader, err);
    ck_assert_int_ne(status, FFWD_OK);
    ck_assert_ptr_null(reader);
    ck_assert_int_eq(err->status, status);
    ck_assert_msg(strstr(err->message, "bad.npy: ") != NULL, "%s", err->message);
    return status;
}

static void refuse_dict(const char *dict, ffwd_status status, const char *text) {
    ffwd_error err = FFWD_ERROR_INIT;
    double data[16] = {0};
    size_t count;
    unsigned char *file = make_npy(1, dict, data, sizeof data, &count);
    ck_assert_msg(refuse(file, count, &err) == status, "%s: %s", dict, err.message);
    ck_assert_msg(strstr(err.message, text) != NULL, "%s: %s", dict, err.message);
    free(file);
}

/* -------------------------------------------------------------------------------------- headers */

static const float six[] = {1, 2, 3, 4, 5, 6};
static const double six_f64[] = {1, 2, 3, 4, 5, 6};

START_TEST(header_spellings) {
    static const char *const dicts[] = {
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n",
        "{\"shape\":(2,3),\"descr\":\"<f4\",\"fortran_order\":False}",
        "{'fortran_order': False, 'shape': (2L, 3L,), 'descr': 'f4'}   \n",
        "  {\t'descr' : '=f4' ,\n'shape' : ( 2 , 3 ) , 'fortran_order' : False , } ",
        "{'descr': '|f4', 'fortran_order': False, 'shape': (02, 0003)}",
    };
    expect_f64(open_npy(dicts[_i], six, sizeof six), six_f64, 6);
}
END_TEST

START_TEST(header_versions) {
    size_t count;
    ffwd_error err = FFWD_ERROR_INIT;
    const char *dict = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";
    unsigned char *file = make_npy((unsigned)_i, dict, six, sizeof six, &count);
    ffwd_reader *reader;
    put_file(scratch("v.npy"), file, count);
    free(file);
    ck_assert_int_eq(ffwd_reader_open(scratch("v.npy"), NULL, &reader, &err), FFWD_OK);
    expect_f64(reader, six_f64, 6);
}
END_TEST

START_TEST(header_other_versions) {
    size_t count;
    ffwd_error err = FFWD_ERROR_INIT;
    const char *dict = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";
    unsigned char *file = make_npy(4, dict, six, sizeof six, &count);
    ck_assert_int_eq(refuse(file, count, &err), FFWD_EUNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.message, "format 4.0"));
    file[6] = 1;
    file[7] = 1;
    ck_assert_int_eq(refuse(file, count, &err), FFWD_EUNSUPPORTED);
    file[0] = 'x';
    ck_assert_int_eq(refuse(file, count, &err), FFWD_EFORMAT);
    ck_assert_uint_eq(err.offset, 0);
    free(file);
}
END_TEST

START_TEST(header_malformed) {
    static const char *const dicts[] = {
        "",
        "{",
        "{}",
        "{,}",
        "[]",
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,,3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-2, 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2.0, 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': [2, 3]}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 18446744073709551616)}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 3)}",
        "{'descr': <f4', 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': '<f4', 'order': False, 'shape': (2, 3)}",
        "{'descr': '<f4' 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr' '<f4', 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)} x",
        "{'descr': '\\x3cf4', 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': '<f4                                  ', 'fortran_order': False, 'shape': ()}",
    };
    ffwd_error err = FFWD_ERROR_INIT;
    size_t count;
    for (size_t i = 0; i < sizeof dicts / sizeof dicts[0]; i++) {
        unsigned char *file = make_npy(1, dicts[i], six, sizeof six, &count);
        ck_assert_msg(refuse(file, count, &err) == FFWD_EFORMAT, "%s: %s", dicts[i], err.message);
        ck_assert_msg(strstr(err.message, "malformed") != NULL, "%s: %s", dicts[i], err.message);
        ck_assert_uint_ge(err.offset, 10);
        ck_assert_uint_le(err.offset, 10 + strlen(dicts[i]));
        free(file);
    }
}
END_TEST

START_TEST(header_of_too_many_axes) {
    char ones[129] = "", dict[256];
    for (size_t i = 0; i < 128; i++) {
        ones[i] = i % 2 == 0 ? '1' : ',';
    }
    const char *format = "{'descr': '<f4', 'fortran_order': False, 'shape': (%s%s)}";
    (void)snprintf(dict, sizeof dict, format, ones, "");
    ffwd_reader *reader = open_npy(dict, six, 4);
    ck_assert_uint_eq(describe(reader).dimensions, 64);
    ffwd_reader_destroy(reader);
    (void)snprintf(dict, sizeof dict, format, ones, "1");
    refuse_dict(dict, FFWD_EFORMAT, "64 axes");
}
END_TEST

START_TEST(header_foreign_types) {
    static const char *const descrs[] = {"<c8",  "<c16", "<M8[ns]", "<m8[s]", "|O",  "|V8", "<f16",
                                         "<U5",  "|S3",  "<f12",    "<i16",   "<x4", "<",   "",
                                         "<f4 ", "<b2",  "float32", "|O8",    "<i3", "<f",  "??"};
    char dict[128], quoted[32];
    for (size_t i = 0; i < sizeof descrs / sizeof descrs[0]; i++) {
        (void)snprintf(dict, sizeof dict, "{'descr': '%s', 'fortran_order': False, 'shape': (2,)}",
                       descrs[i]);
        (void)snprintf(quoted, sizeof quoted, "'%s'", descrs[i]);
        refuse_dict(dict, FFWD_EUNSUPPORTED, quoted);
    }
    refuse_dict("{'descr': [('a', '<f4'), ('b', '<i4')], 'fortran_order': False, 'shape': (2,)}",
                FFWD_EUNSUPPORTED, "structured");
    refuse_dict("{'descr': ('<f4', (2,)), 'fortran_order': False, 'shape': (2,)}",
                FFWD_EUNSUPPORTED, "structured");
}
END_TEST

START_TEST(header_lies) {
    refuse_dict("{'descr': '<f8', 'fortran_order': False, 'shape': (17,)}", FFWD_EFORMAT,
                "the header claims 136 bytes of data, the file holds 128");
    refuse_dict("{'descr': '<f4', 'fortran_order': False, 'shape': (1152921504606846976, 1)}",
                FFWD_EFORMAT, "claims 4611686018427387904 bytes");
    refuse_dict("{'descr': '<f4', 'fortran_order': False, 'shape': (1152921504606846976, 4)}",
                FFWD_EFORMAT, "does not fit in 64 bits");
    refuse_dict("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}",
                FFWD_EFORMAT, "does not fit in 64 bits");
    refuse_dict("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 4294967296, 4294967296, 0)}",
                FFWD_EFORMAT, "does not fit in 64 bits");
    refuse_dict("{'descr': '<U99999999999999999999', 'fortran_order': False, 'shape': (1,)}",
                FFWD_EUNSUPPORTED, "<U99999999999999999999");
}
END_TEST

START_TEST(header_length_lies) {
    ffwd_error err = FFWD_ERROR_INIT;
    unsigned char file[64] = "\x93NUMPY\x01\x00\xff\xff{}";
    ck_assert_int_eq(refuse(file, sizeof file, &err), FFWD_EFORMAT);
    ck_assert_ptr_nonnull(strstr(err.message, "the header claims 65535 bytes, the file holds 64"));
    file[6] = 2;
    memset(file + 8, 0xff, 4);
    ck_assert_int_eq(refuse(file, sizeof file, &err), FFWD_EFORMAT);
    ck_assert_ptr_nonnull(strstr(err.message, "claims 4294967295 bytes"));
}
END_TEST

START_TEST(header_beyond_what_is_read) {
    ffwd_error err = FFWD_ERROR_INIT;
    size_t count = 1 << 20;
    unsigned char *file = calloc(1, count);
    static const unsigned char start[] = {0x93, 'N', 'U', 'M', 'P', 'Y', 2, 0, 0, 0, 0x0f, 0, '{'};
    memcpy(file, start, sizeof start);
    ck_assert_int_eq(refuse(file, count, &err), FFWD_EUNSUPPORTED);
    free(file);
}
END_TEST

START_TEST(every_prefix) {
    static const char *const dicts[] = {
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n",
        "{'descr': '>i2', 'fortran_order': True, 'shape': (3, 4), }\n",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (6,), }\n",
    };
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_npy_header header;
    size_t count;
    for (unsigned version = 1; version <= 3; version++) {
        unsigned char *file = make_npy(version, dicts[_i], six, sizeof six, &count);
        for (size_t length = 0; length < count; length++) {
            unsigned char *prefix = malloc(length > 0 ? length : 1);
            memcpy(prefix, file, length);
            ck_assert_int_ne(ffwd_npy_parse(prefix, length, length, &header, &err), FFWD_OK);
            (void)refuse(prefix, length, &err);
            free(prefix);
        }
        free(file);
    }
}
END_TEST

START_TEST(every_flipped_bit) {
    const char *dict = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";
    size_t count;
    unsigned char *file = make_npy(2, dict, six, sizeof six, &count);
    for (size_t bit = 0; bit < 8 * (12 + strlen(dict)); bit++) {
        unsigned char *flipped = malloc(count);
        ffwd_npy_header header;
        memcpy(flipped, file, count);
        flipped[bit / 8] ^= (unsigned char)(1 << bit % 8);
        if (ffwd_npy_parse(flipped, count, count, &header, NULL) == FFWD_OK) {
            ck_assert_uint_le(header.data_offset, count);
            ck_assert_uint_le(header.data_bytes, count - header.data_offset);
        }
        free(flipped);
    }
    free(file);
}
END_TEST

/* ---------------------------------------------------------------------------------------- types */

START_TEST(integers) {
    static const int8_t i1[] = {-128, 127};
    static const uint8_t u1[] = {0, 255};
    static const int16_t i2[] = {-32768, 32767};
    static const uint16_t u2[] = {1, 65535};
    static const int32_t i4[] = {INT32_MIN, INT32_MAX};
    static const uint32_t u4[] = {1, UINT32_MAX};
    static const int64_t i8[] = {INT64_MIN, -9007199254740993};
    static const uint64_t u8[] = {UINT64_MAX, 9007199254740995};
    static const uint8_t b1[] = {0, 1};
    static const struct {
        const char *descr;
        const void *data;
        size_t bytes;
        double expected[2];
        uint32_t dtype;
    } cases[] = {
        {"|i1", i1, 1, {-128, 127}, FFWD_F32},
        {"|u1", u1, 1, {0, 255}, FFWD_F32},
        {"<i2", i2, 2, {-32768, 32767}, FFWD_F32},
        {"<u2", u2, 2, {1, 65535}, FFWD_F32},
        {"<i4", i4, 4, {-2147483648.0, 2147483647.0}, FFWD_F64},
        {"<u4", u4, 4, {1, 4294967295.0}, FFWD_F64},
        {"<i8", i8, 8, {-0x1p63, -9007199254740992.0}, FFWD_F64},
        {"<u8", u8, 8, {0x1p64, 9007199254740996.0}, FFWD_F64},
        {"|b1", b1, 1, {0, 1}, FFWD_F32},
        {"?", b1, 1, {0, 1}, FFWD_F32},
    };
    char dict[128];
    (void)snprintf(dict, sizeof dict, "{'descr': '%s', 'fortran_order': False, 'shape': (2,)}",
                   cases[_i].descr);
    ffwd_reader *reader = open_npy(dict, cases[_i].data, 2 * cases[_i].bytes);
    ffwd_matrix_info info = describe(reader);
    ck_assert_str_eq(info.stored, cases[_i].descr);
    ck_assert_uint_eq(info.dtype, cases[_i].dtype);
    expect_f64(reader, cases[_i].expected, 2);
}
END_TEST

/** Values whose rounding to float64 first would round them twice. */
START_TEST(one_rounding_from_integers) {
    static const int64_t stored[] = {(1 << 24) + 1, ((int64_t)1 << 54) + ((int64_t)1 << 30) + 1,
                                     -((int64_t)1 << 54) - ((int64_t)1 << 30) - 1, INT64_MAX,
                                     ((int64_t)1 << 62) + ((int64_t)1 << 38) + 1};
    static const float expected[] = {0x1p24f, 0x1.000002p54f, -0x1.000002p54f, 0x1p63f,
                                     0x1.000002p62f};
    static const uint64_t stored_u8[] = {((uint64_t)1 << 63) + ((uint64_t)1 << 39) + 1};
    float values[5];
    ffwd_reader *reader =
        open_npy("{'descr': '<i8', 'fortran_order': False, 'shape': (5,)}", stored, sizeof stored);
    ck_assert_int_eq(read_rows(reader, 0, 5, FFWD_F32, values, NULL), FFWD_OK);
    ck_assert_mem_eq(values, expected, sizeof expected);
    ffwd_reader_destroy(reader);
    reader = open_npy("{'descr': '<u8', 'fortran_order': False, 'shape': (1,)}", stored_u8, 8);
    ck_assert_int_eq(read_rows(reader, 0, 1, FFWD_F32, values, NULL), FFWD_OK);
    ck_assert_float_eq(values[0], 0x1.000002p63f);
    ffwd_reader_destroy(reader);
}
END_TEST

START_TEST(one_rounding_from_float64) {
    static const double stored[] = {
        0.1, 1e39, -1e39, 1e-46, 0x1.000001p0, 0x1.0000010000001p0, -0.0, 0x1p-149, 0x1.8p-149};
    static const float expected[] = {0.1f,          INFINITY, -INFINITY, 0,        1,
                                     0x1.000002p0f, -0.0f,    0x1p-149f, 0x1p-148f};
    float values[9];
    ffwd_reader *reader =
        open_npy("{'descr': '<f8', 'fortran_order': False, 'shape': (9,)}", stored, sizeof stored);
    ck_assert_int_eq(read_rows(reader, 0, 9, FFWD_F32, values, NULL), FFWD_OK);
    ck_assert_mem_eq(values, expected, sizeof expected);
    ffwd_reader_destroy(reader);
}
END_TEST

/** By definition: (-1)^s 2^(e-25) (1024 + f), or 2^-24 f. */
static float half_by_definition(unsigned half) {
    int exponent = (int)(half >> 10 & 31), fraction = (int)(half & 1023);
    double magnitude = exponent == 31  ? INFINITY
                       : exponent == 0 ? ldexp(fraction, -24)
                                       : ldexp(1024 + fraction, exponent - 25);
    return (float)(half & 0x8000 ? -magnitude : magnitude);
}

START_TEST(every_float16) {
    static uint16_t stored[65536];
    static float values[65536];
    static double wide[65536];
    for (unsigned i = 0; i < 65536; i++) {
        stored[i] = (uint16_t)i;
    }
    ffwd_reader *reader = open_npy("{'descr': '<f2', 'fortran_order': False, 'shape': (65536,)}",
                                   stored, sizeof stored);
    ck_assert_int_eq(read_rows(reader, 0, 65536, FFWD_F32, values, NULL), FFWD_OK);
    ck_assert_int_eq(read_rows(reader, 0, 65536, FFWD_F64, wide, NULL), FFWD_OK);
    for (unsigned i = 0; i < 65536; i++) {
        float expected = half_by_definition(i);
        bool nan = (i & 0x7c00) == 0x7c00 && (i & 0x3ff) != 0;
        bool same = nan ? isnan(values[i]) && isnan(wide[i])
                        : values[i] == expected && wide[i] == (double)expected &&
                              signbit(values[i]) == signbit(expected);
        if (!same) {
            ck_abort_msg("%#x gives %a, not %a", i, values[i], expected);
        }
    }
    ffwd_reader_destroy(reader);
}
END_TEST

START_TEST(big_endian) {
    static const unsigned char f4[] = {0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0};
    static const unsigned char f8[] = {0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0};
    static const unsigned char i2[] = {0, 1, 0xff, 0xfe};
    static const unsigned char i8[] = {0,    0,    0,    0,    0,    0,    0,    1,
                                       0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe};
    static const unsigned char f2[] = {0x3c, 0, 0xc0, 0};
    static const double expected[] = {1, -2};
    expect_f64(open_npy("{'descr': '>f4', 'fortran_order': False, 'shape': (2,)}", f4, 8), expected,
               2);
    expect_f64(open_npy("{'descr': '>f8', 'fortran_order': False, 'shape': (2,)}", f8, 16),
               expected, 2);
    expect_f64(open_npy("{'descr': '>i2', 'fortran_order': False, 'shape': (2,)}", i2, 4), expected,
               2);
    expect_f64(open_npy("{'descr': '>i8', 'fortran_order': False, 'shape': (2,)}", i8, 16),
               expected, 2);
    expect_f64(open_npy("{'descr': '>f2', 'fortran_order': False, 'shape': (2,)}", f2, 4), expected,
               2);
}
END_TEST

/* --------------------------------------------------------------------------------------- shapes */

START_TEST(one_axis) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_reader *reader =
        open_npy("{'descr': '<f4', 'fortran_order': True, 'shape': (6,)}", six, sizeof six);
    ffwd_matrix_info info = describe(reader);
    ck_assert_uint_eq(info.rows, 6);
    ck_assert_uint_eq(info.cols, 1);
    ck_assert_uint_eq(info.dimensions, 1);
    ck_assert_int_eq(ffwd_reader_take_as_row(reader, &err), FFWD_OK);
    info = describe(reader);
    ck_assert_uint_eq(info.rows, 1);
    ck_assert_uint_eq(info.cols, 6);
    expect_f64(reader, six_f64, 6);
}
END_TEST

START_TEST(no_axis) {
    ffwd_reader *reader = open_npy("{'descr': '<f4', 'fortran_order': False, 'shape': ()}", six, 4);
    ck_assert_uint_eq(describe(reader).dimensions, 0);
    ck_assert_int_eq(ffwd_reader_take_as_row(reader, NULL), FFWD_OK);
    expect_f64(reader, six_f64, 1);
}
END_TEST

START_TEST(two_axes_are_no_row) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_reader *reader =
        open_npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 6)}", six, sizeof six);
    ck_assert_int_eq(ffwd_reader_take_as_row(reader, &err), FFWD_EARGUMENT);
    ffwd_reader_destroy(reader);
}
END_TEST

START_TEST(empty_arrays) {
    static const char *const shapes[] = {"(0, 3)", "(0,)", "(3, 0)", "(1152921504606846976, 0)",
                                         "(0, 1152921504606846976)"};
    static const uint64_t rows[] = {0, 0, 3, 1152921504606846976, 0};
    char dict[128];
    double value;
    for (size_t i = 0; i < 10; i++) {
        (void)snprintf(dict, sizeof dict, "{'descr': '<f4', 'fortran_order': %s, 'shape': %s}",
                       i % 2 == 0 ? "True" : "False", shapes[i / 2]);
        ffwd_reader *reader = open_npy(dict, NULL, 0);
        ck_assert_uint_eq(describe(reader).rows, rows[i / 2]);
        ck_assert_int_eq(read_rows(reader, 0, rows[i / 2], FFWD_F64, &value, NULL), FFWD_OK);
        ffwd_reader_destroy(reader);
    }
}
END_TEST

/** Element [i][j][k] of a 3 x 4 x 5 array is 100 i + 10 j + k, whatever the order of storage. */
START_TEST(three_axes_in_fortran_order) {
    int32_t stored[60];
    double expected[60], rows[2][20];
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 4; j++) {
            for (int k = 0; k < 5; k++) {
                stored[i + 3 * (j + 4 * k)] = 100 * i + 10 * j + k;
                expected[(i * 4 + j) * 5 + k] = 100 * i + 10 * j + k;
            }
        }
    }
    ffwd_reader *reader = open_npy("{'descr': '<i4', 'fortran_order': True, 'shape': (3, 4, 5)}",
                                   stored, sizeof stored);
    ck_assert_uint_eq(describe(reader).cols, 20);
    ck_assert_int_eq(read_rows(reader, 1, 2, FFWD_F64, rows, NULL), FFWD_OK);
    ck_assert_mem_eq(rows, expected + 20, sizeof rows);
    expect_f64(reader, expected, 60);
}
END_TEST

/** More than one staging buffer, both orders, in chunks of every size around them. */
START_TEST(rows_in_chunks) {
    const uint64_t rows = 50021, cols = 3;
    int32_t *stored = malloc(rows * cols * sizeof *stored);
    float *values = malloc(rows * cols * sizeof *values);
    bool fortran = _i == 1;
    char dict[128];
    for (uint64_t r = 0; r < rows; r++) {
        for (uint64_t c = 0; c < cols; c++) {
            stored[fortran ? c * rows + r : r * cols + c] = (int32_t)(r * 10 + c);
        }
    }
    (void)snprintf(dict, sizeof dict, "{'descr': '<i4', 'fortran_order': %s, 'shape': (50021, 3)}",
                   fortran ? "True" : "False");
    ffwd_reader *reader = open_npy(dict, stored, rows * cols * sizeof *stored);
    static const uint64_t chunks[] = {50021, 50020, 21845, 1024, 997};
    for (size_t k = 0; k < sizeof chunks / sizeof chunks[0]; k++) {
        for (uint64_t first = 0; first < rows; first += chunks[k]) {
            uint64_t count = rows - first < chunks[k] ? rows - first : chunks[k];
            ck_assert_int_eq(read_rows(reader, first, count, FFWD_F32, values + first * cols, NULL),
                             FFWD_OK);
        }
        uint64_t wrong = 0;
        for (uint64_t i = 0; i < rows * cols; i++) {
            uint64_t expected = i / cols * 10 + i % cols;
            wrong += values[i] != (float)expected;
        }
        ck_assert_uint_eq(wrong, 0);
    }
    ffwd_reader_destroy(reader);
    free(stored);
    free(values);
}
END_TEST

START_TEST(arguments) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_reader_options wrong = {0};
    float values[6];
    ffwd_reader *reader =
        open_npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2)}", six, sizeof six);
    ck_assert_int_eq(read_rows(reader, 3, 0, FFWD_F32, values, &err), FFWD_OK);
    ck_assert_int_eq(ffwd_reader_seek(reader, 4, &err), FFWD_EARGUMENT);
    ck_assert_str_eq(strrchr(err.message, ':'), ": has 3 rows; row 4 wanted");
    ck_assert_int_eq(read_rows(reader, 0, 1, FFWD_U8, values, &err), FFWD_EARGUMENT);
    ffwd_reader_destroy(reader);
    ffwd_reader_destroy(NULL);
    ck_assert_int_eq(ffwd_reader_open(scratch("x.npy"), &wrong, &reader, &err), FFWD_EARGUMENT);
    ck_assert_ptr_null(reader);
}
END_TEST

START_TEST(rows_in_order) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_kept *kept;
    float values[6];
    uint64_t rows;
    ffwd_reader *reader =
        open_npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2)}", six, sizeof six);
    ck_assert_int_eq(ffwd_kept_create(0, &kept, &err), FFWD_OK);
    ck_assert_int_eq(ffwd_reader_count(reader, &rows, &err), FFWD_OK);
    ck_assert_uint_eq(rows, 3);
    for (uint64_t expected = 2; expected < 3; expected--) { // two rows, one row, none
        ck_assert_int_eq(ffwd_reader_next(reader, 2, FFWD_F32, values, kept, &rows, &err), FFWD_OK);
        ck_assert_uint_eq(rows, expected);
        ck_assert_float_eq(values[0], expected == 2 ? six[0] : six[4]);
    }
    ck_assert_int_eq(ffwd_reader_seek(reader, 1, &err), FFWD_OK);
    ck_assert_int_eq(ffwd_reader_next(reader, UINT64_MAX, FFWD_F32, values, NULL, &rows, &err),
                     FFWD_OK);
    ck_assert_uint_eq(rows, 2);
    ck_assert_mem_eq(values, six + 2, 4 * sizeof *values);
    ck_assert_ptr_null(ffwd_reader_name(reader, 0));
    ck_assert_ptr_null(ffwd_reader_kept_name(reader, 0));
    ffwd_kept_destroy(kept);
    ffwd_kept_destroy(NULL);
    ffwd_reader_destroy(reader);
}
END_TEST

START_TEST(columns_are_not_chosen) {
    static const char *const one[] = {"1"};
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_reader_options options = FFWD_READER_OPTIONS_INIT;
    ffwd_reader *reader =
        open_npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2)}", six, sizeof six);
    ffwd_reader_destroy(reader);
    options.columns = one;
    options.column_count = 1;
    ck_assert_int_eq(ffwd_reader_open(scratch("x.npy"), &options, &reader, &err), FFWD_EARGUMENT);
    ck_assert_ptr_null(reader);
    ck_assert_ptr_nonnull(strstr(err.message, "are chosen of CSV only"));
}
END_TEST

/* ---------------------------------------------------------------------------------------- files */

START_TEST(shrinking_file) {
    ffwd_error err = FFWD_ERROR_INIT;
    float values[6];
    ffwd_reader *reader =
        open_npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2)}", six, sizeof six);
    size_t count;
    free(get_file(scratch("x.npy"), &count));
    ck_assert_int_eq(truncate(scratch("x.npy"), (off_t)count - 4), 0);
    ck_assert_int_eq(read_rows(reader, 0, 2, FFWD_F32, values, &err), FFWD_OK);
    ck_assert_int_eq(read_rows(reader, 0, 3, FFWD_F32, values, &err), FFWD_EFORMAT);
    ck_assert_uint_eq(err.offset, count - 4);
    ffwd_reader_destroy(reader);
}
END_TEST

static void refuse_path(const char *path, ffwd_status status, int native, const char *text) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_reader *reader;
    ck_assert_int_eq(ffwd_reader_open(path, NULL, &reader, &err), status);
    ck_assert_int_eq(err.native, native);
    ck_assert_msg(strstr(err.message, text) != NULL, "%s", err.message);
}

START_TEST(what_is_no_matrix_file) {
    refuse_path(scratch("missing.npy"), FFWD_EIO, ENOENT, "missing.npy: cannot open: No such file");
    refuse_path(scratch("missing.csv"), FFWD_EIO, ENOENT, "No such file");
    refuse_path("/tmp", FFWD_EIO, EISDIR, "Is a directory");
    refuse_path("/dev/zero", FFWD_EFORMAT, 0, "neither a .npy file nor text: byte 0 is 0");
    ck_assert_int_eq(mkfifo(scratch("pipe.npy"), 0600), 0);
    refuse_path(scratch("pipe.npy"), FFWD_EIO, ESPIPE, "a pipe or a device");
    put_file(scratch("x.npz"), "PK\3\4", 4);
    refuse_path(scratch("x.npz"), FFWD_EUNSUPPORTED, 0, "an archive");
    put_file(scratch("empty.npy"), "", 0);
    refuse_path(scratch("empty.npy"), FFWD_EFORMAT, 0, "does not begin as a .npy file does");
}
END_TEST

/** A sparse file of more than 2^32 elements: places are 64 bits wide. */
START_TEST(large_file) {
    const uint64_t rows = ((uint64_t)1 << 32) + 7;
    char dict[128];
    float values[2];
    unsigned char last = 42;
    (void)snprintf(dict, sizeof dict,
                   "{'descr': '|u1', 'fortran_order': False, 'shape': (%llu, 1)}",
                   (unsigned long long)rows);
    put_npy(scratch("large.npy"), dict, NULL, 0);
    FILE *file = fopen(scratch("large.npy"), "r+b");
    ck_assert_int_eq(fseeko(file, (off_t)(10 + strlen(dict) + rows - 1), SEEK_SET), 0);
    ck_assert_uint_eq(fwrite(&last, 1, 1, file), 1);
    (void)fclose(file);
    ffwd_reader *reader;
    ffwd_error err = FFWD_ERROR_INIT;
    ck_assert_msg(ffwd_reader_open(scratch("large.npy"), NULL, &reader, &err) == FFWD_OK, "%s",
                  err.message);
    ck_assert_uint_eq(describe(reader).rows, rows);
    ck_assert_int_eq(read_rows(reader, rows - 2, 2, FFWD_F32, values, NULL), FFWD_OK);
    ck_assert_float_eq(values[0], 0);
    ck_assert_float_eq(values[1], 42);
    ffwd_reader_destroy(reader);
}
END_TEST

START_TEST(real_data) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_reader *reader;
    float row[64];
    ck_assert_msg(ffwd_reader_open(TEST_DATA "/digits_relu_X.npy", NULL, &reader, &err) == FFWD_OK,
                  "%s", err.message);
    ffwd_matrix_info info = describe(reader);
    ck_assert_uint_eq(info.rows, 1797);
    ck_assert_uint_eq(info.cols, 64);
    ck_assert_uint_eq(info.dtype, FFWD_F32);
    ck_assert_int_eq(read_rows(reader, 0, 1, FFWD_F32, row, &err), FFWD_OK);
    ck_assert_float_eq(row[2], 5); // the first digit's third pixel
    ffwd_reader_destroy(reader);
}
END_TEST

/* -------------------------------------------------------------------------------------- writing */

START_TEST(written_files_read_back) {
    static const uint32_t dtypes[] = {FFWD_F32, FFWD_F64, FFWD_U8};
    static const double expected[] = {0, 1, 2, 3, 250, 255};
    static const float f32[] = {0, 1, 2, 3, 250, 255};
    static const uint8_t u8[] = {0, 1, 2, 3, 250, 255};
    const void *values = _i == 0 ? (const void *)f32 : _i == 1 ? (const void *)expected : u8;
    size_t bytes, element = ffwd_dtype_size(dtypes[_i]);
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_writer *writer;
    ffwd_reader *reader;
    ck_assert_int_eq(ffwd_writer_create(scratch("y.npy"), 3, 2, dtypes[_i], NULL, &writer, &err),
                     FFWD_OK);
    ck_assert_int_eq(ffwd_writer_append(writer, 1, values, NULL, &err), FFWD_OK);
    ck_assert_int_eq(
        ffwd_writer_append(writer, 2, (const unsigned char *)values + 2 * element, NULL, &err),
        FFWD_OK);
    ck_assert_int_eq(ffwd_writer_commit(writer, &err), FFWD_OK);
    ffwd_writer_destroy(writer);
    unsigned char *file = get_file(scratch("y.npy"), &bytes);
    ck_assert_uint_eq(bytes, 128 + 6 * element);
    ck_assert_uint_eq(file[8], 118);
    ck_assert_uint_eq(file[127], '\n');
    free(file);
    ck_assert_int_eq(ffwd_reader_open(scratch("y.npy"), NULL, &reader, &err), FFWD_OK);
    expect_f64(reader, expected, 6);
}
END_TEST

START_TEST(longest_written_header) {
    char bytes[FFWD_NPY_WRITTEN_MAX];
    ffwd_npy_header header;
    ffwd_error err = FFWD_ERROR_INIT;
    uint64_t length = ffwd_npy_format(bytes, UINT64_MAX, 1, FFWD_U8);
    ck_assert_uint_eq(length % 64, 0);
    ck_assert_uint_eq(length, ffwd_npy_format(bytes, 0, 1, FFWD_U8));
    length = ffwd_npy_format(bytes, (uint64_t)1 << 62, 1, FFWD_U8);
    ck_assert_int_eq(ffwd_npy_parse((unsigned char *)bytes, length, UINT64_MAX, &header, &err),
                     FFWD_OK);
    ck_assert_uint_eq(header.rows, (uint64_t)1 << 62);
}
END_TEST

static void write_six(const char *path, uint64_t rows) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_writer *writer;
    ck_assert_int_eq(ffwd_writer_create(path, rows, 2, FFWD_F32, NULL, &writer, &err), FFWD_OK);
    ck_assert_int_eq(ffwd_writer_append(writer, 1, six, NULL, &err), FFWD_OK);
    ck_assert_int_eq(ffwd_writer_append(writer, 2, six + 2, NULL, &err), FFWD_OK);
    ck_assert_msg(ffwd_writer_commit(writer, &err) == FFWD_OK, "%s", err.message);
    ffwd_writer_destroy(writer);
}

/** The same file, whether rows are told before or after. */
START_TEST(rows_known_at_the_end) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_writer *writer;
    size_t before, after;
    write_six(scratch("before.npy"), 3);
    write_six(scratch("after.npy"), UINT64_MAX);
    unsigned char *expected = get_file(scratch("before.npy"), &before);
    unsigned char *found = get_file(scratch("after.npy"), &after);
    ck_assert_uint_eq(after, before);
    ck_assert_mem_eq(found, expected, before);
    free(expected);
    free(found);
    ck_assert_int_eq(symlink("/dev/null", scratch("stream.npy")), 0);
    write_six(scratch("stream.npy"), 3);
    ck_assert_int_eq(
        ffwd_writer_create(scratch("stream.npy"), UINT64_MAX, 2, FFWD_F32, NULL, &writer, &err),
        FFWD_EUNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.message, "starts with the number of its rows"));
}
END_TEST

START_TEST(row_counts) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_writer *writer;
    size_t before = count_files();
    ck_assert_int_eq(ffwd_writer_create(scratch("short.npy"), 3, 2, FFWD_F32, NULL, &writer, &err),
                     FFWD_OK);
    ck_assert_int_eq(ffwd_writer_append(writer, 4, six, NULL, &err), FFWD_EARGUMENT);
    ck_assert_int_eq(ffwd_writer_append(writer, 2, six, NULL, &err), FFWD_OK);
    ck_assert_int_eq(ffwd_writer_append(writer, 2, six, NULL, &err), FFWD_EARGUMENT);
    ck_assert_int_eq(ffwd_writer_commit(writer, &err), FFWD_EARGUMENT);
    ck_assert_ptr_nonnull(strstr(err.message, "takes 3 rows, but only 2 were given"));
    ffwd_writer_destroy(writer);
    ck_assert_uint_eq(count_files(), before);
    ck_assert_int_eq(
        ffwd_writer_create(scratch("y.npy"), UINT64_MAX / 2, 3, FFWD_F32, NULL, &writer, &err),
        FFWD_EOVERFLOW);
    ck_assert_int_eq(
        ffwd_writer_create(scratch("y.npy"), 1, UINT64_MAX / 2, FFWD_F32, NULL, &writer, &err),
        FFWD_EOVERFLOW);
    ck_assert_int_eq(ffwd_writer_create(scratch("y.npy"), 1, 1, 9, NULL, &writer, &err),
                     FFWD_EARGUMENT);
}
END_TEST

/* ---------------------------------------------------------------------------------------- NumPy */

/** Writes arrays of every type, order and rank, and what NumPy's astype and ravel make of them. */
static const char make_arrays[] =
    "import numpy as np\n"
    "r = np.random.default_rng(1)\n"
    "n = 0\n"
    "for shape in [(), (1,), (7,), (5, 3), (4, 3, 2), (3, 2, 4, 5)]:\n"
    "    for code in ['?', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8', 'f2', 'f4', 'f8']:\n"
    "        for order in '<>':\n"
    "            for fortran in (False, True):\n"
    "                t = np.dtype(code).newbyteorder(order)\n"
    "                raw = r.standard_normal(shape) * 1e3 if code[0] == 'f' else \\\n"
    "                    np.asarray(r.integers(-2**63, 2**63 - 1, shape)).view('i8')\n"
    "                a = np.asarray(raw).astype(code).astype(t)\n"
    "                a = np.asfortranarray(a) if fortran and a.ndim else a\n"
    "                np.save(f'np{n}.npy', a)\n"
    "                np.ascontiguousarray(a).astype('<f4').tofile(f'np{n}.f4')\n"
    "                np.ascontiguousarray(a).astype('<f8').tofile(f'np{n}.f8')\n"
    "                n += 1\n"
    "open('count', 'w').write(str(n))\n";

static void compare_with_numpy(size_t number) {
    static const uint32_t dtypes[] = {FFWD_F32, FFWD_F64};
    static const char *const endings[] = {"f4", "f8"};
    char name[32];
    ffwd_reader *reader;
    ffwd_error err = FFWD_ERROR_INIT;
    (void)snprintf(name, sizeof name, "np%zu.npy", number);
    ck_assert_msg(ffwd_reader_open(scratch(name), NULL, &reader, &err) == FFWD_OK, "%s",
                  err.message);
    ffwd_matrix_info info = describe(reader);
    for (int i = 0; i < 2; i++) {
        size_t bytes;
        double values[256];
        (void)snprintf(name, sizeof name, "np%zu.%s", number, endings[i]);
        unsigned char *expected = get_file(scratch(name), &bytes);
        ck_assert_uint_eq(bytes, info.rows * info.cols * ffwd_dtype_size(dtypes[i]));
        ck_assert_int_eq(read_rows(reader, 0, info.rows, dtypes[i], values, &err), FFWD_OK);
        ck_assert_msg(memcmp(values, expected, bytes) == 0, "%s of %s", name, info.stored);
        free(expected);
    }
    ffwd_reader_destroy(reader);
}

START_TEST(as_numpy_reads) {
    size_t length;
    if (!run_numpy(make_arrays)) {
        return;
    }
    unsigned char *text = get_file(scratch("count"), &length);
    size_t count = (size_t)atoi((char *)text);
    free(text);
    ck_assert_uint_gt(count, 200);
    for (size_t i = 0; i < count; i++) {
        compare_with_numpy(i);
    }
}
END_TEST

START_TEST(numpy_reads_ours) {
    static const double values[] = {0.1, -0.0, INFINITY, 1e-320, 5, 6};
    ffwd_writer *writer;
    ck_assert_int_eq(ffwd_writer_create(scratch("ours.npy"), 3, 2, FFWD_F64, NULL, &writer, NULL),
                     FFWD_OK);
    ck_assert_int_eq(ffwd_writer_append(writer, 3, values, NULL, NULL), FFWD_OK);
    ck_assert_int_eq(ffwd_writer_commit(writer, NULL), FFWD_OK);
    ffwd_writer_destroy(writer);
    (void)run_numpy("import numpy as np\n"
                    "a = np.load('ours.npy')\n"
                    "assert a.dtype == '<f8' and a.shape == (3, 2) and a.flags.c_contiguous\n"
                    "assert a.tobytes() == np.array([.1, -0., np.inf, 1e-320, 5, 6]).tobytes()\n");
}
END_TEST

static Suite *npy_suite(void) {
    Suite *suite = suite_create("npy");
    TCase *headers = tcase_create("headers");
    tcase_add_loop_test(headers, header_spellings, 0, 5);
    tcase_add_loop_test(headers, header_versions, 1, 4);
    tcase_add_test(headers, header_other_versions);
    tcase_add_test(headers, header_malformed);
    tcase_add_test(headers, header_of_too_many_axes);
    tcase_add_test(headers, header_foreign_types);
    tcase_add_test(headers, header_lies);
    tcase_add_test(headers, header_length_lies);
    tcase_add_test(headers, header_beyond_what_is_read);
    tcase_add_loop_test(headers, every_prefix, 0, 3);
    tcase_add_test(headers, every_flipped_bit);
    suite_add_tcase(suite, headers);

    TCase *types = tcase_create("types");
    tcase_add_loop_test(types, integers, 0, 10);
    tcase_add_test(types, one_rounding_from_integers);
    tcase_add_test(types, one_rounding_from_float64);
    tcase_add_test(types, every_float16);
    tcase_add_test(types, big_endian);
    suite_add_tcase(suite, types);

    TCase *shapes = tcase_create("shapes");
    tcase_add_test(shapes, one_axis);
    tcase_add_test(shapes, no_axis);
    tcase_add_test(shapes, two_axes_are_no_row);
    tcase_add_test(shapes, empty_arrays);
    tcase_add_test(shapes, three_axes_in_fortran_order);
    tcase_add_loop_test(shapes, rows_in_chunks, 0, 2);
    tcase_add_test(shapes, arguments);
    tcase_add_test(shapes, rows_in_order);
    tcase_add_test(shapes, columns_are_not_chosen);
    suite_add_tcase(suite, shapes);

    TCase *files = tcase_create("files");
    tcase_add_test(files, shrinking_file);
    tcase_add_test(files, what_is_no_matrix_file);
    tcase_add_test(files, large_file);
    tcase_add_test(files, real_data);
    tcase_add_loop_test(files, written_files_read_back, 0, 3);
    tcase_add_test(files, longest_written_header);
    tcase_add_test(files, row_counts);
    tcase_add_test(files, rows_known_at_the_end);
    suite_add_tcase(suite, files);

    TCase *numpy = tcase_create("NumPy");
    tcase_add_test(numpy, as_numpy_reads);
    tcase_add_test(numpy, numpy_reads_ours);
    suite_add_tcase(suite, numpy);
    return suite;
}

int main(void) {
    files_begin();
    int status = suite_main(npy_suite());
    files_end();
    return status;
}
