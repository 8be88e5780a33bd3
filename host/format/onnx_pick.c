// SPDX-License-Identifier: MIT
// Columns that are chosen from rows, by Slice, Gather or ArrayFeatureExtractor: a dense layer whose
// weights are 0, and 1 for the one that is chosen.
#include "base/memory.h"
#include "format/onnx_infer.h"
#include "format/onnx_match.h"

/** Weights by which columns are chosen: more are not made. */
#define SELECTION_MAX (UINT64_C(1) << 24)

/** Indices along one axis of rows: listed in `which`, or first, first + step, .. */
typedef struct onnx_pick {
    unsigned axis;
    uint64_t count;
    onnx_tensor *which;
    int64_t first, step;
} onnx_pick;

static ffwd_status set_axis(const onnx_node *node, const onnx_value *rows, int64_t axis,
                            onnx_pick *pick, ffwd_error *err) {
    const int64_t given = axis;
    axis += axis < 0 ? rows->rank : 0;
    if (axis < 1 || axis >= rows->rank) {
        return ffwd_onnx_refuse(node, err, "axis %lld is none of a row's", (long long)given);
    }
    if (rows->dims[axis] < 1) {
        return ffwd_onnx_refuse(node, err, "nothing says how long axis %lld is", (long long)given);
    }
    pick->axis = (unsigned)axis;
    return FFWD_OK;
}

/** The one integer of a Slice's input, or before opset 10 of its attribute. */
static bool take_one(onnx_graph *graph, const onnx_node *node, unsigned input, const char *name,
                     int64_t *number) {
    int64_t numbers[ONNX_RANK_MAX];
    unsigned count = 1;
    FfwdOnnxAttribute found = {.ints = {.into = numbers, .room = ONNX_RANK_MAX}};
    const onnx_value *value = ffwd_onnx_input(graph, node, input);
    if (value != NULL) {
        if (!ffwd_onnx_counts(graph, value, numbers, &count) || count != 1) {
            return false;
        }
        *number = numbers[0];
        return value->kind == ONNX_CONSTANT || numbers[0] != ONNX_ROW_COUNT;
    }
    if (ffwd_onnx_attribute(node, name, &found)) {
        *number = found.ints.count == 1 ? numbers[0] : 0;
        return found.ints.count == 1;
    }
    return true;
}

/** An end of a slice, counted from the end where it is negative, kept within low .. high. */
static int64_t clamp(int64_t place, int64_t extent, int64_t low, int64_t high) {
    place = place < 0 && place >= -extent ? place + extent : place;
    return place < low ? low : place > high ? high : place;
}

static ffwd_status find_slice(onnx_graph *graph, const onnx_node *node, const onnx_value *rows,
                              onnx_pick *pick, ffwd_error *err) {
    int64_t first = 0, end = INT64_MAX, axis = 0;
    pick->step = 1;
    if (!take_one(graph, node, 1, "starts", &first) || !take_one(graph, node, 2, "ends", &end) ||
        !take_one(graph, node, 3, "axes", &axis) ||
        !take_one(graph, node, 4, "steps", &pick->step)) {
        return ffwd_onnx_refuse(node, err, "cuts several axes, or where is not constant");
    }
    ffwd_status status = set_axis(node, rows, axis, pick, err);
    if (status != FFWD_OK) {
        return status;
    }
    const int64_t extent = rows->dims[pick->axis], step = pick->step;
    if (step == 0 || step < -extent || step > extent) {
        return ffwd_onnx_refuse(node, err, "takes steps of %lld among %lld columns",
                                (long long)step, (long long)extent);
    }
    const bool up = step > 0;
    pick->first = clamp(first, extent, 0, up ? extent : extent - 1);
    end = clamp(end, extent, up ? 0 : -1, up ? extent : extent - 1);
    const int64_t distance = up ? end - pick->first : pick->first - end;
    const int64_t size = up ? step : -step;
    pick->count = distance > 0 ? (uint64_t)((distance - 1) / size) + 1 : 0;
    return FFWD_OK;
}

/** Whether elements lie in the order of their indices: no view of transposed ones. */
static bool is_dense(const onnx_tensor *tensor) {
    uint64_t stride = 1;
    for (unsigned axis = tensor->rank; axis-- > 0;) {
        if (tensor->strides[axis] != stride && tensor->dims[axis] > 1) {
            return false;
        }
        stride *= tensor->dims[axis];
    }
    return true;
}

static ffwd_status find_listed(onnx_graph *graph, const onnx_node *node, const onnx_value *rows,
                               onnx_pick *pick, ffwd_error *err) {
    const bool gather = ffwd_onnx_node_is(node, "Gather");
    const int64_t axis = gather ? ffwd_onnx_int_attribute(node, "axis", 0) : -1;
    const onnx_value *which = ffwd_onnx_input(graph, node, 1);
    ffwd_status status;
    if (which == NULL || which->kind != ONNX_CONSTANT ||
        (which->type != ONNX_INT64 && which->type != ONNX_INT32) || !is_dense(which->tensor)) {
        return ffwd_onnx_refuse(node, err, "which columns it takes is no constant list");
    }
    FFWD_TRY(status, set_axis(node, rows, axis, pick, err));
    FFWD_TRY(status, ffwd_onnx_tensor_load(&graph->arena, which->tensor, err));
    pick->which = which->tensor;
    pick->count = which->tensor->count;

cleanup:
    return status;
}

/** The index that is number `i`: a list may count it from the end. */
static int64_t picked(const onnx_pick *pick, uint64_t i, int64_t extent) {
    const int64_t given = pick->which != NULL ? ffwd_onnx_integer(pick->which, i)
                                              : pick->first + (int64_t)i * pick->step;
    return given < 0 && given >= -extent ? given + extent : given;
}

static ffwd_status find_pick(onnx_graph *graph, const onnx_node *node, const onnx_value *rows,
                             onnx_pick *pick, ffwd_error *err) {
    ffwd_status status;
    *pick = (onnx_pick){.which = NULL};
    FFWD_TRY(status, ffwd_onnx_need_real(node, rows, err));
    FFWD_TRY(status, ffwd_onnx_node_is(node, "Slice") ? find_slice(graph, node, rows, pick, err)
                                                      : find_listed(graph, node, rows, pick, err));
    const int64_t extent = rows->dims[pick->axis];
    if (pick->count == 0) {
        return ffwd_onnx_refuse(node, err, "chooses none of %lld columns", (long long)extent);
    }
    for (uint64_t i = 0; pick->which != NULL && i < pick->count; i++) {
        const int64_t index = picked(pick, i, extent);
        if (index < 0 || index >= extent) {
            return ffwd_onnx_refuse(node, err, "chooses column %lld of %lld", (long long)index,
                                    (long long)extent);
        }
    }

cleanup:
    return status;
}

ffwd_status ffwd_onnx_infer_pick(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                 ffwd_error *err) {
    const onnx_value *rows;
    onnx_pick pick;
    ffwd_status status;
    FFWD_TRY(status, ffwd_onnx_take_rows(graph, node, &rows, err));
    FFWD_TRY(status, find_pick(graph, node, rows, &pick, err));
    const bool gather = ffwd_onnx_node_is(node, "Gather"); // puts the axes of the indices there
    const unsigned made = gather ? pick.which->rank : 1;
    if (rows->rank - 1 + made > ONNX_RANK_MAX) {
        return ffwd_onnx_refuse(node, err, "makes rows of %u axes", rows->rank - 2 + made);
    }
    ffwd_onnx_copy_shape(rows, out);
    for (unsigned i = 0; i < made; i++) {
        out->dims[pick.axis + i] = (int64_t)(gather ? pick.which->dims[i] : pick.count);
    }
    out->rank = pick.axis + made;
    for (unsigned axis = pick.axis + 1; axis < rows->rank; axis++) {
        out->dims[out->rank++] = rows->dims[axis];
    }

cleanup:
    return status;
}

/** Weights of 0 and 1: the axes before the one that is chosen from, it, and those behind it. */
static void fill(double *weights, const onnx_pick *pick, const onnx_value *rows, uint64_t width) {
    const uint64_t extent = (uint64_t)rows->dims[pick->axis];
    uint64_t behind = 1;
    for (unsigned axis = pick->axis + 1; axis < rows->rank; axis++) {
        behind *= (uint64_t)rows->dims[axis];
    }
    for (uint64_t before = 0; before < width / (extent * behind); before++) {
        for (uint64_t i = 0; i < pick->count; i++) {
            const uint64_t index = (uint64_t)picked(pick, i, (int64_t)extent);
            for (uint64_t k = 0; k < behind; k++) {
                weights[(before * extent + index) * behind + k] = 1;
                weights += width;
            }
        }
    }
}

ffwd_status ffwd_onnx_match_pick(onnx_chain *chain, onnx_node *node, uint32_t *next,
                                 ffwd_error *err) {
    const onnx_value *rows = ffwd_onnx_input(chain->graph, node, 0);
    const uint64_t width = ffwd_onnx_width(rows);
    const uint64_t neurons = ffwd_onnx_width(&chain->graph->values[node->outputs[0]]);
    onnx_pick pick;
    uint64_t count;
    ffwd_status status = find_pick(chain->graph, node, rows, &pick, err);
    if (status != FFWD_OK) {
        return status;
    }
    if (!ffwd_multiply(width, neurons, &count) || count == 0 || count > SELECTION_MAX) {
        return ffwd_onnx_refuse(node, err, "chooses %llu of %llu columns",
                                (unsigned long long)neurons, (unsigned long long)width);
    }
    double *weights = ffwd_onnx_keep(&chain->graph->arena, count * sizeof *weights);
    onnx_tensor *tensor = ffwd_onnx_keep(&chain->graph->arena, sizeof *tensor);
    onnx_step *step = ffwd_onnx_step(chain, node, ONNX_STEP_DENSE);
    if (weights == NULL || tensor == NULL || step == NULL) {
        return ffwd_onnx_fail_steps(err);
    }
    fill(weights, &pick, rows, width);
    ffwd_onnx_tensor_of(weights, count, tensor);
    step->weights = tensor;
    step->neurons = neurons;
    step->inputs = step->neuron_stride = width;
    step->input_stride = 1;
    *next = node->inputs[0];
    return FFWD_OK;
}

bool ffwd_onnx_is_column(onnx_graph *graph, const onnx_node *node, uint64_t index) {
    const onnx_value *rows = ffwd_onnx_input(graph, node, 0);
    onnx_pick pick;
    return ffwd_onnx_node_is(node, "Slice") && rows != NULL && rows->kind == ONNX_ROWS &&
           rows->rank == 2 && find_pick(graph, node, rows, &pick, NULL) == FFWD_OK &&
           pick.count == 1 && (uint64_t)pick.first == index;
}
