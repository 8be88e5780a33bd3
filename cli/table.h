// SPDX-License-Identifier: MIT
// Tables whose columns are as wide as what stands in them.
#ifndef FFWD_CLI_TABLE_H
#define FFWD_CLI_TABLE_H

#include <stddef.h>
#include <stdio.h>

typedef struct table {
    size_t columns;
    const char *align; /**< a '<' or '>' for each column */
    char **cells;      /**< row after row */
    size_t count, capacity;
} table;

/** Starts a table: its columns' alignments, left '<' or right '>'. */
void table_begin(table *grid, const char *align);

/** Adds the next cell, from left to right, row after row. */
void table_cell(table *grid, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Adds a row of headings or other plain texts, one for each column. */
void table_row(table *grid, const char *const *texts);

/** Prints the table, two blanks before and between the columns, and ends it. */
void table_print(table *grid, FILE *stream);

#endif
