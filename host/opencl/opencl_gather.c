// SPDX-License-Identifier: MIT
// The kernels that gather and scatter rows: made when rows first need them, proven, launched.
#include "opencl/opencl_gather.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "opencl/opencl_error.h"
#include "opencl/program.h"

/** Columns that a group takes at once: neighbours in memory, 256 bytes of float32. */
#define GROUP_COLS_MAX 64

ffwd_status ffwd_opencl_gather_build(ffwd_opencl_device *device, ffwd_opencl_way way,
                                     uint32_t model_dtype, uint32_t dtype,
                                     ffwd_opencl_gather *gather, cl_program *program,
                                     ffwd_error *err) {
    const bool scatters = way == FFWD_WAY_SCATTER;
    char definitions[160];
    (void)snprintf(gather->name, sizeof gather->name, "%s_%s_%s", scatters ? "scatter" : "gather",
                   ffwd_dtype_name(scatters ? model_dtype : dtype),
                   ffwd_dtype_name(scatters ? dtype : model_dtype));
    (void)snprintf(definitions, sizeof definitions,
                   "-D KERNEL=%s%s -D OTHER_DTYPE=%u -D SCATTER=%d", gather->name,
                   model_dtype == FFWD_F64 ? " -D REAL_IS_F64" : "", dtype, scatters);
    return ffwd_opencl_build(device, "gather.cl", definitions, program, err);
}

/** As many columns as there are, if few, and rows for the other items. */
static void shape_group(const ffwd_opencl_gather *gather, cl_uint cols, size_t group[2]) {
    group[0] = 1;
    while (group[0] < cols && group[0] < GROUP_COLS_MAX && 2 * group[0] <= gather->group_items) {
        group[0] *= 2;
    }
    group[1] = gather->group_items / group[0];
}

ffwd_status ffwd_opencl_gather_launch(const ffwd_opencl_gather *gather,
                                      const ffwd_opencl_move *move, cl_event *event,
                                      ffwd_error *err) {
    ffwd_opencl_device *device = gather->device;
    const ffwd_opencl_view *from = &move->from, *to = &move->to;
    const ffwd_opencl_argument arguments[] = {
        {sizeof(cl_mem), &from->buffer},
        {sizeof from->offset, &from->offset},
        {sizeof from->row_stride, &from->row_stride},
        {sizeof from->col_stride, &from->col_stride},
        {sizeof(cl_mem), &to->buffer},
        {sizeof to->offset, &to->offset},
        {sizeof to->row_stride, &to->row_stride},
        {sizeof to->col_stride, &to->col_stride},
        {sizeof move->rows, &move->rows},
        {sizeof move->cols, &move->cols},
    };
    size_t group[2];
    shape_group(gather, move->cols, group);
    const size_t items[] = {
        (size_t)ffwd_round_up(move->rows, group[1]) / group[1] * group[0],
        (size_t)ffwd_round_up(move->cols, group[0]) / group[0] * group[1],
    };
    ffwd_status status = ffwd_opencl_set_arguments(device, gather->kernel, gather->name, arguments,
                                                   sizeof arguments / sizeof arguments[0], err);
    if (status != FFWD_OK) {
        return status;
    }
    cl_int code =
        device->cl->clEnqueueNDRangeKernel(move->queue, gather->kernel, 2, NULL, items, group,
                                           move->wait_count, move->wait_list, event);
    return ffwd_opencl_check(device, code, "clEnqueueNDRangeKernel", gather->name, err);
}

/* --------------------------------------------------------------------------------------- proof */

/** Rows of the proof: some tiles, and the start of another. */
enum { ROWS = 133, COLS = 5, VALUES = ROWS * COLS };
/** How the caller's lie: every second element, rows from the last to the first. */
enum {
    COL_STRIDE = 2,
    ROW_STRIDE = -(COL_STRIDE * COLS + 1),
    OFFSET = -(ROWS - 1) * ROW_STRIDE + 3,
    ELEMENTS = OFFSET + COL_STRIDE * COLS + 4
};

/** What is not equal to anything shows where a kernel wrote that should not have. */
#define UNTOUCHED 0xa5

typedef struct proof {
    double values[VALUES];
    double theirs[ELEMENTS]; /**< the caller's; room for the widest dtype, as the next two */
    double ours[VALUES];
    double got[ELEMENTS];
} proof;

static ffwd_rows rows_of_theirs(proof *p, uint32_t dtype) {
    const int64_t element = (int64_t)ffwd_dtype_size(dtype);
    return (ffwd_rows){.data = (unsigned char *)p->theirs + OFFSET * element,
                       .dtype = dtype,
                       .rows = ROWS,
                       .cols = COLS,
                       .row_bytes = ROW_STRIDE * element,
                       .col_bytes = COL_STRIDE * element};
}

/** Ties, bounds, subnormals, infinities, NaN and zeros, where a dtype has them. */
static void fill_values(proof *p, bool bytes) {
    static const double edges[] = {
        0x1p0 + 0x1p-24, 0x1p0 + 0x3p-24, 0x1.fffffep127, 0x1.ffffffp127, 0x1p-149, 0x1.8p-149,
        0x1p-150,        0x1.8p-140,      -0.0,           0x1p-1074,      1e300,    0x1p-126,
    };
    enum { EDGES = sizeof edges / sizeof edges[0] };
    const union {
        uint64_t bits;
        double value;
    } special[] = {{0x7ff8000000000000}, {0x7ff0000000000000}, {0xfff0000000000000}};
    for (size_t i = 0; i < VALUES; i++) {
        const size_t kind = i % (EDGES + 3 + 4);
        p->values[i] = bytes              ? (double)(i * 37 % 256)
                       : kind < EDGES     ? edges[kind]
                       : kind < EDGES + 3 ? special[kind - EDGES].value
                                          : ((double)i * 0x1.23456789abcdep-3) - 7;
    }
}

/** Fills both sides; what the kernel should make of one stays in the other. */
static void fill_rows(proof *p, ffwd_opencl_way way, uint32_t model_dtype, uint32_t dtype) {
    const ffwd_rows theirs = rows_of_theirs(p, dtype);
    const ffwd_rows values = {.data = (unsigned char *)p->values,
                              .dtype = FFWD_F64,
                              .rows = ROWS,
                              .cols = COLS,
                              .row_bytes = COLS * (int64_t)sizeof(double),
                              .col_bytes = sizeof(double)};
    fill_values(p, dtype == FFWD_U8);
    memset(p->theirs, UNTOUCHED, sizeof p->theirs);
    memset(p->got, UNTOUCHED, sizeof p->got);
    if (way == FFWD_WAY_GATHER) {
        ffwd_rows_unpack(&theirs, FFWD_F64, p->values);
        ffwd_rows_pack(&theirs, model_dtype, p->ours);
    } else {
        ffwd_rows_pack(&values, model_dtype, p->ours);
        ffwd_rows_unpack(&theirs, model_dtype, p->ours);
    }
}

static ffwd_status compare(const ffwd_opencl_gather *gather, const proof *p, const void *expected,
                           size_t element, size_t bytes, ffwd_error *err) {
    const unsigned char *got = (const unsigned char *)p->got, *right = expected;
    size_t at = 0;
    while (at < bytes && got[at] == right[at]) {
        at++;
    }
    return at == bytes
               ? FFWD_OK
               : ffwd_fail(err, FFWD_ENODEVICE,
                           "%s: probe: %s: byte %zu of element %zu: got %02x, expected %02x",
                           gather->device->name, gather->name, at % element, at / element, got[at],
                           right[at]);
}

/** The rows of the proof on the device. */
typedef struct stand {
    const ffwd_opencl_gather *gather;
    cl_command_queue queue;
    cl_mem theirs, ours;
    size_t their_bytes, our_bytes;
} stand;

static ffwd_status put(const stand *s, cl_mem buffer, size_t bytes, const void *values,
                       ffwd_error *err) {
    ffwd_opencl_device *device = s->gather->device;
    cl_int code = device->cl->clEnqueueWriteBuffer(s->queue, buffer, CL_TRUE, 0, bytes, values, 0,
                                                   NULL, NULL);
    return ffwd_opencl_check(device, code, "clEnqueueWriteBuffer", "probe", err);
}

/** Sends the rows, moves them, and brings back what they became, with what lies between. */
static ffwd_status move_rows(const stand *s, ffwd_opencl_way way, proof *p, ffwd_error *err) {
    ffwd_opencl_device *device = s->gather->device;
    const bool scatters = way == FFWD_WAY_SCATTER;
    const ffwd_opencl_view theirs = {s->theirs, OFFSET, ROW_STRIDE, COL_STRIDE};
    const ffwd_opencl_view ours = {s->ours, 0, COLS, 1};
    const ffwd_opencl_move move = {.from = scatters ? ours : theirs,
                                   .to = scatters ? theirs : ours,
                                   .rows = ROWS,
                                   .cols = COLS,
                                   .queue = s->queue};
    const size_t bytes = scatters ? s->their_bytes : s->our_bytes;
    ffwd_status status;
    FFWD_TRY(status, put(s, s->theirs, s->their_bytes, scatters ? p->got : p->theirs, err));
    FFWD_TRY(status, put(s, s->ours, s->our_bytes, scatters ? p->ours : p->got, err));
    FFWD_TRY(status, ffwd_opencl_gather_launch(s->gather, &move, NULL, err));
    cl_int code = device->cl->clEnqueueReadBuffer(s->queue, move.to.buffer, CL_TRUE, 0, bytes,
                                                  p->got, 0, NULL, NULL);
    status = ffwd_opencl_check(device, code, "clEnqueueReadBuffer", s->gather->name, err);
cleanup:
    return status;
}

static ffwd_status prove(const ffwd_opencl_gather *gather, cl_command_queue queue,
                         ffwd_opencl_way way, uint32_t model_dtype, uint32_t dtype,
                         ffwd_error *err) {
    const size_t our_element = ffwd_dtype_size(model_dtype), their_element = ffwd_dtype_size(dtype);
    const bool scatters = way == FFWD_WAY_SCATTER;
    stand s = {.gather = gather,
               .queue = queue,
               .their_bytes = ELEMENTS * their_element,
               .our_bytes = VALUES * our_element};
    proof *p = ffwd_alloc(sizeof *p);
    ffwd_status status = FFWD_OK;
    if (p == NULL) {
        return ffwd_fail_memory(err, sizeof *p, "the probe");
    }
    fill_rows(p, way, model_dtype, dtype);
    FFWD_TRY(status, ffwd_opencl_buffer(gather->device, CL_MEM_READ_WRITE, s.their_bytes, NULL,
                                        &s.theirs, err));
    FFWD_TRY(status, ffwd_opencl_buffer(gather->device, CL_MEM_READ_WRITE, s.our_bytes, NULL,
                                        &s.ours, err));
    FFWD_TRY(status, move_rows(&s, way, p, err));
    FFWD_TRY(status, compare(gather, p, scatters ? p->theirs : p->ours,
                             scatters ? their_element : our_element,
                             scatters ? s.their_bytes : s.our_bytes, err));
cleanup:
    ffwd_opencl_release_buffer(gather->device, s.theirs);
    ffwd_opencl_release_buffer(gather->device, s.ours);
    ffwd_free(p);
    return status;
}

/* -------------------------------------------------------------------------------------- making */

ffwd_status ffwd_opencl_gather_make(ffwd_opencl_device *device, cl_command_queue queue,
                                    ffwd_opencl_way way, uint32_t model_dtype, uint32_t dtype,
                                    ffwd_opencl_gather *gather, ffwd_error *err) {
    cl_program program = NULL;
    ffwd_status status = FFWD_OK;
    if (gather->kernel != NULL) {
        return FFWD_OK;
    }
    gather->device = device;
    if (dtype == FFWD_F64) {
        FFWD_TRY(status, ffwd_opencl_device_trust(device, dtype, err));
    }
    FFWD_TRY(status,
             ffwd_opencl_gather_build(device, way, model_dtype, dtype, gather, &program, err));
    FFWD_TRY(status, ffwd_opencl_kernel(device, program, gather->name, &gather->kernel, err));
    FFWD_TRY(status, ffwd_opencl_group_items(device, gather->kernel, gather->name,
                                             &gather->group_items, err));
    gather->group_items = (size_t)ffwd_min(gather->group_items, device->group_items);
    FFWD_TRY(status, prove(gather, queue, way, model_dtype, dtype, err));
    ffwd_opencl_keep_programs(device);
    return FFWD_OK;
cleanup:
    ffwd_opencl_gather_end(gather);
    return status;
}

void ffwd_opencl_gather_end(ffwd_opencl_gather *gather) {
    if (gather->kernel != NULL) {
        ffwd_opencl_release_kernel(gather->device, gather->kernel);
    }
    *gather = (ffwd_opencl_gather){0};
}
