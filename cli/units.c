// SPDX-License-Identifier: MIT
// Formatting of counts, times, rates and sizes.
#include "units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

label units_count(uint64_t count) {
    char digits[24];
    label out;
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
    size_t used = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            out.text[used++] = ',';
        }
        out.text[used++] = digits[i];
    }
    out.text[used] = '\0';
    return out;
}

/** Decimals that show three digits. */
static int decimals(double value) {
    double size = fabs(value);
    return size < 9.995 ? 2 : size < 99.95 ? 1 : 0;
}

label units_number(double value) {
    label out;
    if (isnan(value)) {
        return (label){"-"};
    }
    if (fabs(value) < 0.9995) {
        snprintf(out.text, sizeof out.text, "%.3g", value);
    } else {
        snprintf(out.text, sizeof out.text, "%.*f", decimals(value), value);
    }
    return out;
}

/** The value in the largest unit in which it is at least 1; names come largest first. */
static label scaled(double value, double step, double smallest, const char *const *names,
                    size_t count, const char *tail) {
    label out;
    double unit = smallest * pow(step, (double)(count - 1));
    size_t i = 0;
    for (; i + 1 < count && fabs(value) < 0.9995 * unit; i++) {
        unit /= step;
    }
    /* Numbers past all reason lose digits, not their unit. */
    snprintf(out.text, sizeof out.text, "%.24s %s%s", units_number(value / unit).text, names[i],
             tail);
    return out;
}

label units_bytes(uint64_t bytes) {
    static const char *const names[] = {"TiB", "GiB", "MiB", "KiB"};
    label out;
    if (bytes < 1024) {
        snprintf(out.text, sizeof out.text, "%llu B", (unsigned long long)bytes);
        return out;
    }
    return scaled((double)bytes, 1024.0, 1024.0, names, 4, "");
}

label units_time(double ms) {
    static const char *const names[] = {"s", "ms", "us", "ns"};
    return ms > 0.0 ? scaled(ms, 1000.0, 1e-6, names, 4, "") : (label){"0 ms"};
}

label units_rate(double rate, const char *unit) {
    static const char *const names[] = {"T", "G", "M", "k", ""};
    if (isnan(rate)) {
        return (label){"-"};
    }
    label out = scaled(rate, 1000.0, 1.0, names, 5, unit);
    char *twice = strstr(out.text, "  "); // no prefix before a unit with a blank of its own
    if (twice != NULL) {
        memmove(twice, twice + 1, strlen(twice));
    }
    return out;
}

label units_percent(double share) {
    label out;
    double percent = 100.0 * share;
    if (isnan(share)) {
        return (label){"-"};
    }
    snprintf(out.text, sizeof out.text, percent < 9.95 ? "%.3g %%" : "%.1f %%", percent);
    return out;
}

label units_layers(uint64_t first, uint64_t count) {
    label out;
    unsigned long long last = (unsigned long long)(first + count - 1);
    if (count == 0) {
        snprintf(out.text, sizeof out.text, "-");
    } else if (count > 1) {
        snprintf(out.text, sizeof out.text, "%llu-%llu", (unsigned long long)first, last);
    } else {
        snprintf(out.text, sizeof out.text, "%llu", last);
    }
    return out;
}
