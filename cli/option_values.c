// SPDX-License-Identifier: MIT
// Checks the values of options before any work is done.
#include "option_values.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "failure.h"
#include "quantity.h"

static bool refuse(const char *name, const char *text, const char *wanted) {
    fail(EX_USAGE, "%s takes %s, not '%s'", name, wanted, text);
    return false;
}

bool option_number(const char *name, const char *text, uint64_t least, uint64_t most,
                   uint64_t *value) {
    char wanted[64];
    (void)snprintf(wanted, sizeof wanted, "a whole number from %" PRIu64 " to %" PRIu64, least,
                   most);
    return quantity_parse(text, least, most, value) || refuse(name, text, wanted);
}

bool option_memory(const char *text, uint64_t *bytes) {
    if (!quantity_parse_bytes(text, bytes)) {
        return refuse("--memory", text, "bytes such as 65536, 64K, 64M or 1G");
    }
    *bytes = *bytes > 0 ? *bytes : 1;
    return true;
}

bool option_threads(const char *text, uint64_t most, uint32_t *threads) {
    uint64_t value;
    if (!option_number("--threads", text, 1, most, &value)) {
        return false;
    }
    *threads = (uint32_t)value;
    return true;
}

bool option_dtype(const char *name, const char *text, const char *known, uint32_t last,
                  uint32_t *dtype) {
    for (*dtype = FFWD_F32; *dtype <= last; ++*dtype) {
        if (strcmp(text, ffwd_dtype_name(*dtype)) == 0) {
            return true;
        }
    }
    return refuse(name, text, known);
}

bool option_strategy(const char *text, uint32_t *strategy) {
    ffwd_error err = FFWD_ERROR_INIT;
    if (ffwd_strategy_parse(text, strategy, &err) != FFWD_OK) {
        fail(EX_USAGE, "--strategy: %s", err.message);
        return false;
    }
    return true;
}

bool option_report(const char *text, report_form *form) {
    static const char *const names[] = {[REPORT_TEXT] = "text", "json", "none"};
    for (*form = REPORT_TEXT; *form <= REPORT_NONE; ++*form) {
        if (strcmp(text, names[*form]) == 0) {
            return true;
        }
    }
    return refuse("--report", text, "text, json or none");
}

bool option_tolerance(const char *text, tolerance *allowed) {
    return tolerance_parse(text, allowed) ||
           refuse("--tol", text, "a tolerance such as 4ulp, 1e-5 or 1e-5,1e-4");
}

bool option_file(const char *name, const char *text, const char **path) {
    *path = text;
    return !options_is_stdout(text) || refuse(name, text, "a file");
}

bool option_layers(const char *text, const char **path) {
    static const char ending[] = ".npz";
    size_t length = strlen(text), tail = strlen(ending);
    *path = text;
    return (length > tail && strcasecmp(text + length - tail, ending) == 0) ||
           refuse("--layers", text, "a name that ends in .npz");
}
