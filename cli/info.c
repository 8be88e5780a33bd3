// SPDX-License-Identifier: MIT
// ffwd info: a model's operations, what a row costs, and the plan on each device.
#include <inttypes.h>
#include <stdlib.h>

#include "commands.h"
#include "device_view.h"
#include "failure.h"
#include "json_file.h"
#include "model_nodes.h"
#include "placement.h"
#include "report.h"
#include "table.h"
#include "units.h"

typedef struct plans {
    const options *given;
    model_source model;
    ffwd_engine **engines; /**< one for each device that can run the model */
    size_t count;
    ffwd_engine *chosen; /**< what "auto" takes; NULL where one device was named */
    skipped skipped;
} plans;

static void add_engine(plans *p, ffwd_engine *engine) {
    p->engines = need_memory(p->engines, (p->count + 1) * sizeof(ffwd_engine *));
    p->engines[p->count++] = engine;
}

static int plan_selected(plans *p) {
    ffwd_engine *engine = NULL;
    int status = placement_selected(p->given, &p->model, p->given->rows, &engine);
    if (status == EXIT_DONE) {
        add_engine(p, engine);
    }
    return status;
}

static int plan_listed(plans *p, const ffwd_device_info *device) {
    ffwd_engine *engine = NULL;
    int status =
        placement_listed(device, p->given, &p->model, p->given->rows, &p->skipped, &engine);
    if (engine != NULL) {
        add_engine(p, engine);
    }
    return status;
}

/** What would run where no device is named. */
static int plan_chosen(plans *p) {
    options given = *p->given;
    given.device = "auto";
    given.device_named = true;
    return placement_selected(&given, &p->model, given.rows, &p->chosen);
}

static int plan_all(plans *p) {
    ffwd_device_list *devices = NULL;
    int status = device_list_open(&devices);
    for (size_t i = 0; status == EXIT_DONE && i < ffwd_device_list_count(devices); i++) {
        ffwd_device_info device = device_listed(devices, i);
        status = plan_listed(p, &device);
    }
    if (status == EXIT_DONE) {
        skipped_add_refused(&p->skipped, devices);
        status = plan_chosen(p);
    }
    ffwd_device_list_destroy(devices);
    return status;
}

static bool wants_all(const options *given) {
    return given->device == NULL || options_all_devices(given);
}

/** Whether an operation works on the whole row: it has neither weights nor an activation. */
static bool needs_row(const ffwd_operation *layer) {
    return layer->kind != FFWD_DENSE && layer->kind != FFWD_AFFINE;
}

/** Values of weights, or of the scale of an affine operation. */
static uint64_t weights_of(const ffwd_operation *layer) {
    if (layer->weights == NULL) {
        return 0;
    }
    return layer->inputs * (layer->kind == FFWD_DENSE ? layer->neurons : 1);
}

static uint64_t parameters_of(const ffwd_operation *layer) {
    return weights_of(layer) +
           layer->neurons * ((layer->bias != NULL) + (uint64_t)(layer->slopes != NULL));
}

static uint64_t flops_of(const ffwd_operation *layer) {
    const bool shifts = layer->kind == FFWD_AFFINE && layer->bias != NULL;
    return 2 * (shifts ? layer->inputs : weights_of(layer));
}

static void add_weights(table *grid, const ffwd_operation *layer) {
    if (layer->weights == NULL) {
        table_cell(grid, "-");
    } else if (layer->kind == FFWD_DENSE) {
        table_cell(grid, "[%" PRIu64 "][%" PRIu64 "]", layer->neurons, layer->inputs);
    } else {
        table_cell(grid, "[%" PRIu64 "]", layer->inputs);
    }
}

static void print_operations(const model_source *model) {
    static const char *const head[] = {"layer",      "kind",       "weights",    "bias",
                                       "activation", "parameters", "flops a row"};
    table grid;
    table_begin(&grid, "><<<<>>");
    table_row(&grid, head);
    for (uint64_t i = 0; i < model->info.operation_count; i++) {
        ffwd_operation layer = model_source_operation(model, i);
        table_cell(&grid, "%" PRIu64, i + 1);
        table_cell(&grid, "%s", text_or_dash(ffwd_kind_name(layer.kind)));
        add_weights(&grid, &layer);
        table_cell(&grid, "%s", layer.bias != NULL ? "yes" : "no");
        table_cell(&grid, "%s", needs_row(&layer) ? "-" : model_source_word(&layer).text);
        table_cell(&grid, "%s", units_count(parameters_of(&layer)).text);
        table_cell(&grid, "%s", units_count(flops_of(&layer)).text);
    }
    table_print(&grid, stdout);
}

static uint64_t row_bytes(const ffwd_model_info *info) {
    return (info->inputs + info->outputs) * ffwd_dtype_size(info->dtype);
}

static void print_totals(const ffwd_model_info *info) {
    printf("\na row: %s input%s, %s output%s, %s flops, %s bytes (X and Y), %s flops a byte\n\n",
           units_count(info->inputs).text, info->inputs == 1 ? "" : "s",
           units_count(info->outputs).text, info->outputs == 1 ? "" : "s",
           units_count(info->flops).text, units_count(row_bytes(info)).text,
           units_number((double)info->flops / (double)row_bytes(info)).text);
}

/** The device's columns stand in the first line of its stages alone. */
static void add_stage(table *grid, const ffwd_engine *engine, size_t index) {
    ffwd_device_info device = device_of(engine);
    ffwd_stage stage = result_stage(engine, index);
    bool first = index == 0;
    table_cell(grid, "%s", first ? device.id : "");
    table_cell(grid, "%.32s", first ? text_or_dash(device.name) : "");
    table_cell(grid, "%s", first ? ffwd_strategy_name(ffwd_engine_strategy(engine)) : "");
    table_cell(grid, "%s", stage.kernel);
    table_cell(grid, "%s", units_layers(stage.first_layer, stage.layer_count).text);
    table_cell(grid, "%s", first ? units_count(ffwd_engine_chunk_rows(engine)).text : "");
    table_cell(grid, "%s", first ? units_bytes(ffwd_engine_memory(engine)).text : "");
}

static ffwd_prediction predict(const plans *p, ffwd_engine *engine) {
    ffwd_prediction prediction = FFWD_PREDICTION_INIT;
    ffwd_error err = FFWD_ERROR_INIT;
    if (ffwd_engine_predict(engine, p->given->rows, &prediction, &err) != FFWD_OK) {
        prediction.rows = 0;
    }
    return prediction;
}

static void add_time(table *grid, uint64_t ns) {
    table_cell(grid, "%s", units_time((double)ns / 1e6).text);
}

static void print_predictions(const plans *p) {
    static const char *const head[] = {"device", "strategy", "predicted", "upload", "computing",
                                       "memory", "launches", "download",  "set-up", "rates"};
    table grid;
    table_begin(&grid, "<<>>>>>>><");
    table_row(&grid, head);
    for (size_t i = 0; i < p->count; i++) {
        const ffwd_prediction found = predict(p, p->engines[i]);
        table_cell(&grid, "%s", device_of(p->engines[i]).id);
        table_cell(&grid, "%s", ffwd_strategy_name(ffwd_engine_strategy(p->engines[i])));
        add_time(&grid, found.total_ns);
        add_time(&grid, found.upload_ns);
        add_time(&grid, found.compute_ns);
        add_time(&grid, found.memory_ns);
        add_time(&grid, found.launch_ns);
        add_time(&grid, found.download_ns);
        add_time(&grid, found.setup_ns);
        table_cell(&grid, "%s", found.measured ? "measured" : "assumed");
    }
    printf("\npredicted for %s rows\n", units_count(p->given->rows).text);
    table_print(&grid, stdout);
}

static void print_plans(const plans *p) {
    static const char *const head[] = {"device", "name",       "strategy", "kernel",
                                       "layers", "chunk rows", "memory"};
    table grid;
    table_begin(&grid, "<<<<<>>");
    table_row(&grid, head);
    for (size_t i = 0; i < p->count; i++) {
        for (size_t k = 0; k < ffwd_engine_stage_count(p->engines[i]); k++) {
            add_stage(&grid, p->engines[i], k);
        }
    }
    table_print(&grid, stdout);
    if (p->given->rows > 0 && p->count > 0) {
        print_predictions(p);
    }
    if (p->chosen != NULL) {
        printf("\nauto takes %s: %s\n", device_of(p->chosen).id, ffwd_engine_why(p->chosen));
    }
    skipped_print(&p->skipped, stdout);
}

static void print_text(const plans *p) {
    report_text_model(&p->model, p->given->rows, stdout);
    putchar('\n');
    model_nodes_print(&p->model, stdout);
    print_operations(&p->model);
    print_totals(&p->model.info);
    print_plans(p);
}

static json_t *operation_json(const ffwd_operation *layer) {
    return json_pack("{s:o, s:o, s:o, s:b, s:o, s:o, s:o}", "kind",
                     json_text(ffwd_kind_name(layer->kind)), "neurons", json_count(layer->neurons),
                     "inputs", json_count(layer->inputs), "bias", layer->bias != NULL, "activation",
                     needs_row(layer) ? json_null() : json_text(model_source_word(layer).text),
                     "parameters", json_count(parameters_of(layer)), "flops",
                     json_count(flops_of(layer)));
}

/** Milliseconds, as everywhere; null where no number of rows was given. */
static json_t *prediction_json(const plans *p, ffwd_engine *engine) {
    if (p->given->rows == 0) {
        return json_null();
    }
    const ffwd_prediction found = predict(p, engine);
    const double ms = 1e-6;
    return json_pack("{s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "measured", found.measured != 0,
                     "total", json_number((double)found.total_ns * ms), "upload",
                     json_number((double)found.upload_ns * ms), "computing",
                     json_number((double)found.compute_ns * ms), "memory",
                     json_number((double)found.memory_ns * ms), "launches",
                     json_number((double)found.launch_ns * ms), "download",
                     json_number((double)found.download_ns * ms), "setup",
                     json_number((double)found.setup_ns * ms));
}

static json_t *plan_json(const plans *p, ffwd_engine *engine) {
    ffwd_device_info device = device_of(engine);
    return json_pack(
        "{s:s, s:s, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "device", device.id, "backend",
        device.backend, "name", json_text(device.name), "isa", json_text(device.isa), "threads",
        json_count(device.threads), "strategy", ffwd_strategy_name(ffwd_engine_strategy(engine)),
        "stages", report_json_stages(engine), "chunk_rows",
        json_count(ffwd_engine_chunk_rows(engine)), "memory_bytes",
        json_count(ffwd_engine_memory(engine)), "predicted_ms", prediction_json(p, engine));
}

static json_t *chosen_json(const plans *p) {
    if (p->chosen == NULL) {
        return json_null();
    }
    return json_pack("{s:s, s:o}", "device", device_of(p->chosen).id, "why",
                     json_text(ffwd_engine_why(p->chosen)));
}

static json_t *info_json(const plans *p) {
    const ffwd_model_info *info = &p->model.info;
    json_t *operations = json_array(), *all = json_array();
    for (uint64_t i = 0; i < info->operation_count; i++) {
        ffwd_operation layer = model_source_operation(&p->model, i);
        json_array_append_new(operations, operation_json(&layer));
    }
    for (size_t i = 0; i < p->count; i++) {
        json_array_append_new(all, plan_json(p, p->engines[i]));
    }
    return json_pack("{s:s, s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "schema",
                     "ffwd.info/1", "version", ffwd_version(), "arithmetic",
                     FFWD_ARITHMETIC_VERSION, "model", report_json_model(&p->model), "operations",
                     operations, "nodes", model_nodes_json(&p->model), "rows",
                     p->given->rows > 0 ? json_count(p->given->rows) : json_null(), "row_flops",
                     json_count(info->flops), "row_bytes", json_count(row_bytes(info)), "plans",
                     all, "auto", chosen_json(p), "skipped", report_json_skipped(&p->skipped));
}

static void close_plans(plans *p) {
    for (size_t i = 0; i < p->count; i++) {
        ffwd_engine_destroy(p->engines[i]);
    }
    ffwd_engine_destroy(p->chosen);
    free(p->engines);
    skipped_free(&p->skipped);
    model_source_close(&p->model);
}

int command_info(const options *given) {
    plans p = {.given = given};
    json_file json = {0};
    int status = model_source_open(given, &p.model);
    if (status == EXIT_DONE) {
        status = json_file_open(given->json, &json);
    }
    if (status == EXIT_DONE) {
        status = wants_all(given) ? plan_all(&p) : plan_selected(&p);
    }
    if (status == EXIT_DONE && !options_is_stdout(given->json)) {
        print_text(&p);
    }
    if (status == EXIT_DONE && given->json != NULL) {
        status = json_file_commit(&json, info_json(&p));
    }
    close_plans(&p);
    json_file_close(&json);
    return status;
}
