// SPDX-License-Identifier: MIT
// Collects the cells of a table, then prints them aligned.
#include "table.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"

#define MOST_COLUMNS 16

void table_begin(table *grid, const char *align) {
    *grid = (table){.columns = strlen(align), .align = align};
}

static void append(table *grid, char *text) {
    if (grid->count == grid->capacity) {
        grid->capacity = 2 * grid->capacity + grid->columns;
        grid->cells = need_memory(grid->cells, grid->capacity * sizeof *grid->cells);
    }
    grid->cells[grid->count++] = text;
}

void table_cell(table *grid, const char *format, ...) {
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0) {
        exit(fail(EX_OSERR, "out of memory"));
    }
    va_end(arguments);
    append(grid, text);
}

void table_row(table *grid, const char *const *texts) {
    for (size_t i = 0; i < grid->columns; i++) {
        table_cell(grid, "%s", texts[i]);
    }
}

static void measure(const table *grid, int widths[MOST_COLUMNS]) {
    for (size_t i = 0; i < grid->count; i++) {
        int width = (int)strlen(grid->cells[i]);
        int *widest = &widths[i % grid->columns];
        *widest = width > *widest ? width : *widest;
    }
}

/** Blanks wait until a text follows them, so that no line ends in blanks. */
static void print_row(char *const *cells, const table *grid, const int *widths, FILE *stream) {
    int blanks = 0;
    for (size_t i = 0; i < grid->columns; i++) {
        int fill = widths[i] - (int)strlen(cells[i]);
        bool right = grid->align[i] == '>';
        blanks += 2 + (right ? fill : 0);
        if (cells[i][0] != '\0') {
            fprintf(stream, "%*s%s", blanks, "", cells[i]);
            blanks = 0;
        }
        blanks += right ? 0 : fill;
    }
    fputc('\n', stream);
}

void table_print(table *grid, FILE *stream) {
    int widths[MOST_COLUMNS] = {0};
    measure(grid, widths);
    for (size_t i = 0; i < grid->count; i += grid->columns) {
        print_row(&grid->cells[i], grid, widths, stream);
    }
    for (size_t i = 0; i < grid->count; i++) {
        free(grid->cells[i]);
    }
    free(grid->cells);
    *grid = (table){0};
}
