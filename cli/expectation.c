// SPDX-License-Identifier: MIT
// Reads expected outputs beside the computed ones and keeps what differs.
#include "expectation.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "row_memory.h"
#include "table.h"
#include "units.h"

/** A 1-D array of the outputs of a single row is that row. */
static int take_shape(expectation *wanted, const model_source *model, const row_source *x) {
    ffwd_error err = FFWD_ERROR_INIT;
    wanted->info = (ffwd_matrix_info)FFWD_MATRIX_INFO_INIT;
    uint64_t rows;
    if (ffwd_reader_count(wanted->reader, &rows, &err) != FFWD_OK) {
        return fail_with(ON_INPUT, &err);
    }
    ffwd_reader_describe(wanted->reader, &wanted->info);
    if (wanted->info.dimensions == 1 && x->rows == 1 && wanted->info.rows != 1) {
        if (ffwd_reader_take_as_row(wanted->reader, &err) != FFWD_OK) {
            return fail_with(ON_INPUT, &err);
        }
        ffwd_reader_describe(wanted->reader, &wanted->info);
    }
    if (wanted->info.rows != x->rows || wanted->info.cols != model->info.outputs) {
        return fail(EX_DATAERR,
                    "%s: expected outputs are [%" PRIu64 "][%" PRIu64
                    "], but those of %s are [%" PRIu64 "][%" PRIu64 "]",
                    wanted->name, wanted->info.rows, wanted->info.cols, x->name, x->rows,
                    model->info.outputs);
    }
    return EXIT_DONE;
}

int expectation_open(const options *given, const model_source *model, const row_source *x,
                     expectation *out) {
    ffwd_error err = FFWD_ERROR_INIT;
    *out =
        (expectation){.name = given->expect, .allowed = given->allowed, .dtype = model->info.dtype};
    if (out->name == NULL) {
        return EXIT_DONE;
    }
    if (ffwd_reader_open(out->name, NULL, &out->reader, &err) != FFWD_OK) {
        return fail_with(ON_INPUT, &err);
    }
    return take_shape(out, model, x);
}

uint64_t expectation_row_bytes(const expectation *wanted) {
    return wanted->name != NULL ? wanted->info.cols * ffwd_dtype_size(wanted->dtype) : 0;
}

int expectation_reserve(expectation *wanted, uint64_t rows) {
    return wanted->name != NULL
               ? row_memory(rows, wanted->info.cols, wanted->dtype, &wanted->values)
               : EXIT_DONE;
}

/** One value; whether it is as expected. */
static bool compare_value(expectation *wanted, difference *found) {
    found->ulp = placed_ulp(&found->value, &found->expected);
    if (found->ulp > wanted->largest.ulp) {
        wanted->largest = *found;
    }
    bool allowed = tolerance_allows(&wanted->allowed, &found->value, &found->expected);
    wanted->differing += !allowed;
    return allowed;
}

static void compare_row(expectation *wanted, uint64_t row, uint64_t at, const void *values) {
    bool as_expected = true;
    for (uint64_t col = 0; col < wanted->info.cols; col++) {
        difference found = {.row = row,
                            .col = col,
                            .value = placed_at(values, at + col, wanted->dtype),
                            .expected = placed_at(wanted->values, at + col, wanted->dtype)};
        if (!compare_value(wanted, &found) && as_expected) {
            as_expected = false;
            if (wanted->differing_rows < EXPECTATION_SHOWN) {
                wanted->shown[wanted->differing_rows] = found;
            }
            wanted->differing_rows++;
        }
    }
    wanted->compared += wanted->info.cols;
}

/** A pipe gives rows as they come. */
static ffwd_status read_expected(expectation *wanted, uint64_t rows, uint64_t *read,
                                 ffwd_error *err) {
    uint64_t row_bytes = wanted->info.cols * ffwd_dtype_size(wanted->dtype), more = 1;
    ffwd_status status = FFWD_OK;
    for (*read = 0; status == FFWD_OK && *read < rows && more > 0; *read += more) {
        status = ffwd_reader_next(wanted->reader, rows - *read, wanted->dtype,
                                  (char *)wanted->values + *read * row_bytes, NULL, &more, err);
    }
    return status;
}

int expectation_compare(expectation *wanted, uint64_t first, uint64_t rows, const void *values) {
    ffwd_error err = FFWD_ERROR_INIT;
    uint64_t read;
    if (wanted->name == NULL) {
        return EXIT_DONE;
    }
    if (read_expected(wanted, rows, &read, &err) != FFWD_OK) {
        return fail_with(ON_INPUT, &err);
    }
    if (read < rows) {
        return fail(EX_DATAERR, "%s: ends after %" PRIu64 " rows", wanted->name, first + read);
    }
    for (uint64_t i = 0; i < rows; i++) {
        compare_row(wanted, first + i, i * wanted->info.cols, values);
    }
    return EXIT_DONE;
}

static label describe_ulp(uint64_t ulp) {
    label out = units_count(ulp);
    return ulp == ULP_NAN ? (label){"NaN"} : out;
}

/** Digits that read back exactly. */
static label describe_number(double number, uint32_t dtype) {
    label out = {"nan"}; // whatever its sign
    if (!isnan(number)) {
        (void)snprintf(out.text, sizeof out.text, "%.*g", dtype == FFWD_F32 ? 9 : 17, number);
    }
    return out;
}

static void print_shown(const expectation *wanted, FILE *stream) {
    static const char *const head[] = {"row", "column", "output", "expected", "ulp"};
    table grid;
    table_begin(&grid, ">>>>>");
    table_row(&grid, head);
    for (uint64_t i = 0; i < wanted->differing_rows && i < EXPECTATION_SHOWN; i++) {
        const difference *found = &wanted->shown[i];
        table_cell(&grid, "%" PRIu64, found->row);
        table_cell(&grid, "%" PRIu64, found->col);
        table_cell(&grid, "%s", describe_number(found->value.number, wanted->dtype).text);
        table_cell(&grid, "%s", describe_number(found->expected.number, wanted->dtype).text);
        table_cell(&grid, "%s", describe_ulp(found->ulp).text);
    }
    table_print(&grid, stream);
}

/** Where rounding may have changed what the file holds. */
static void print_conversion(const expectation *wanted, FILE *stream) {
    const char *name = ffwd_dtype_name(wanted->dtype), *stored = wanted->info.stored;
    if (strlen(stored) == 3 && strcmp(stored + 1, wanted->dtype == FFWD_F32 ? "f4" : "f8") != 0) {
        fprintf(stream, ", its '%s' converted to %s", stored, name);
    }
}

static void print_largest(const expectation *wanted, FILE *stream) {
    const difference *largest = &wanted->largest;
    if (largest->ulp > 0) {
        fprintf(stream, "; largest error %s ulp: Y[%" PRIu64 "][%" PRIu64 "] is %s, not %s",
                describe_ulp(largest->ulp).text, largest->row, largest->col,
                describe_number(largest->value.number, wanted->dtype).text,
                describe_number(largest->expected.number, wanted->dtype).text);
    }
}

void expectation_print(const expectation *wanted, FILE *stream) {
    const char *tolerated = wanted->allowed.text;
    if (wanted->name == NULL) {
        return;
    }
    fprintf(stream, "\nexpected  %s %s%s", wanted->name, tolerated != NULL ? "within " : "by bits",
            tolerated != NULL ? tolerated : "");
    print_conversion(wanted, stream);
    fprintf(stream, "\n          %s of %s values differ", units_count(wanted->differing).text,
            units_count(wanted->compared).text);
    print_largest(wanted, stream);
    fputc('\n', stream);
    if (wanted->differing > 0) {
        print_shown(wanted, stream);
    }
}

int expectation_conclude(const expectation *wanted) {
    if (wanted->differing == 0) {
        return EXIT_DONE;
    }
    return fail(EXIT_DIFFERENCE, "%s: %s of %s values differ from the outputs, in %s rows",
                wanted->name, units_count(wanted->differing).text,
                units_count(wanted->compared).text, units_count(wanted->differing_rows).text);
}

void expectation_close(expectation *wanted) {
    ffwd_reader_destroy(wanted->reader);
    free(wanted->values);
    *wanted = (expectation){0};
}
