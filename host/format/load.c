// SPDX-License-Identifier: MIT
// ffwd_model_load and ffwd_model_parse: a model file is known by its first bytes.
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/structs.h"
#include "format/file_io.h"
#include "format/model_npz.h"
#include "format/model_onnx.h"

/** A zip archive begins with an entry, or, when empty, with its end. */
static bool is_zip(const unsigned char *bytes, uint64_t count) {
    return count >= 4 && (memcmp(bytes, "PK\3\4", 4) == 0 || memcmp(bytes, "PK\5\6", 4) == 0);
}

static ffwd_status refuse_content(const char *path, ffwd_error *err) {
    if (ffwd_file_ends_in(path, ".csv") || ffwd_file_ends_in(path, ".npy")) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED, "a matrix, where a model (.npz, .onnx) is needed");
    }
    return ffwd_fail(err, FFWD_EFORMAT, "does not begin as a .npz or .onnx file does");
}

static ffwd_status read_options(ffwd_load_options *options, const ffwd_load_options *given,
                                ffwd_error *err) {
    *options = (ffwd_load_options)FFWD_LOAD_OPTIONS_INIT;
    ffwd_status status = ffwd_struct_read(options, sizeof *options, given, err);
    if (status != FFWD_OK) {
        return status;
    }
    if (options->dtype != 0 && options->dtype != FFWD_F32 && options->dtype != FFWD_F64) {
        return ffwd_fail(err, FFWD_EARGUMENT, "a model is f32 or f64, not %s (%u)",
                         ffwd_dtype_name(options->dtype), options->dtype);
    }
    return ffwd_memory_check(options->allocator, err);
}

/** Takes the fd over. */
static ffwd_status load_npz(int fd, uint64_t bytes, const ffwd_load_options *options,
                            ffwd_model **out, ffwd_error *err) {
    ffwd_npz npz;
    ffwd_status status = ffwd_npz_open_file(&npz, fd, bytes, err);
    if (status == FFWD_OK) {
        status = ffwd_model_of_npz(&npz, options, out, err);
        ffwd_npz_close(&npz);
    }
    return status;
}

/** Reads the whole file: weights are taken from where they lie in it. */
static ffwd_status load_onnx(int fd, uint64_t bytes, const char *path,
                             const ffwd_load_options *options, ffwd_model **out, ffwd_error *err) {
    unsigned char *file = ffwd_alloc(bytes);
    if (file == NULL) {
        return ffwd_fail_memory(err, bytes, "the file");
    }
    ffwd_status status = ffwd_file_read_at(fd, path, file, bytes, 0, err);
    if (status == FFWD_OK) {
        status = ffwd_model_of_onnx(file, bytes, path, options, out, err);
    }
    ffwd_free(file);
    return status;
}

static ffwd_status load_path(const char *path, const ffwd_load_options *options, ffwd_model **out,
                             ffwd_error *err) {
    unsigned char start[4] = {0};
    uint64_t bytes;
    int fd;
    ffwd_status status = ffwd_file_open(path, &fd, &bytes, err);
    if (status != FFWD_OK) {
        return status;
    }
    status = ffwd_file_read_at(fd, path, start, ffwd_min(bytes, sizeof start), 0, err);
    if (status != FFWD_OK) {
        (void)close(fd);
        return status;
    }
    if (is_zip(start, bytes)) {
        status = load_npz(fd, bytes, options, out, err);
    } else if (ffwd_is_onnx(start, bytes) || ffwd_file_ends_in(path, ".onnx")) {
        status = load_onnx(fd, bytes, path, options, out, err);
        (void)close(fd);
    } else {
        (void)close(fd);
        status = refuse_content(path, err);
    }
    return status == FFWD_OK ? FFWD_OK : ffwd_fail_prefix(err, status, path);
}

ffwd_status ffwd_model_load(const char *path, const ffwd_load_options *given, ffwd_model **out,
                            ffwd_error *err) {
    ffwd_load_options options;
    *out = NULL;
    ffwd_status status = read_options(&options, given, err);
    if (status != FFWD_OK) {
        return status;
    }
    const ffwd_allocator *before = ffwd_memory_enter(options.allocator);
    status = load_path(path, &options, out, err);
    ffwd_memory_leave(before);
    return status;
}

static ffwd_status parse_bytes(const void *bytes, size_t size, const ffwd_load_options *options,
                               ffwd_model **out, ffwd_error *err) {
    ffwd_npz npz = {.zip = NULL, .fd = -1};
    ffwd_status status;
    if (ffwd_is_onnx(bytes, size)) {
        return ffwd_model_of_onnx(bytes, size, NULL, options, out, err);
    }
    if (!is_zip(bytes, size)) {
        return ffwd_fail(err, FFWD_EFORMAT, "does not begin as a .npz or .onnx file does");
    }
    FFWD_TRY(status, ffwd_npz_open_bytes(&npz, bytes, size, err));
    status = ffwd_model_of_npz(&npz, options, out, err);

cleanup:
    ffwd_npz_close(&npz);
    return status;
}

ffwd_status ffwd_model_parse(const void *bytes, size_t size, const ffwd_load_options *given,
                             ffwd_model **out, ffwd_error *err) {
    ffwd_load_options options;
    *out = NULL;
    ffwd_status status = read_options(&options, given, err);
    if (status != FFWD_OK) {
        return status;
    }
    const ffwd_allocator *before = ffwd_memory_enter(options.allocator);
    status = parse_bytes(bytes, size, &options, out, err);
    ffwd_memory_leave(before);
    return status;
}
