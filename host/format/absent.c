// SPDX-License-Identifier: MIT
// The part of the file component that ffwd.h promises, in a build without that component.
#include "base/error.h"

ffwd_status ffwd_model_load(const char *path, const ffwd_load_options *options, ffwd_model **out,
                            ffwd_error *err) {
    (void)options;
    *out = NULL;
    return ffwd_fail(err, FFWD_EUNSUPPORTED, "%s: this ffwd was built without the file component",
                     path);
}

ffwd_status ffwd_model_parse(const void *bytes, size_t size, const ffwd_load_options *options,
                             ffwd_model **out, ffwd_error *err) {
    (void)bytes;
    (void)size;
    (void)options;
    *out = NULL;
    return ffwd_fail(err, FFWD_EUNSUPPORTED, "this ffwd was built without the file component");
}
