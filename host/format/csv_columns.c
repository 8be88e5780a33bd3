// SPDX-License-Identifier: MIT
// Names are found in the header; a selector that is none is a number.
#include "format/csv_columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

/** Room for "x" and a number. */
#define NUMBERED_MAX 24

bool ffwd_csv_is_missing(const ffwd_csv_cell *cell) {
    static const char *const texts[] = {"NA", "N/A", "#N/A", "<NA>", "NULL", "None", "?"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (strlen(texts[i]) == cell->length &&
            strncasecmp(texts[i], cell->text, cell->length) == 0) {
            return true;
        }
    }
    return cell->length == 0;
}

bool ffwd_csv_column_number(const char *text, size_t *index) {
    size_t number = 0;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at < '0' || *at > '9' || number > FFWD_CSV_COLUMNS_MAX) {
            return false;
        }
        number = number * 10 + (size_t)(*at - '0');
    }
    *index = number - 1;
    return number > 0;
}

/* ---------------------------------------------------------------------------------------- names */

/** Where the next text goes. */
typedef struct arena {
    char *at;
} arena;

/** What an arena needs for the cells of a record, and for names that stand for empty ones. */
static uint64_t name_bytes(size_t count, const char *record, const char *end) {
    return (uint64_t)(end - record) + (uint64_t)count * NUMBERED_MAX;
}

static const char *put_name(arena *texts, const ffwd_csv_cell *cell, size_t index) {
    char *name = texts->at;
    size_t length = ffwd_csv_decode(cell, name);
    if (length == 0) {
        length = (size_t)snprintf(name, NUMBERED_MAX, "x%zu", index + 1);
    }
    name[length] = '\0';
    texts->at = name + length + 1;
    return name;
}

static void fill_names(ffwd_csv_columns *columns, arena *texts, const char *record, const char *end,
                       char delimiter) {
    for (size_t i = 0; i < columns->count; i++) {
        ffwd_csv_cell cell;
        const char *stop = ffwd_csv_take_cell(record, end, delimiter, &cell);
        cell = columns->named ? ffwd_csv_trim(cell, delimiter) : (ffwd_csv_cell){0};
        columns->all[i] =
            (ffwd_csv_column){.name = put_name(texts, &cell, i), .value = -1, .kept = -1};
        record = stop + 1;
    }
}

static const char *get_name(const void *columns, size_t index) {
    return ((const ffwd_csv_column *)columns)[index].name;
}

static ffwd_status refuse_name(const ffwd_csv_columns *columns, const char *file, const char *name,
                               ffwd_error *err) {
    char list[FFWD_CSV_LISTED], shown[FFWD_CSV_SHOWN];
    ffwd_csv_list(get_name, columns->all, columns->count, list);
    return ffwd_fail(err, FFWD_EARGUMENT, "%s: no column '%s'; there are %zu%s: %s", file,
                     ffwd_csv_show_text(name, shown), columns->count,
                     columns->named ? "" : ", without names", list);
}

/** The next column of a name from *index on. */
static bool find_name(const ffwd_csv_columns *columns, const char *name, size_t *index) {
    while (*index < columns->count && strcmp(columns->all[*index].name, name) != 0) {
        ++*index;
    }
    return *index < columns->count;
}

/** The column of a name or a number. */
static ffwd_status find_column(const ffwd_csv_columns *columns, const char *file, const char *name,
                               size_t *index, ffwd_error *err) {
    char shown[FFWD_CSV_SHOWN];
    *index = 0;
    if (find_name(columns, name, index)) {
        size_t other = *index + 1;
        return !find_name(columns, name, &other)
                   ? FFWD_OK
                   : ffwd_fail(err, FFWD_EARGUMENT,
                               "%s: columns %zu and %zu are both called '%s'; a number tells which",
                               file, *index + 1, other + 1, ffwd_csv_show_text(name, shown));
    }
    if (ffwd_csv_column_number(name, index) && *index < columns->count) {
        return FFWD_OK;
    }
    return refuse_name(columns, file, name, err);
}

/* ------------------------------------------------------------------------------------- choosing */

static ffwd_status refuse_twice(const char *file, const char *column, const char *what,
                                ffwd_error *err) {
    char shown[FFWD_CSV_SHOWN];
    return ffwd_fail(err, FFWD_EARGUMENT, "%s: column '%s' is %s twice", file,
                     ffwd_csv_show_text(column, shown), what);
}

static ffwd_status choose_values(const ffwd_reader_options *options, const char *file,
                                 ffwd_csv_columns *columns, ffwd_error *err) {
    ffwd_status status = FFWD_OK;
    for (size_t i = 0; i < options->column_count; i++) {
        size_t index;
        FFWD_TRY(status, find_column(columns, file, options->columns[i], &index, err));
        if (columns->all[index].value >= 0) {
            return refuse_twice(file, options->columns[i], "chosen", err);
        }
        columns->all[index].value = (int32_t)columns->value_count;
        columns->values[columns->value_count++] = (uint32_t)index;
    }

cleanup:
    return status;
}

static ffwd_status choose_kept(const ffwd_reader_options *options, const char *file,
                               ffwd_csv_columns *columns, ffwd_error *err) {
    ffwd_status status = FFWD_OK;
    for (size_t i = 0; i < options->keep_count; i++) {
        size_t index;
        FFWD_TRY(status, find_column(columns, file, options->keep[i], &index, err));
        if (columns->all[index].kept >= 0) {
            return refuse_twice(file, options->keep[i], "kept", err);
        }
        columns->all[index].kept = (int32_t)columns->kept_count;
        columns->kept[columns->kept_count++] = (uint32_t)index;
    }

cleanup:
    return status;
}

/** All that are not kept. */
static void choose_rest(ffwd_csv_columns *columns) {
    for (size_t i = 0; i < columns->count; i++) {
        if (columns->all[i].kept < 0) {
            columns->all[i].value = (int32_t)columns->value_count;
            columns->values[columns->value_count++] = (uint32_t)i;
        }
    }
}

/* ---------------------------------------------------------------------------- words and missing */

/** Where the words of each column begin, once it is known how many it has. */
static void spread_words(ffwd_csv_columns *columns) {
    const ffwd_csv_word *next = columns->words;
    for (size_t i = 0; i < columns->count; i++) {
        columns->all[i].words = next;
        next += columns->all[i].word_count;
        columns->all[i].word_count = 0;
    }
}

static ffwd_status add_word(ffwd_csv_columns *columns, const char *file, ffwd_csv_column *column,
                            const ffwd_word *word, arena *texts, ffwd_error *err) {
    ffwd_csv_word *words = columns->words + (column->words - columns->words);
    size_t size = strlen(word->text) + 1;
    char text[FFWD_CSV_SHOWN], name[FFWD_CSV_SHOWN];
    for (size_t i = 0; i < column->word_count; i++) {
        if (strcmp(words[i].text, word->text) == 0) {
            return ffwd_fail(err, FFWD_EARGUMENT, "%s: '%s' of column '%s' is mapped twice", file,
                             ffwd_csv_show_text(word->text, text),
                             ffwd_csv_show_text(column->name, name));
        }
    }
    memcpy(texts->at, word->text, size);
    words[column->word_count++] = (ffwd_csv_word){texts->at, word->value};
    texts->at += size;
    return FFWD_OK;
}

/** `owners` has room for the column of each word. */
static ffwd_status place_words(const ffwd_reader_options *options, const char *file,
                               ffwd_csv_columns *columns, size_t *owners, arena *texts,
                               ffwd_error *err) {
    ffwd_status status = FFWD_OK;
    for (size_t i = 0; i < options->word_count; i++) {
        FFWD_TRY(status, find_column(columns, file, options->words[i].column, &owners[i], err));
        columns->all[owners[i]].word_count++;
    }
    spread_words(columns);
    for (size_t i = 0; i < options->word_count; i++) {
        FFWD_TRY(status,
                 add_word(columns, file, &columns->all[owners[i]], &options->words[i], texts, err));
    }

cleanup:
    return status;
}

static ffwd_status set_words(const ffwd_reader_options *options, const char *file,
                             ffwd_csv_columns *columns, arena *texts, ffwd_error *err) {
    uint64_t bytes = options->word_count * sizeof(size_t);
    if (options->word_count == 0) {
        return FFWD_OK;
    }
    size_t *owners = ffwd_alloc(bytes);
    if (owners == NULL) {
        return ffwd_fail_memory(err, bytes, "words of columns");
    }
    ffwd_status status = place_words(options, file, columns, owners, texts, err);
    ffwd_free(owners);
    return status;
}

static bool is_for_all(const ffwd_missing *missing) {
    return strcmp(missing->column, "*") == 0;
}

/** First what is for all columns, so that a column's own number replaces it. */
static ffwd_status set_missing(const ffwd_reader_options *options, const char *file,
                               ffwd_csv_columns *columns, ffwd_error *err) {
    ffwd_status status = FFWD_OK;
    for (size_t i = 0; i < options->missing_count; i++) {
        for (size_t k = 0; is_for_all(&options->missing[i]) && k < columns->count; k++) {
            columns->all[k].fills = true;
            columns->all[k].missing = options->missing[i].value;
        }
    }
    for (size_t i = 0; i < options->missing_count; i++) {
        size_t index;
        if (!is_for_all(&options->missing[i])) {
            FFWD_TRY(status, find_column(columns, file, options->missing[i].column, &index, err));
            columns->all[index].fills = true;
            columns->all[index].missing = options->missing[i].value;
        }
    }

cleanup:
    return status;
}

/* --------------------------------------------------------------------------------------- memory */

static uint64_t word_bytes(const ffwd_reader_options *options) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < options->word_count; i++) {
        bytes += strlen(options->words[i].text) + 1;
    }
    return bytes;
}

static ffwd_status reserve(const ffwd_reader_options *options, uint64_t text_bytes,
                           ffwd_csv_columns *out, ffwd_error *err) {
    uint64_t bytes = out->count * sizeof *out->all;
    out->all = ffwd_alloc(bytes);
    out->values = ffwd_alloc(out->count * sizeof *out->values);
    out->kept = ffwd_alloc(out->count * sizeof *out->kept);
    out->words = ffwd_alloc((options->word_count + 1) * sizeof *out->words);
    out->text = ffwd_alloc(text_bytes);
    return out->all != NULL && out->values != NULL && out->kept != NULL && out->words != NULL &&
                   out->text != NULL
               ? FFWD_OK
               : ffwd_fail_memory(err, bytes + text_bytes, "the columns of a CSV file");
}

ffwd_status ffwd_csv_columns_create(const ffwd_reader_options *options, const char *file,
                                    const char *record, const char *end, char delimiter, bool named,
                                    ffwd_csv_columns *out, ffwd_error *err) {
    ffwd_status status;
    *out = (ffwd_csv_columns){.named = named};
    out->count = ffwd_csv_count_cells(record, end, delimiter);
    if (out->count > FFWD_CSV_COLUMNS_MAX) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED, "%s: %zu columns; %zu can be read", file,
                         out->count, FFWD_CSV_COLUMNS_MAX);
    }
    FFWD_TRY(status,
             reserve(options, name_bytes(out->count, record, end) + word_bytes(options), out, err));
    arena texts = {out->text};
    fill_names(out, &texts, record, end, delimiter);
    FFWD_TRY(status, choose_kept(options, file, out, err));
    if (options->column_count > 0) {
        FFWD_TRY(status, choose_values(options, file, out, err));
    } else {
        choose_rest(out);
    }
    FFWD_TRY(status, set_words(options, file, out, &texts, err));
    FFWD_TRY(status, set_missing(options, file, out, err));
    return FFWD_OK;

cleanup:
    ffwd_csv_columns_destroy(out);
    return status;
}

void ffwd_csv_columns_destroy(ffwd_csv_columns *columns) {
    ffwd_free(columns->all);
    ffwd_free(columns->values);
    ffwd_free(columns->kept);
    ffwd_free(columns->words);
    ffwd_free(columns->text);
    *columns = (ffwd_csv_columns){0};
}
