// SPDX-License-Identifier: MIT
// One operation: read from a caller's structure, checked, counted.
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/number.h"
#include "model/model.h"

void ffwd_operation_copy(const ffwd_operation *given, size_t size, ffwd_operation *operation) {
    memset(operation, 0, sizeof *operation);
    memcpy(operation, given, ffwd_min(size, sizeof *operation));
    if (size < offsetof(ffwd_operation, slopes)) {
        const ffwd_parameters *parameters = ffwd_activation_parameters(operation->activation);
        operation->alpha = parameters->defaults[0];
        operation->beta = parameters->defaults[1];
    }
}

static ffwd_status check_arrays(const ffwd_operation *operation, size_t layer, ffwd_error *err) {
    const char *kind = ffwd_kind_name(operation->kind);
    if (operation->kind == FFWD_DENSE && operation->weights == NULL) {
        return ffwd_fail(err, FFWD_EARGUMENT, "layer %zu has no weights", layer);
    }
    if (ffwd_needs_row(operation->kind) &&
        (operation->weights != NULL || operation->bias != NULL)) {
        return ffwd_fail(err, FFWD_EARGUMENT, "layer %zu: %s takes no weights and no bias", layer,
                         kind);
    }
    if ((operation->activation == FFWD_PRELU) != (operation->slopes != NULL)) {
        return ffwd_fail(err, FFWD_EARGUMENT,
                         operation->slopes == NULL ? "layer %zu: prelu without slopes"
                                                   : "layer %zu: slopes without prelu",
                         layer);
    }
    return FFWD_OK;
}

/** The widest row of which a float can hold every index. */
static uint64_t most_indices(uint32_t dtype) {
    return UINT64_C(1) << (dtype == FFWD_F64 ? DBL_MANT_DIG : FLT_MANT_DIG);
}

static ffwd_status check_extents(const ffwd_operation *operation, size_t layer, uint32_t dtype,
                                 ffwd_error *err) {
    const uint64_t outputs = ffwd_row_outputs(operation->kind, operation->inputs);
    if (operation->neurons == 0) {
        return ffwd_fail(err, FFWD_EARGUMENT, "layer %zu has no neurons", layer);
    }
    if (operation->kind != FFWD_DENSE && operation->neurons != outputs) {
        return ffwd_fail(err, FFWD_EARGUMENT,
                         "layer %zu: %s of %llu inputs has %llu outputs, not %llu", layer,
                         ffwd_kind_name(operation->kind), (unsigned long long)operation->inputs,
                         (unsigned long long)outputs, (unsigned long long)operation->neurons);
    }
    if (operation->kind == FFWD_ARGMAX && operation->inputs > most_indices(dtype)) {
        return ffwd_fail(err, FFWD_EARGUMENT, "layer %zu: argmax of %llu inputs; %s counts to %llu",
                         layer, (unsigned long long)operation->inputs, ffwd_dtype_name(dtype),
                         (unsigned long long)most_indices(dtype));
    }
    return FFWD_OK;
}

/** GCC 12 drops the way through float (-O2) where two values side by side take it, but not through
 *  memory. */
static double rounded(double value, uint32_t dtype) {
    const volatile float single = (float)value;
    return dtype == FFWD_F64 ? value : (double)single;
}

/** Whether an activation takes this value for alpha or beta. */
static bool takes(uint32_t activation, double value) {
    switch (activation) {
    case FFWD_CLIP:
        return !isnan(value);
    case FFWD_CELU:
        return isfinite(value) && value > 0;
    default:
        return isfinite(value);
    }
}

/** Selu multiplies its parameters first. */
static ffwd_status check_product(const ffwd_operation *operation, size_t layer, uint32_t dtype,
                                 ffwd_error *err) {
    const double alpha = rounded(operation->alpha, dtype), beta = rounded(operation->beta, dtype);
    char numbers[2][FFWD_NUMBER_MAX];
    if (operation->activation != FFWD_SELU || isfinite(rounded(alpha * beta, dtype))) {
        return FFWD_OK;
    }
    ffwd_number_format(operation->alpha, numbers[0]);
    ffwd_number_format(operation->beta, numbers[1]);
    return ffwd_fail(err, FFWD_EARGUMENT,
                     "layer %zu: selu with alpha = %s and beta = %s: no product in %s", layer,
                     numbers[0], numbers[1], ffwd_dtype_name(dtype));
}

static ffwd_status check_parameters(ffwd_operation *operation, size_t layer, uint32_t dtype,
                                    ffwd_error *err) {
    const size_t count = ffwd_activation_parameters(operation->activation)->count;
    const char *word = ffwd_activation_name(operation->activation);
    double *const values[] = {&operation->alpha, &operation->beta};
    for (size_t i = 0; i < 2; i++) {
        char number[FFWD_NUMBER_MAX];
        if (i >= count) {
            *values[i] = 0;
        } else if (!takes(operation->activation, rounded(*values[i], dtype))) {
            ffwd_number_format(*values[i], number);
            return ffwd_fail(err, FFWD_EARGUMENT, "layer %zu: %s with %s = %s in %s", layer, word,
                             i == 0 ? "alpha" : "beta", number, ffwd_dtype_name(dtype));
        }
    }
    return check_product(operation, layer, dtype, err);
}

static ffwd_status check_meeting(const ffwd_operation *operation, size_t layer, uint64_t width,
                                 ffwd_error *err) {
    if (operation->inputs == width) {
        return FFWD_OK;
    }
    if (layer == 1) {
        return ffwd_fail(err, FFWD_EARGUMENT, "layer 1 takes %llu inputs, but a row has %llu",
                         (unsigned long long)operation->inputs, (unsigned long long)width);
    }
    return ffwd_fail(err, FFWD_EARGUMENT,
                     "layer %zu takes %llu inputs, but layer %zu has %llu neurons", layer,
                     (unsigned long long)operation->inputs, layer - 1, (unsigned long long)width);
}

ffwd_status ffwd_operation_check(ffwd_operation *operation, size_t layer, uint64_t width,
                                 uint32_t dtype, ffwd_error *err) {
    if (ffwd_kind_name(operation->kind) == NULL) {
        return ffwd_fail(err, FFWD_EARGUMENT, "layer %zu: unknown kind %u", layer, operation->kind);
    }
    if (ffwd_activation_name(operation->activation) == NULL) {
        return ffwd_fail(err, FFWD_EARGUMENT, "layer %zu: unknown activation %u", layer,
                         operation->activation);
    }
    if (ffwd_needs_row(operation->kind) && operation->activation != FFWD_IDENTITY) {
        return ffwd_fail(err, FFWD_EARGUMENT, "layer %zu: %s takes no activation, but has %s",
                         layer, ffwd_kind_name(operation->kind),
                         ffwd_activation_name(operation->activation));
    }
    ffwd_status status = check_extents(operation, layer, dtype, err);
    if (status == FFWD_OK) {
        status = check_arrays(operation, layer, err);
    }
    if (status == FFWD_OK) {
        status = check_parameters(operation, layer, dtype, err);
    }
    return status != FFWD_OK ? status : check_meeting(operation, layer, width, err);
}

bool ffwd_operation_count(const ffwd_operation *operation, uint64_t *weights,
                          uint64_t *parameters) {
    *weights = operation->weights != NULL ? operation->inputs : 0;
    if (operation->kind == FFWD_DENSE &&
        !ffwd_multiply(operation->inputs, operation->neurons, weights)) {
        return false;
    }
    return ffwd_add(*weights, operation->bias != NULL ? operation->neurons : 0, parameters) &&
           ffwd_add(*parameters, operation->slopes != NULL ? operation->neurons : 0, parameters);
}

uint64_t ffwd_operation_flops(const ffwd_operation *operation) {
    if (operation->kind == FFWD_DENSE) {
        return 2 * operation->inputs * operation->neurons;
    }
    return operation->weights != NULL || operation->bias != NULL ? 2 * operation->inputs : 0;
}
