// SPDX-License-Identifier: MIT
// Reports as text: aligned, with units, at most a screen wide.
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "device_view.h"
#include "model_nodes.h"
#include "report.h"
#include "table.h"
#include "units.h"

/** A larger share of the limit is a defect of the limit. */
#define MOST_SHARE 1.02

/** Where a shape is cut. */
static const char rest[] = "...";

/** A text that grows by whole parts as long as there is room. */
typedef struct line {
    char *text;
    size_t size, used;
    bool cut;
} line;

static void append(line *to, const char *part) {
    size_t length = strlen(part);
    if (to->cut) {
        return;
    }
    to->cut = to->used + length + sizeof rest > to->size;
    (void)snprintf(to->text + to->used, to->size - to->used, "%s", to->cut ? rest : part);
    to->used += length;
}

static void append_widths(const model_source *model, line *to) {
    char width[24];
    (void)snprintf(width, sizeof width, "%" PRIu64, model->info.inputs);
    append(to, width);
    for (uint64_t i = 0; i < model->info.operation_count && !to->cut; i++) {
        (void)snprintf(width, sizeof width, "-%" PRIu64, model_source_operation(model, i).neurons);
        append(to, width);
    }
}

/** One name where all layers share it, else a name for each. */
static void append_activations(const model_source *model, line *to) {
    const ffwd_operation first = model_source_operation(model, 0);
    bool same = true;
    for (uint64_t i = 1; i < model->info.operation_count; i++) {
        const ffwd_operation other = model_source_operation(model, i);
        same = same && strcmp(model_source_word(&other).text, model_source_word(&first).text) == 0;
    }
    for (uint64_t i = 0; i < model->info.operation_count && (i == 0 || !same) && !to->cut; i++) {
        const ffwd_operation operation = model_source_operation(model, i);
        append(to, i == 0 ? " " : ",");
        append(to, model_source_word(&operation).text);
    }
}

/** "2-3-2-1 step", "30-64-1 relu,step", "4-4-4...": widths and activations, as far as they fit. */
static void describe_shape(const model_source *model, char *text, size_t size) {
    line to = {.text = text, .size = size};
    append_widths(model, &to);
    append_activations(model, &to);
}

void report_text_model(const model_source *model, uint64_t rows, FILE *stream) {
    char shape[160];
    describe_shape(model, shape, sizeof shape);
    if (model->is_file) {
        fprintf(stream, "%s: ", model->name);
    }
    fprintf(stream, "%s, %s, %s parameters", shape, ffwd_dtype_name(model->info.dtype),
            units_count(model->info.parameters).text);
    if (rows > 0) {
        fprintf(stream, ", %s rows", units_count(rows).text);
    }
    fputc('\n', stream);
    model_nodes_print_folded(model, stream);
}

void report_text_memory(const char *lead, uint64_t asked, uint64_t used, FILE *stream) {
    if (asked > 0 && used > asked) {
        fprintf(stream, "%sraised from %s to %s, the least that works\n", lead,
                units_bytes(asked).text, units_bytes(used).text);
    }
}

static void print_device(const result *found, FILE *stream) {
    ffwd_device_info device = device_of(found->engine);
    fprintf(stream, "\n%s", device.id);
    if (device.name[0] != '\0') {
        fprintf(stream, "  %s", device.name);
    }
    if (device_is_cpu(&device)) {
        fprintf(stream, ", %s, %" PRIu32 " thread%s", device.isa, device.threads,
                device.threads == 1 ? "" : "s");
    } else if (device.platform[0] != '\0') {
        fprintf(stream, ", %s", device.platform);
    }
    fprintf(stream, ", %s\n", ffwd_strategy_name(ffwd_engine_strategy(found->engine)));
    if (ffwd_engine_why(found->engine)[0] != '\0') {
        fprintf(stream, "  why       %s\n", ffwd_engine_why(found->engine));
    }
}

/** A run that took no time has no rate. */
static void print_files(const result *found, FILE *stream) {
    fprintf(stream, "  files     read %s, write %s; all in %s", units_time(found->read_ms).text,
            units_time(found->write_ms).text, units_time(found->files_ms).text);
    if (found->rows > 0) {
        double per_s = (double)found->bytes / (found->files_ms * 1e-3);
        fprintf(stream, ", %s", units_rate(per_s, "B/s").text);
    }
    fputc('\n', stream);
}

static void print_times(const result *found, FILE *stream) {
    fprintf(stream, "  time      %s", units_time(found->total_ms.median).text);
    if (found->repeats > 1) {
        fprintf(stream, "  (median of %" PRIu64 "; p10 %s, p90 %s, min %s)", found->repeats,
                units_time(found->total_ms.p10).text, units_time(found->total_ms.p90).text,
                units_time(found->total_ms.min).text);
    }
    fprintf(
        stream,
        found->resident
            ? "\n            rows on the device: upload %s before, kernel %s, download %s after; "
              "setup before %s\n"
            : "\n            upload %s, kernel %s, download %s; setup before %s\n",
        units_time(found->upload_ms).text, units_time(found->kernel_ms).text,
        units_time(found->download_ms).text, units_time(found->setup_ms).text);
    if (!isnan(result_overlap(found))) {
        fprintf(stream, "            %s of upload and download hidden behind kernels\n",
                units_percent(result_overlap(found)).text);
    }
    if (!found->has_limit) {
        print_files(found, stream);
    }
}

static void print_rates(const result *found, FILE *stream) {
    if (found->rows == 0) {
        return;
    }
    fprintf(stream, "  rate      %s, %s, %s\n",
            units_rate(result_per_second(found, found->rows), " rows/s").text,
            units_rate(result_per_second(found, found->bytes), "B/s").text,
            units_rate(result_per_second(found, found->flops), "FLOP/s").text);
}

static void print_limit(const limit_result *limit, FILE *stream) {
    if (!isnan(limit->share)) {
        fprintf(stream, "  limit     %s of the %s limit", units_percent(limit->share).text,
                limit->by);
    } else if (strcmp(limit->by, "latency") == 0) {
        fputs("  limit     too few rows to tell", stream);
    } else {
        fprintf(stream, "  limit     %s, not compared", limit->by);
    }
    fprintf(stream, " (stream %s GB/s, fma %s GFLOP/s", units_number(limit->stream_gbps).text,
            units_number(limit->fma_gflops).text);
    if (limit->isa_fma_gflops > 0.0) {
        fprintf(stream, ", %s with this isa", units_number(limit->isa_fma_gflops).text);
    }
    if (limit->transfer_ms > 0.0) {
        fprintf(stream, ", transfers %s", units_time(limit->transfer_ms).text);
    }
    fputs(")\n", stream);
}

/** What a driver need not compile since an earlier process did. */
static void print_cache(const result *found, FILE *stream) {
    const ffwd_device_info device = device_of(found->engine);
    if (device_is_cpu(&device)) {
        return;
    }
    if (device.cache[0] == '\0') {
        fprintf(stream, "  cache     off%s%s\n", device.cache_note[0] != '\0' ? ": " : "",
                device.cache_note);
        return;
    }
    fprintf(stream, "  cache     %" PRIu32 " hit%s, %" PRIu32 " miss%s", device.cache_hits,
            device.cache_hits == 1 ? "" : "s", device.cache_misses,
            device.cache_misses == 1 ? "" : "es");
    if (device.cache_spoilt > 0) {
        fprintf(stream, ", %" PRIu32 " of them spoilt", device.cache_spoilt);
    }
    fprintf(stream, "; %s\n", device.cache_note[0] != '\0' ? device.cache_note : device.cache);
}

/** What is neither our buffers nor the device's is the program itself. */
static void print_resident(const result *found, FILE *stream) {
    uint64_t buffers = ffwd_engine_memory(found->engine) + found->pieces_bytes;
    if (found->resident_peak_bytes > 0) {
        fprintf(stream, "  resident  %s at most, %s of it by opening the device; buffers %s\n",
                units_bytes(found->resident_peak_bytes).text,
                units_bytes(found->resident_device_bytes).text, units_bytes(buffers).text);
    }
}

static void print_notes(const result *found, FILE *stream) {
    report_text_memory("  memory    ", found->memory_asked_bytes, found->memory_raised_bytes,
                       stream);
    if (found->chunks_redone > 0) {
        fprintf(stream, "  fallback  %" PRIu64 " chunks redone elsewhere: %s\n",
                found->chunks_redone, found->fallback);
    } else if (found->chunks_halved > 0) {
        fprintf(stream, "  fallback  chunks halved %" PRIu64 " times: %s\n", found->chunks_halved,
                found->fallback);
    }
    if (found->has_limit && found->limit.share > MOST_SHARE) {
        fputs("  note      above the limit: the limit was measured too low\n", stream);
    }
}

static void print_stages(const result *found, FILE *stream) {
    static const char *const head[] = {"kernel", "layers", "launches", "time"};
    table grid;
    table_begin(&grid, "<<>>");
    table_row(&grid, head);
    for (size_t i = 0; i < ffwd_engine_stage_count(found->engine); i++) {
        ffwd_stage stage = result_stage(found->engine, i);
        table_cell(&grid, "%s", stage.kernel);
        table_cell(&grid, "%s", units_layers(stage.first_layer, stage.layer_count).text);
        table_cell(&grid, "%" PRIu64, found->stage_launches[i]);
        table_cell(&grid, "%s", units_time(found->stage_ms[i]).text);
    }
    table_print(&grid, stream);
}

void report_text_result(const result *found, FILE *stream) {
    print_device(found, stream);
    print_times(found, stream);
    print_rates(found, stream);
    if (found->has_limit) {
        print_limit(&found->limit, stream);
    }
    fprintf(stream, "  output    %016" PRIx64 "  XXH3-64 of Y\n", found->output_hash);
    print_resident(found, stream);
    print_cache(found, stream);
    print_notes(found, stream);
    print_stages(found, stream);
}

static void add_comparison(table *grid, const result *found, const result *first) {
    ffwd_device_info device = device_of(found->engine);
    const char *verdict = found == first                             ? "reference"
                          : found->output_hash == first->output_hash ? "equal"
                                                                     : "DIFFERS";
    table_cell(grid, "%s", device.id);
    table_cell(grid, "%.32s", text_or_dash(device.name));
    table_cell(grid, "%s", ffwd_strategy_name(ffwd_engine_strategy(found->engine)));
    table_cell(grid, "%s", units_time(found->total_ms.median).text);
    table_cell(grid, "%s", units_rate(result_per_second(found, found->rows), " rows/s").text);
    table_cell(grid, "%s", units_percent(found->limit.share).text);
    table_cell(grid, "%s", found->limit.by);
    table_cell(grid, "%s", verdict);
}

void report_text_comparison(const report *told, FILE *stream) {
    static const char *const head[] = {"device", "name",     "strategy", "time",
                                       "rate",   "of limit", "by",       "output"};
    table grid;
    table_begin(&grid, "<<<>>><<");
    table_row(&grid, head);
    for (size_t i = 0; i < told->result_count; i++) {
        add_comparison(&grid, &told->results[i], &told->results[0]);
    }
    fputc('\n', stream);
    table_print(&grid, stream);
}
