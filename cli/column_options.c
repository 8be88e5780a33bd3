// SPDX-License-Identifier: MIT
// Parses lists of columns, of texts with their numbers, and of names.
#include "column_options.h"

#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "quantity.h"

/** Of a list; more than any table has. */
#define MOST_COLUMNS (UINT64_C(1) << 18)

static bool refuse(const char *option, const char *text, const char *wanted) {
    fail(EX_USAGE, "%s takes %s, not '%s'", option, wanted, text);
    return false;
}

/* ---------------------------------------------------------------------------------------- lists */

/** Where the text up to the first of `ends` stops, which no \ stands before. */
static const char *find_end(const char *text, const char *ends) {
    while (*text != '\0' && strchr(ends, *text) == NULL) {
        text += text[0] == '\\' && text[1] != '\0' ? 2 : 1;
    }
    return text;
}

/** Room for one more item; it doubles where it is full, at every power of two. */
static void *make_room(void *items, size_t count, size_t item_size) {
    bool full = (count & (count - 1)) == 0;
    return full ? need_memory(items, (count > 0 ? 2 * count : 1) * item_size) : items;
}

/** A copy of [text, end) without its \, which lives as long as the options. */
static const char *keep_plain(const char *text, const char *end, column_options *out) {
    char *plain = need_memory(NULL, (size_t)(end - text) + 1), *to = plain;
    while (text < end) {
        text += text[0] == '\\' && text + 1 < end ? 1 : 0;
        *to++ = *text++;
    }
    *to = '\0';
    out->texts = make_room(out->texts, out->text_count, sizeof *out->texts);
    return out->texts[out->text_count++] = plain;
}

static void append(name_list *list, const char *name) {
    list->items = make_room(list->items, list->count, sizeof *list->items);
    list->items[list->count++] = name;
}

/** "10-12": numbers of columns one after the other; [text, end) is shorter than `digits`. */
static bool parse_range(const char *text, const char *end, uint64_t *first, uint64_t *last) {
    char digits[32];
    if ((size_t)(end - text) >= sizeof digits) {
        return false;
    }
    memcpy(digits, text, (size_t)(end - text));
    digits[end - text] = '\0';
    char *dash = strchr(digits, '-');
    if (dash == NULL) {
        return false;
    }
    *dash = '\0';
    return quantity_parse(digits, 1, MOST_COLUMNS, first) &&
           quantity_parse(dash + 1, *first, MOST_COLUMNS, last);
}

static void append_range(uint64_t first, uint64_t last, column_options *out, name_list *list) {
    for (uint64_t number = first; number <= last; number++) {
        char digits[24];
        int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
        append(list, keep_plain(digits, digits + length, out));
    }
}

/** Adds the items of a list, none of which is empty. */
static bool parse_list(const char *text, bool ranges, column_options *out, name_list *list) {
    uint64_t first, last;
    for (const char *at = text;; at++) {
        const char *end = find_end(at, ",");
        if (end == at) {
            return false;
        }
        if (ranges && parse_range(at, end, &first, &last)) {
            if (list->count + (last - first) >= MOST_COLUMNS) {
                return false;
            }
            append_range(first, last, out, list);
        } else {
            append(list, keep_plain(at, end, out));
        }
        if (*end == '\0') {
            return true;
        }
        at = end;
    }
}

bool column_options_columns(const char *text, column_options *out) {
    return parse_list(text, true, out, &out->columns) ||
           refuse("--columns", text, "names or numbers such as age,7,10-12");
}

bool column_options_keep(const char *text, column_options *out) {
    return parse_list(text, true, out, &out->keep) ||
           refuse("--keep", text, "names or numbers such as id,7");
}

bool column_options_names(const char *text, column_options *out) {
    return parse_list(text, false, out, &out->names) ||
           refuse("--names", text, "names such as benign,malignant");
}

/* ------------------------------------------------------------------------- texts with a number */

/** A number up to `end`, in the C locale, where the command runs. */
static bool parse_number(const char *text, const char *end, double *value) {
    char *stop;
    *value = strtod(text, &stop);
    return stop == end && stop > text && *text != ' ' && *text != '\t';
}

static bool parse_word(const char *column, const char **at, column_options *out) {
    const char *text = *at, *colon = find_end(text, ":"), *end = find_end(colon, ",");
    double value;
    if (*colon == '\0' || !parse_number(colon + 1, end, &value)) {
        return false;
    }
    out->words = make_room(out->words, out->word_count, sizeof *out->words);
    out->words[out->word_count++] = (ffwd_word){column, keep_plain(text, colon, out), value};
    *at = end;
    return true;
}

bool column_options_map(const char *text, column_options *out) {
    const char *at = find_end(text, "=");
    const char *column = keep_plain(text, at, out);
    bool taken = at > text && *at == '=';
    while (taken && *at != '\0') {
        at++;
        taken = parse_word(column, &at, out);
    }
    return taken ||
           refuse("--map", text, "a column, its texts and their numbers as in Sex=male:0,female:1");
}

static void append_missing(const char *column, double value, column_options *out) {
    out->missing = make_room(out->missing, out->missing_count, sizeof *out->missing);
    out->missing[out->missing_count++] = (ffwd_missing){column, value};
}

static bool parse_missing(const char *text, column_options *out) {
    double value;
    if (parse_number(text, text + strlen(text), &value)) {
        append_missing("*", value, out);
        return true;
    }
    for (const char *at = text;; at++) {
        const char *name_end = find_end(at, "="), *end = find_end(name_end, ",");
        if (name_end == at || *name_end == '\0' || !parse_number(name_end + 1, end, &value)) {
            return false;
        }
        append_missing(keep_plain(at, name_end, out), value, out);
        if (*end == '\0') {
            return true;
        }
        at = end;
    }
}

bool column_options_missing(const char *text, column_options *out) {
    return parse_missing(text, out) ||
           refuse("--missing", text, "a number for all columns, or numbers as in Age=28,Fare=0");
}

/* ---------------------------------------------------------------------------------------- words */

bool column_options_delimiter(const char *text, column_options *out) {
    if (strcmp(text, "tab") == 0 || strcmp(text, "\\t") == 0) {
        text = "\t";
    }
    out->delimiter = (unsigned char)text[0];
    return (text[0] != '\0' && text[1] == '\0') ||
           refuse("--delimiter", text, "one character, or tab");
}

bool column_options_header(const char *text, column_options *out) {
    static const char *const names[] = {
        [FFWD_HEADER_AUTO] = "auto", [FFWD_HEADER_YES] = "yes", [FFWD_HEADER_NO] = "no"};
    for (out->header = FFWD_HEADER_AUTO; out->header <= FFWD_HEADER_NO; out->header++) {
        if (strcmp(text, names[out->header]) == 0) {
            return true;
        }
    }
    return refuse("--header", text, "yes, no or auto");
}

/* ------------------------------------------------------------------------------------------ use */

ffwd_reader_options column_options_reader(const column_options *given) {
    ffwd_reader_options out = FFWD_READER_OPTIONS_INIT;
    out.delimiter = given->delimiter;
    out.header = given->header;
    out.columns = given->columns.items;
    out.column_count = given->columns.count;
    out.keep = given->keep.items;
    out.keep_count = given->keep.count;
    out.words = given->words;
    out.word_count = given->word_count;
    out.missing = given->missing;
    out.missing_count = given->missing_count;
    return out;
}

bool column_options_of_x(const column_options *given) {
    return given->delimiter != 0 || given->header != FFWD_HEADER_AUTO ||
           given->columns.count + given->keep.count + given->word_count + given->missing_count > 0;
}

void column_options_free(column_options *given) {
    for (size_t i = 0; i < given->text_count; i++) {
        free(given->texts[i]);
    }
    free(given->texts);
    free(given->columns.items);
    free(given->keep.items);
    free(given->names.items);
    free(given->words);
    free(given->missing);
    *given = (column_options){0};
}
