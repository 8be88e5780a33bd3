// SPDX-License-Identifier: MIT
// What is said on the command line of the columns of CSV files.
#ifndef FFWD_CLI_COLUMN_OPTIONS_H
#define FFWD_CLI_COLUMN_OPTIONS_H

#include <stdbool.h>

#include <ffwd/file.h>

typedef struct name_list {
    const char **items;
    size_t count;
} name_list;

typedef struct column_options {
    name_list columns, keep; /**< names or numbers of columns of X */
    ffwd_word *words;
    size_t word_count;
    ffwd_missing *missing;
    size_t missing_count;
    uint32_t delimiter, header; /**< as ffwd_reader_options has them */
    name_list names;            /**< of the columns of Y */
    char **texts;               /**< [text_count]: all that the others point to */
    size_t text_count;
} column_options;

/**
 * Each adds one occurrence of its option and answers false after one line that says what is wrong.
 * In lists, a \ takes the character behind it as it is: a comma in a name, a colon in a text.
 */
bool column_options_columns(const char *text, column_options *out); /**< "age,7,10-12" */
bool column_options_keep(const char *text, column_options *out);    /**< "id,name" */
bool column_options_map(const char *text, column_options *out);     /**< "Sex=male:0,female:1" */
bool column_options_missing(const char *text,
                            column_options *out);                 /**< "Age=28,Fare=0"; "0": all */
bool column_options_names(const char *text, column_options *out); /**< "benign,malignant" */
bool column_options_delimiter(const char *text, column_options *out); /**< ";", "tab" */
bool column_options_header(const char *text, column_options *out);    /**< "yes", "no", "auto" */

/** What a reader of X is asked for; it points into `given`. */
ffwd_reader_options column_options_reader(const column_options *given);

/** Whether anything is said of the columns of X. */
bool column_options_of_x(const column_options *given);

void column_options_free(column_options *given);

#endif
