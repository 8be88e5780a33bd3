// SPDX-License-Identifier: MIT
// The way of an ONNX file: graph, kinds and shapes, chain, operations, model.
#include "format/model_onnx.h"

#include "format/onnx_chain.h"
#include "format/onnx_infer.h"

bool ffwd_is_onnx(const unsigned char *bytes, uint64_t count) {
    return count > 0 && bytes[0] == 8; // field 1, a number
}

static ffwd_status make_model(onnx_graph *graph, onnx_view file, const ffwd_load_options *options,
                              ffwd_model **out, ffwd_error *err) {
    onnx_chain chain = {.graph = graph};
    ffwd_status status;
    uint32_t output;
    bool append;
    FFWD_TRY(status, ffwd_onnx_graph_read(graph, file, err));
    FFWD_TRY(status, ffwd_onnx_infer(graph, err));
    FFWD_TRY(status, ffwd_onnx_choose_output(graph, options->labels != 0, &output, &append, err));
    if (append) {
        FFWD_TRY(status, ffwd_onnx_append_argmax(&chain, err));
    }
    FFWD_TRY(status, ffwd_onnx_match(&chain, output, err));
    FFWD_TRY(status, ffwd_onnx_fold(&chain, options->no_fold == 0, err));
    const uint32_t own = chain.is_double ? FFWD_F64 : FFWD_F32;
    status = ffwd_onnx_emit(&chain, options->dtype != 0 ? options->dtype : own, out, err);
    if (status == FFWD_EARGUMENT) { // of the file's making, not of the caller's
        status = FFWD_EUNSUPPORTED;
        if (err != NULL) {
            err->status = FFWD_EUNSUPPORTED;
        }
    }
    if (status == FFWD_OK) {
        status = ffwd_onnx_tell(&chain, *out, err);
    }
    if (status != FFWD_OK) {
        ffwd_model_destroy(*out);
        *out = NULL;
    }

cleanup:
    return status;
}

ffwd_status ffwd_model_of_onnx(const unsigned char *bytes, uint64_t count, const char *path,
                               const ffwd_load_options *options, ffwd_model **out,
                               ffwd_error *err) {
    onnx_graph graph = {.arena = {.path = path}};
    if (options->activations != NULL) {
        return ffwd_fail(err, FFWD_EARGUMENT,
                         "activations are given, but an ONNX model has its own");
    }
    ffwd_status status = make_model(&graph, (onnx_view){bytes, (size_t)count}, options, out, err);
    if (graph.arena.lacking > 0) { // whatever it was then taken for
        ffwd_model_destroy(*out);
        *out = NULL;
        status = ffwd_fail_memory(err, graph.arena.lacking, "a graph");
    }
    ffwd_onnx_arena_free(&graph.arena);
    return status;
}
