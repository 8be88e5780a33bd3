// SPDX-License-Identifier: MIT
// The C library's conversions, in the C locale of this thread alone.
#include "base/number.h"

#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** The longest text of a number that is read: the exact digits of most doubles. */
#define TEXT_MAX 128
/** With so many, every double reads back. */
#define DIGITS_MAX 17

/** false where the C locale cannot be had. */
static bool enter_c_locale(locale_t *c, locale_t *before) {
    *c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    *before = *c != (locale_t)0 ? uselocale(*c) : (locale_t)0;
    return *c != (locale_t)0;
}

static void leave_c_locale(locale_t c, locale_t before) {
    (void)uselocale(before);
    freelocale(c);
}

bool ffwd_number_parse(const char *text, size_t length, double *value) {
    char copy[TEXT_MAX] = "", *end = copy;
    locale_t c, before;
    double read = NAN;
    if (length == 0 || length >= sizeof copy || !enter_c_locale(&c, &before)) {
        return false;
    }
    memcpy(copy, text, length);
    if (!isspace((unsigned char)copy[0])) {
        read = strtod(copy, &end);
    }
    leave_c_locale(c, before);
    if (end != copy + length || isnan(read)) {
        return false;
    }
    *value = read;
    return true;
}

void ffwd_number_format(double value, char text[FFWD_NUMBER_MAX]) {
    locale_t c, before;
    const bool entered = enter_c_locale(&c, &before);
    for (int digits = 1; digits <= DIGITS_MAX; digits++) {
        (void)snprintf(text, FFWD_NUMBER_MAX, "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    if (entered) {
        leave_c_locale(c, before);
    }
}
