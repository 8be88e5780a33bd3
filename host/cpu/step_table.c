// SPDX-License-Identifier: MIT
// Step networks collapsed: behind a first layer of few steps everything is a function of their
// bits, computed once for each of their values by the code that it replaces, so that no bit of a
// result can change.
#include "base/memory.h"
#include "cpu/cpu_device.h"

/** Rows of bits that are computed at a time. */
#define PIECE_ROWS UINT64_C(1024)

/** A larger table would not stay in a core's second-level cache. */
#define TABLE_BYTES_MAX (UINT64_C(512) << 10)

/** Where nobody says how many rows will come, the table is filled in a millisecond or two. */
#define FILL_MULTIPLY_ADDS_MAX (UINT64_C(1) << 27)

/** The table may cost this share of computing the rows without it. */
#define FILL_SHARE 8

/** What looking up a value costs a row, in multiply-adds of one lane: measured, 1 to 1.5 cycles. */
static uint64_t look_up_cost(const ffwd_model *model, const ffwd_rowblock *code) {
    const ffwd_operation *first = model->operations;
    const ffwd_block_layer layer = {
        .kind = first->kind, .inputs = first->inputs, .neurons = first->neurons};
    const ffwd_block_table table = {.outputs = model->outputs};
    return code->chooses_in_registers(&layer, &table)
               ? (UINT64_C(1) << first->neurons) / 2 /* selections, two for a multiply-add */
               : model->outputs * code->lanes * 3 / 2;
}

bool ffwd_cpu_table_pays(const ffwd_model *model, const ffwd_rowblock *code,
                         uint64_t expected_rows) {
    const uint32_t bits = ffwd_model_table_bits(model);
    if (bits == 0) {
        return false;
    }
    const uint64_t entries = UINT64_C(1) << bits;
    const uint64_t behind = ffwd_max(model->flops / 2 - model->inputs * bits, 1);
    const bool fills_soon = expected_rows > 0 ? entries <= expected_rows / FILL_SHARE
                                              : entries <= FILL_MULTIPLY_ADDS_MAX / behind;
    return look_up_cost(model, code) < behind && fills_soon &&
           model->outputs <= TABLE_BYTES_MAX / entries / ffwd_dtype_size(model->dtype);
}

/** bits[row][o] = bit o of first + row */
static void spell(uint64_t first, uint64_t rows, uint32_t count, unsigned char *bits) {
    for (uint64_t row = 0; row < rows; row++) {
        for (uint32_t o = 0; o < count; o++) {
            *bits++ = (unsigned char)((first + row) >> o & 1);
        }
    }
}

/** Entries [first, first + rows) from the layers behind the first. */
static void fill_piece(const ffwd_cpu_placement *cpu, uint64_t first, uint64_t rows,
                       unsigned char *bits, unsigned char *entries) {
    const ffwd_cpu_weights *weights = cpu->weights;
    const uint32_t count = weights->table.bits, dtype = cpu->base.model->dtype;
    const uint64_t outputs = weights->table.outputs, element = ffwd_dtype_size(dtype);
    const ffwd_block_job job = {
        .layers = weights->layers + 1,
        .layer_count = weights->layer_count - 1,
        .x = {bits, FFWD_U8, rows, count, count, 1},
        .y = {entries + first * outputs * element, dtype, rows, outputs,
              (int64_t)(outputs * element), (int64_t)element},
        .block_rows = cpu->block_rows,
    };
    spell(first, rows, count, bits);
    cpu->code->run(&job, 0, rows, cpu->scratch);
}

ffwd_status ffwd_cpu_table_fill(ffwd_cpu_placement *cpu, ffwd_error *err) {
    const ffwd_model *model = cpu->base.model;
    const uint32_t bits = ffwd_model_table_bits(model);
    if (bits == 0) {
        return ffwd_fail(err, FFWD_ENODEVICE,
                         "cpu: table takes two or more layers, the first of up to %d steps",
                         FFWD_TABLE_BITS);
    }
    const uint64_t entries = UINT64_C(1) << bits;
    const uint64_t piece = ffwd_min(entries, PIECE_ROWS);
    uint64_t bytes;
    if (!ffwd_multiply(entries * ffwd_dtype_size(model->dtype), model->outputs, &bytes)) {
        return ffwd_fail(err, FFWD_EOVERFLOW, "a table of %llu rows of %llu values does not fit",
                         (unsigned long long)entries, (unsigned long long)model->outputs);
    }
    unsigned char *table = ffwd_alloc(bytes), *spelled = ffwd_alloc(piece * bits);
    if (table == NULL || spelled == NULL) {
        ffwd_free(table);
        ffwd_free(spelled);
        return ffwd_fail_memory(err, bytes, "the table of a step network");
    }
    cpu->weights->table =
        (ffwd_block_table){bits, model->operations[0].alpha, model->outputs, table};
    for (uint64_t first = 0; first < entries; first += piece) {
        fill_piece(cpu, first, piece, spelled, table);
    }
    ffwd_free(spelled);
    cpu->weights->bytes += bytes;
    cpu->base.memory_bytes += bytes;
    return FFWD_OK;
}
