// SPDX-License-Identifier: MIT
// A model on the CPU: its plan, its scratch, and the blocks of a chunk spread over the threads.
#include <stdio.h>

#include "base/memory.h"
#include "base/process.h"
#include "cpu/cpu_device.h"

/** What a layer reads and writes of a block, which stays in a first-level cache of 32 KiB: the more
 *  rows, the less it costs to begin with each layer. 10-32-16-1 takes 3 % longer with half of it.
 */
#define BLOCK_BYTES (28ull * 1024)

/** Work between two looks at the progress callback: some tens of milliseconds. */
#define CHUNK_BYTES (64ull << 20)
#define CHUNK_FLOPS (4ull << 30)

/** Below this a thread, waking it costs more than it computes; in flops and twice the bytes moved.
 */
#define THREAD_WORK (1ull << 16)

/** A thread comes back for more this often, so that a slow one leaves its share to the others. */
#define GRABS_PER_THREAD 16

static uint32_t choose_strategy(const ffwd_cpu_device *device, const ffwd_model *model,
                                const ffwd_request *request) {
    if (request->strategy != FFWD_STRATEGY_AUTO) {
        return request->strategy;
    }
    return ffwd_cpu_table_pays(model, ffwd_isa_rowblock(device->isa, model->dtype),
                               request->expected_rows)
               ? FFWD_TABLE
               : FFWD_FUSED;
}

/** Groups of wide rows that share the weights of a panel. */
#define WIDE_GROUPS 4

static bool is_wide(const ffwd_model *model, const ffwd_rowblock *code) {
    return ffwd_model_widest(model) * code->tile_neurons * ffwd_dtype_size(model->dtype) >=
           FFWD_WIDE_PANELS * FFWD_PANEL_BYTES;
}

/** Values that a layer reads and writes of a row, of the layer where these are most. */
static uint64_t widest_layer(const ffwd_model *model) {
    uint64_t widest = model->inputs;
    for (size_t i = 0; i < model->operation_count; i++) {
        const ffwd_operation *operation = &model->operations[i];
        widest = ffwd_max(widest, operation->inputs + operation->neurons);
    }
    return widest;
}

/** Areas of a slot's scratch: two of activations, one for rows out of place. */
#define AREAS 3

/** Groups of a block: what suits the cache, but no more than half of a bound on memory takes. */
static uint64_t choose_groups(const ffwd_cpu_placement *cpu, const ffwd_request *request) {
    const ffwd_cpu_device *device = (const ffwd_cpu_device *)cpu->base.device;
    const ffwd_model *model = cpu->base.model;
    const uint64_t column_bytes = cpu->code->group_rows * ffwd_dtype_size(model->dtype);
    const uint64_t scratch = AREAS * ffwd_model_widest(model) * column_bytes;
    uint64_t groups = BLOCK_BYTES / (widest_layer(model) * column_bytes);
    if (request->memory_bytes > 0) {
        const uint64_t slots = ffwd_threads_count(device->threads);
        groups = ffwd_min(groups, request->memory_bytes / 2 / (scratch * slots));
    }
    return ffwd_max(groups, 1);
}

static uint64_t choose_block_rows(const ffwd_cpu_placement *cpu, const ffwd_request *request) {
    const uint64_t groups =
        is_wide(cpu->base.model, cpu->code) ? WIDE_GROUPS : choose_groups(cpu, request);
    return groups * cpu->code->group_rows;
}

/** Bytes of a row that lies between two stages of a layered plan. */
static uint64_t between_row_bytes(const ffwd_placement *base) {
    return base->stage_count > 1
               ? ffwd_model_widest(base->model) * ffwd_dtype_size(base->model->dtype)
               : 0;
}

/** Bytes that the engine holds whatever a chunk's size. */
static uint64_t fixed_bytes(const ffwd_cpu_placement *cpu) {
    const ffwd_cpu_device *device = (const ffwd_cpu_device *)cpu->base.device;
    return cpu->weights->bytes + cpu->scratch_bytes * ffwd_threads_count(device->threads);
}

/** Rows that may lie between two stages within the bound on memory. */
static uint64_t rows_between(const ffwd_cpu_placement *cpu, const ffwd_request *request) {
    const uint64_t bound =
        request->memory_bytes > 0 ? request->memory_bytes : CHUNK_BYTES + fixed_bytes(cpu);
    const uint64_t left = bound - ffwd_min(bound, fixed_bytes(cpu));
    return left / (2 * between_row_bytes(&cpu->base));
}

static uint64_t choose_chunk_rows(const ffwd_cpu_placement *cpu, const ffwd_request *request) {
    const ffwd_model *model = cpu->base.model;
    const uint64_t row_bytes = (model->inputs + model->outputs) * ffwd_dtype_size(model->dtype);
    uint64_t rows = ffwd_min(CHUNK_BYTES / row_bytes, CHUNK_FLOPS / ffwd_max(model->flops, 1));
    rows = ffwd_max(rows / cpu->block_rows, 1) * cpu->block_rows;
    if (request->chunk_rows > 0) {
        rows = request->chunk_rows;
    }
    if (between_row_bytes(&cpu->base) > 0) {
        rows = ffwd_min(rows, rows_between(cpu, request));
        if (request->expected_rows > 0) {
            rows = ffwd_min(rows, ffwd_max(request->expected_rows, FFWD_LEAST_CHUNK_ROWS));
        }
    }
    return ffwd_max(rows, 1);
}

/** Captures need the layers that a table leaves out. */
static bool uses_table(const ffwd_cpu_placement *cpu) {
    return cpu->base.strategy == FFWD_TABLE && !cpu->captured;
}

/** The kernel that computes a stage of the plan. */
static void name_stage(const ffwd_cpu_placement *cpu, ffwd_plan_stage *stage) {
    const ffwd_cpu_device *device = (const ffwd_cpu_device *)cpu->base.device;
    const ffwd_model *model = cpu->base.model;
    const char *dtype = ffwd_dtype_name(model->dtype);
    if (cpu->base.strategy == FFWD_LAYERED && model->operation_count > 0) {
        const ffwd_operation *operation = &model->operations[stage->first_layer];
        const bool alone = ffwd_needs_row(operation->kind);
        (void)snprintf(stage->kernel, sizeof stage->kernel, "%s%s%s_%s_%s",
                       operation->kind == FFWD_DENSE ? "matmul" : ffwd_kind_name(operation->kind),
                       alone ? "" : "_", alone ? "" : ffwd_activation_name(operation->activation),
                       device->isa->name, dtype);
        return;
    }
    if (uses_table(cpu)) {
        (void)snprintf(stage->kernel, sizeof stage->kernel, "table_%s_%s", device->isa->name,
                       dtype);
        return;
    }
    const bool in_registers =
        !cpu->captured && cpu->code->fits_registers(cpu->weights->layers, model->operation_count);
    (void)snprintf(stage->kernel, sizeof stage->kernel, "%s_%s_%s",
                   in_registers ? "registers" : "rowblock", device->isa->name, dtype);
}

/** All layers in one stage, or one each. */
static void describe_stages(ffwd_cpu_placement *cpu) {
    const ffwd_model *model = cpu->base.model;
    cpu->base.flops =
        uses_table(cpu) ? 2 * model->inputs * ffwd_model_table_bits(model) : model->flops;
    for (size_t i = 0; i < cpu->base.stage_count; i++) {
        ffwd_plan_stage *stage = &cpu->base.stages[i];
        stage->first_layer = i;
        stage->layer_count = cpu->base.stage_count > 1 ? 1 : cpu->base.model->operation_count;
        name_stage(cpu, stage);
    }
}

/** Bytes of a slot's scratch: its areas, and a vector that is read past their end. */
static ffwd_status size_scratch(ffwd_cpu_placement *cpu, ffwd_error *err) {
    const ffwd_model *model = cpu->base.model;
    const uint64_t widest = ffwd_model_widest(model);
    uint64_t bytes;
    if (!ffwd_multiply(cpu->block_rows * AREAS * ffwd_dtype_size(model->dtype), widest, &bytes) ||
        bytes > INT64_MAX / 4096) {
        return ffwd_fail(err, FFWD_EOVERFLOW, "blocks of %llu rows of %llu values do not fit",
                         (unsigned long long)cpu->block_rows, (unsigned long long)widest);
    }
    cpu->scratch_bytes = ffwd_round_up(bytes, FFWD_ALIGNMENT) + FFWD_ALIGNMENT;
    return FFWD_OK;
}

/** All threads or the caller's alone: pthreadpool wakes all of them, whatever their number of
 * slots. */
static uint32_t choose_slots(const ffwd_cpu_placement *cpu, uint64_t rows) {
    const ffwd_cpu_device *device = (const ffwd_cpu_device *)cpu->base.device;
    const ffwd_model *model = cpu->base.model;
    const uint64_t row_bytes = (model->inputs + model->outputs) * ffwd_dtype_size(model->dtype);
    const uint64_t blocks = (rows - 1) / cpu->code->group_rows + 1;
    const uint32_t count = ffwd_threads_count(device->threads);
    const uint64_t enough_rows = count * THREAD_WORK / (model->flops + 2 * row_bytes) + 1;
    return rows < enough_rows ? 1 : (uint32_t)ffwd_min(count, blocks);
}

/** Runs find the threads there if they are to need them. */
static void start_threads(const ffwd_cpu_placement *cpu, uint64_t expected_rows) {
    if (expected_rows == 0 || choose_slots(cpu, expected_rows) > 1) {
        ffwd_threads_start(((const ffwd_cpu_device *)cpu->base.device)->threads);
    }
}

/** What each thread's slot and each stage's output need; everything but the weights. */
static ffwd_status allocate_scratch(ffwd_cpu_placement *cpu, ffwd_error *err) {
    const ffwd_cpu_device *device = (const ffwd_cpu_device *)cpu->base.device;
    const uint64_t all = cpu->scratch_bytes * ffwd_threads_count(device->threads);
    uint64_t between;
    if (!ffwd_multiply(cpu->base.chunk_rows, between_row_bytes(&cpu->base), &between)) {
        return ffwd_fail(err, FFWD_EOVERFLOW, "chunks of %llu rows do not fit",
                         (unsigned long long)cpu->base.chunk_rows);
    }
    const uint64_t times = ffwd_threads_count(device->threads) * sizeof *cpu->times;
    cpu->scratch = ffwd_alloc(all);
    cpu->times = ffwd_alloc(times);
    if (cpu->scratch == NULL || cpu->times == NULL) {
        return ffwd_fail_memory(err, all + times, "blocks of rows");
    }
    for (size_t i = 0; i < 2 && between > 0; i++) {
        cpu->between[i] = ffwd_alloc(between);
        if (cpu->between[i] == NULL) {
            return ffwd_fail_memory(err, between, "rows between two layers");
        }
    }
    cpu->base.memory_bytes = fixed_bytes(cpu) + 2 * between;
    return FFWD_OK;
}

void ffwd_cpu_release(ffwd_placement *placement) {
    ffwd_cpu_placement *cpu = (ffwd_cpu_placement *)placement;
    ffwd_cpu_weights_release(cpu->weights);
    ffwd_free(cpu->scratch);
    ffwd_free(cpu->times);
    ffwd_free(cpu->between[0]);
    ffwd_free(cpu->between[1]);
    ffwd_placement_finish(placement);
    ffwd_free(cpu);
}

/** An empty placement with its head; the caller adds weights, sizes and scratch. */
static ffwd_status create(ffwd_device *device, const ffwd_model *model, uint32_t strategy,
                          ffwd_cpu_placement **out, ffwd_error *err) {
    const ffwd_cpu_device *cpu_device = (const ffwd_cpu_device *)device;
    ffwd_cpu_placement *cpu = ffwd_alloc_zero(sizeof *cpu);
    if (cpu == NULL) {
        return ffwd_fail_memory(err, sizeof *cpu, "a placement");
    }
    size_t stages =
        strategy != FFWD_LAYERED || model->operation_count == 0 ? 1 : model->operation_count;
    ffwd_status status = ffwd_placement_init(&cpu->base, device, model, strategy, stages, 0, err);
    if (status != FFWD_OK) {
        ffwd_free(cpu);
        return status;
    }
    cpu->code = ffwd_isa_rowblock(cpu_device->isa, model->dtype);
    *out = cpu;
    return FFWD_OK;
}

ffwd_status ffwd_cpu_prepare(ffwd_device *device, const ffwd_model *model,
                             const ffwd_request *request, ffwd_placement **out, ffwd_error *err) {
    ffwd_cpu_placement *cpu = NULL;
    ffwd_status status = ffwd_device_check_fork(device, err);
    if (status == FFWD_OK) {
        const uint32_t strategy = choose_strategy((const ffwd_cpu_device *)device, model, request);
        status = create(device, model, strategy, &cpu, err);
    }
    if (status != FFWD_OK) {
        return status;
    }
    FFWD_TRY(status, ffwd_cpu_weights_create(model, cpu->code, &cpu->weights, err));
    cpu->block_rows = choose_block_rows(cpu, request);
    FFWD_TRY(status, size_scratch(cpu, err));
    cpu->base.chunk_rows = choose_chunk_rows(cpu, request);
    describe_stages(cpu);
    start_threads(cpu, request->expected_rows);
    FFWD_TRY(status, allocate_scratch(cpu, err));
    if (cpu->base.strategy == FFWD_TABLE) {
        FFWD_TRY(status, ffwd_cpu_table_fill(cpu, err));
    }
    *out = &cpu->base;
    return FFWD_OK;

cleanup:
    ffwd_cpu_release(&cpu->base);
    return status;
}

ffwd_status ffwd_cpu_clone(const ffwd_placement *placement, ffwd_placement **out, ffwd_error *err) {
    const ffwd_cpu_placement *original = (const ffwd_cpu_placement *)placement;
    ffwd_cpu_placement *cpu = NULL;
    ffwd_status status = ffwd_device_check_fork(placement->device, err);
    if (status == FFWD_OK) {
        status = create(placement->device, placement->model, placement->strategy, &cpu, err);
    }
    if (status != FFWD_OK) {
        return status;
    }
    cpu->weights = ffwd_cpu_weights_retain(original->weights);
    cpu->block_rows = original->block_rows;
    cpu->scratch_bytes = original->scratch_bytes;
    cpu->base.chunk_rows = placement->chunk_rows;
    describe_stages(cpu);
    FFWD_TRY(status, allocate_scratch(cpu, err));
    *out = &cpu->base;
    return FFWD_OK;

cleanup:
    ffwd_cpu_release(&cpu->base);
    return status;
}

/** A stage over a chunk, its blocks handed to whichever thread asks next. */
typedef struct stage_run {
    const ffwd_cpu_placement *cpu;
    const ffwd_block_job *job;
    uint64_t rows, grab_rows;
    atomic_ullong next;
} stage_run;

/** Takes blocks until there are none; false where there was none at all. */
static bool take_blocks(stage_run *stage, size_t slot) {
    unsigned char *scratch = stage->cpu->scratch + slot * stage->cpu->scratch_bytes;
    for (bool worked = false;; worked = true) {
        uint64_t first = atomic_fetch_add(&stage->next, stage->grab_rows);
        if (first >= stage->rows) {
            return worked;
        }
        stage->cpu->code->run(stage->job, first, ffwd_min(stage->grab_rows, stage->rows - first),
                              scratch);
    }
}

static void run_slot(void *context, size_t slot) {
    (void)take_blocks(context, slot);
}

static void run_slot_timed(void *context, size_t slot) {
    stage_run *stage = context;
    const uint64_t start = ffwd_now_ns();
    const bool worked = take_blocks(stage, slot);
    stage->cpu->times[slot] =
        worked ? (ffwd_slot_time){start, ffwd_now_ns()} : (ffwd_slot_time){0, 0};
}

/** Runs a stage over all its rows, on as many slots as it returns. */
static uint32_t run_job(ffwd_cpu_placement *cpu, const ffwd_block_job *job, bool timed) {
    const ffwd_cpu_device *device = (const ffwd_cpu_device *)cpu->base.device;
    const uint64_t rows = job->x.rows;
    const uint32_t slots = choose_slots(cpu, rows);
    uint64_t grab = slots == 1 ? rows : rows / ((uint64_t)slots * GRABS_PER_THREAD);
    stage_run stage = {.cpu = cpu, .job = job, .rows = rows};
    stage.grab_rows = ffwd_round_up(
        ffwd_max(grab, 1), grab < cpu->block_rows ? cpu->code->group_rows : cpu->block_rows);
    atomic_init(&stage.next, 0);
    void (*const task)(void *, size_t) = timed ? run_slot_timed : run_slot;
    if (slots == 1) {
        task(&stage, 0);
    } else {
        ffwd_threads_run(device->threads, slots, task, &stage);
    }
    return slots;
}

/** Hands out the spans of a stage and of the threads that were at work on it. */
static void trace_stage(const ffwd_cpu_placement *cpu, const ffwd_chunk *chunk,
                        const ffwd_plan_stage *plan, ffwd_slot_time whole, uint32_t slots) {
    char lane[32];
    ffwd_span span = ffwd_stage_span(plan);
    span.start_ns = whole.start_ns;
    span.end_ns = whole.end_ns;
    ffwd_chunk_trace(chunk, span);
    span.kind = FFWD_SPAN_THREAD;
    span.lane = lane;
    for (uint32_t slot = 0; slot < slots; slot++) {
        span.start_ns = cpu->times[slot].start_ns;
        span.end_ns = cpu->times[slot].end_ns;
        if (span.end_ns != 0) {
            (void)snprintf(lane, sizeof lane, "thread %u", (unsigned)slot + 1);
            ffwd_chunk_trace(chunk, span);
        }
    }
}

/** Dense rows of the model's dtype between two stages. */
static ffwd_rows between_rows(const ffwd_cpu_placement *cpu, size_t stage, uint64_t rows) {
    const ffwd_plan_stage *plan = &cpu->base.stages[stage];
    const ffwd_operation *last =
        &cpu->base.model->operations[plan->first_layer + plan->layer_count - 1];
    const int64_t element = (int64_t)ffwd_dtype_size(cpu->base.model->dtype);
    return (ffwd_rows){.data = cpu->between[stage % 2],
                       .dtype = cpu->base.model->dtype,
                       .rows = rows,
                       .cols = last->neurons,
                       .row_bytes = (int64_t)last->neurons * element,
                       .col_bytes = element};
}

/** Whether Y would only push other rows out of the caches. */
static bool bypasses_cache(const ffwd_chunk *chunk) {
    return ffwd_rows_bytes(&chunk->y) >= FFWD_CPU_BYPASS_BYTES;
}

/** One stage of a chunk, from x into what its job says. */
static void run_stage(ffwd_cpu_placement *cpu, const ffwd_chunk *chunk, ffwd_plan_stage *stage,
                      const ffwd_block_job *job, ffwd_timing *timing) {
    ffwd_slot_time whole = {.start_ns = ffwd_now_ns()};
    const uint32_t slots = run_job(cpu, job, chunk->tracer != NULL);
    whole.end_ns = ffwd_now_ns();
    stage->ns += whole.end_ns - whole.start_ns;
    stage->launches++;
    timing->kernel_ns += whole.end_ns - whole.start_ns;
    if (chunk->tracer != NULL) {
        trace_stage(cpu, chunk, stage, whole, slots);
    }
}

ffwd_status ffwd_cpu_run_chunk(ffwd_placement *placement, const ffwd_chunk *chunk,
                               ffwd_timing *timing, ffwd_error *err) {
    ffwd_cpu_placement *cpu = (ffwd_cpu_placement *)placement;
    ffwd_status status = ffwd_device_check_fork(placement->device, err);
    if (status != FFWD_OK || chunk->x.rows == 0) {
        return status;
    }
    const bool captured = ffwd_chunk_captured(chunk);
    if (captured != cpu->captured) {
        cpu->captured = captured;
        describe_stages(cpu);
    }
    ffwd_rows x = chunk->x;
    for (size_t i = 0; i < placement->stage_count; i++) {
        ffwd_plan_stage *stage = &placement->stages[i];
        const bool last = i + 1 == placement->stage_count;
        const ffwd_block_job job = {
            .layers = cpu->weights->layers + stage->first_layer,
            .layer_count = uses_table(cpu) ? 1 : stage->layer_count,
            .table = uses_table(cpu) ? &cpu->weights->table : NULL,
            .x = x,
            .y = last ? chunk->y : between_rows(cpu, i, x.rows),
            .sums = chunk->sums != NULL ? chunk->sums + stage->first_layer : NULL,
            .outputs = chunk->outputs != NULL ? chunk->outputs + stage->first_layer : NULL,
            .block_rows = cpu->block_rows,
            .bypass_cache = last && bypasses_cache(chunk),
        };
        run_stage(cpu, chunk, stage, &job, timing);
        x = job.y;
    }
    return FFWD_OK;
}
