// SPDX-License-Identifier: MIT
// Reports as JSON. What is not known is null; every number is finite.
#include <inttypes.h>
#include <string.h>

#include "device_view.h"
#include "json_file.h"
#include "machine.h"
#include "report.h"

static json_t *widths_json(const model_source *model) {
    json_t *widths = json_array();
    json_array_append_new(widths, json_count(model->info.inputs));
    for (uint64_t i = 0; i < model->info.operation_count; i++) {
        json_array_append_new(widths, json_count(model_source_operation(model, i).neurons));
    }
    return widths;
}

static json_t *activations_json(const model_source *model) {
    json_t *names = json_array();
    for (uint64_t i = 0; i < model->info.operation_count; i++) {
        const ffwd_operation operation = model_source_operation(model, i);
        json_array_append_new(names, json_text(model_source_word(&operation).text));
    }
    return names;
}

json_t *report_json_model(const model_source *model) {
    return json_pack("{s:o, s:o, s:o, s:s, s:o}", "source", json_text(model->name), "widths",
                     widths_json(model), "activations", activations_json(model), "dtype",
                     ffwd_dtype_name(model->info.dtype), "parameters",
                     json_count(model->info.parameters));
}

json_t *report_json_skipped(const skipped *list) {
    json_t *items = json_array();
    for (size_t i = 0; list != NULL && i < list->count; i++) {
        json_array_append_new(items,
                              json_pack("{s:o, s:o}", "device", json_text(list->items[i].what),
                                        "reason", json_text(list->items[i].reason)));
    }
    return items;
}

static json_t *milliseconds_json(const result *found) {
    return json_pack("{s:{s:o, s:o, s:o, s:o}, s:o, s:o, s:o, s:o, s:o}", "total", "median",
                     json_number(found->total_ms.median), "p10", json_number(found->total_ms.p10),
                     "p90", json_number(found->total_ms.p90), "min",
                     json_number(found->total_ms.min), "setup", json_number(found->setup_ms),
                     "upload", json_number(found->upload_ms), "kernel",
                     json_number(found->kernel_ms), "download", json_number(found->download_ms),
                     "hidden", json_number(found->hidden_ms));
}

static json_t *stage_json(const ffwd_stage *stage) {
    json_t *layers = json_array();
    for (uint64_t i = 0; i < stage->layer_count; i++) {
        json_array_append_new(layers, json_count(stage->first_layer + i));
    }
    json_t *object = json_pack("{s:s, s:o}", "kernel", stage->kernel, "layers", layers);
    if (stage->bytes > 0) {
        json_object_set_new(object, "bytes", json_count(stage->bytes));
    }
    return object;
}

json_t *report_json_stages(const ffwd_engine *engine) {
    json_t *stages = json_array();
    for (size_t i = 0; i < ffwd_engine_stage_count(engine); i++) {
        ffwd_stage stage = result_stage(engine, i);
        json_array_append_new(stages, stage_json(&stage));
    }
    return stages;
}

static json_t *timed_stages_json(const result *found) {
    json_t *stages = report_json_stages(found->engine);
    for (size_t i = 0; i < json_array_size(stages); i++) {
        json_t *stage = json_array_get(stages, i);
        json_object_set_new(stage, "ms", json_number(found->stage_ms[i]));
        json_object_set_new(stage, "launches", json_count(found->stage_launches[i]));
    }
    return stages;
}

static json_t *limits_json(const limit_result *limit) {
    json_t *limits = json_pack("{s:o, s:o}", "stream_gbps", json_number(limit->stream_gbps),
                               "fma_gflops", json_number(limit->fma_gflops));
    if (limit->isa_fma_gflops > 0.0) {
        json_object_set_new(limits, "isa_fma_gflops", json_number(limit->isa_fma_gflops));
    }
    if (limit->transfer_ms > 0.0) {
        json_object_set_new(limits, "transfer_ms", json_number(limit->transfer_ms));
    }
    return limits;
}

/** Null where the device compiles nothing. */
static json_t *cache_json(const ffwd_device_info *device) {
    if (device_is_cpu(device)) {
        return json_null();
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "folder", json_text(device->cache), "hits",
                     json_count(device->cache_hits), "misses", json_count(device->cache_misses),
                     "spoilt", json_count(device->cache_spoilt), "note",
                     json_text(device->cache_note));
}

static void add_device(json_t *object, const result *found) {
    ffwd_device_info device = device_of(found->engine);
    json_object_set_new(object, "device", json_text(device.id));
    json_object_set_new(object, "backend", json_text(device.backend));
    json_object_set_new(object, "name", json_text(device.name));
    json_object_set_new(object, "driver", json_text(device.driver));
    json_object_set_new(object, "isa", json_text(device.isa));
    json_object_set_new(object, "threads", json_count(device.threads));
    json_object_set_new(object, "strategy",
                        json_string(ffwd_strategy_name(ffwd_engine_strategy(found->engine))));
    json_object_set_new(object, "why", json_text(ffwd_engine_why(found->engine)));
    json_object_set_new(object, "cache", cache_json(&device));
}

/** Null where the system does not say. */
static json_t *resident_json(const result *found) {
    if (found->resident_peak_bytes == 0) {
        return json_null();
    }
    return json_pack("{s:o, s:o}", "peak", json_count(found->resident_peak_bytes), "device",
                     json_count(found->resident_device_bytes));
}

static void add_times(json_t *object, const result *found) {
    json_t *ms = milliseconds_json(found);
    if (!found->has_limit) {
        json_object_set_new(ms, "read", json_number(found->read_ms));
        json_object_set_new(ms, "write", json_number(found->write_ms));
        json_object_set_new(ms, "files", json_number(found->files_ms));
    }
    json_object_set_new(object, "repeats", json_count(found->repeats));
    json_object_set_new(object, "chunks", json_count(found->chunks));
    json_object_set_new(object, "chunks_redone", json_count(found->chunks_redone));
    json_object_set_new(object, "chunks_halved", json_count(found->chunks_halved));
    json_object_set_new(object, "fallback", json_text(found->fallback));
    json_object_set_new(object, "memory_bytes", json_count(ffwd_engine_memory(found->engine)));
    json_object_set_new(object, "memory_raised_bytes",
                        found->memory_raised_bytes > 0 ? json_count(found->memory_raised_bytes)
                                                       : json_null());
    if (!found->has_limit) {
        json_object_set_new(object, "pieces_bytes", json_count(found->pieces_bytes));
        json_object_set_new(object, "resident_bytes", resident_json(found));
    }
    if (found->has_limit) {
        json_object_set_new(object, "resident", json_boolean(found->resident));
    }
    json_object_set_new(object, "ms", ms);
    json_object_set_new(object, "overlap", json_number(result_overlap(found)));
    json_object_set_new(object, "stages", timed_stages_json(found));
}

static void add_rates(json_t *object, const result *found) {
    json_object_set_new(object, "bytes", json_count(found->bytes));
    json_object_set_new(object, "flops", json_count(found->flops));
    json_object_set_new(object, "rows_per_s", json_number(result_per_second(found, found->rows)));
    json_object_set_new(object, "gbps", json_number(result_per_second(found, found->bytes) * 1e-9));
    json_object_set_new(object, "gflops",
                        json_number(result_per_second(found, found->flops) * 1e-9));
}

static void add_limit(json_t *object, const limit_result *limit) {
    json_object_set_new(object, "limits", limits_json(limit));
    json_object_set_new(object, "limited_by", json_string(limit->by));
    json_object_set_new(object, "of_limit", json_number(limit->share));
}

static json_t *result_json(const result *found) {
    json_t *object = json_object();
    char hash[17];
    add_device(object, found);
    add_times(object, found);
    add_rates(object, found);
    if (found->has_limit) {
        add_limit(object, &found->limit);
    }
    (void)snprintf(hash, sizeof hash, "%016" PRIx64, found->output_hash);
    json_object_set_new(object, "output_hash", json_string(hash));
    return object;
}

static json_t *machine_json(void) {
    machine found = machine_describe();
    return json_pack("{s:o, s:o}", "cpu", json_text(found.cpu), "os", json_text(found.os));
}

json_t *report_json(const report *told) {
    json_t *results = json_array();
    for (size_t i = 0; i < told->result_count; i++) {
        json_array_append_new(results, result_json(&told->results[i]));
    }
    return json_pack("{s:s, s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "schema", told->schema,
                     "version", ffwd_version(), "arithmetic", FFWD_ARITHMETIC_VERSION, "model",
                     report_json_model(told->model), "rows", json_count(told->rows), "seed",
                     json_count(told->seed), "machine", machine_json(), "results", results,
                     "skipped", report_json_skipped(told->skipped));
}
