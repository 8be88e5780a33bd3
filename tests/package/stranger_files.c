// SPDX-License-Identifier: MIT
// A stranger's use of the component of files: writes an archive and loads it as a model.
#include <ffwd/file.h>
#include <stdio.h>

static const double weights[2][3] = {{1, 2, 3}, {4, 5, 6}};

static ffwd_status write_archive(const char *path, ffwd_error *err) {
    ffwd_archive *archive = NULL;
    size_t entry = 0;
    ffwd_status status = ffwd_archive_create(path, &archive, err);
    if (status == FFWD_OK) {
        status = ffwd_archive_add(archive, "W1", 2, 3, FFWD_F64, &entry, err);
    }
    if (status == FFWD_OK) {
        status = ffwd_archive_append(archive, entry, 2, weights, err);
    }
    if (status == FFWD_OK) {
        status = ffwd_archive_commit(archive, err);
    }
    ffwd_archive_destroy(archive);
    return status;
}

int main(int argc, char **argv) {
    const char *path = argc > 1 ? argv[1] : "model.npz";
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_model *model = NULL;
    ffwd_model_info info = FFWD_MODEL_INFO_INIT;
    ffwd_load_options options = FFWD_LOAD_OPTIONS_INIT;
    options.activations = "relu";
    if (write_archive(path, &err) != FFWD_OK ||
        ffwd_model_load(path, &options, &model, &err) != FFWD_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    ffwd_model_describe(model, &info);
    printf("%d inputs, %d outputs\n", (int)info.inputs, (int)info.outputs);
    ffwd_model_destroy(model);
    return 0;
}
