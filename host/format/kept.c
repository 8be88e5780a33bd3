// SPDX-License-Identifier: MIT
// A buffer of rows that grows for one that is longer than all of it.
#include "format/kept.h"

#include <string.h>

#include "base/memory.h"

/** The length before each row. */
#define LENGTH_BYTES (sizeof(uint32_t))

/* --------------------------------------------------------------------------------------- quotes */

static bool needs_quotes(const ffwd_csv_cell *cell) {
    const char *text = cell->text;
    size_t length = cell->length;
    return length > 0 &&
           (ffwd_csv_is_blank(text[0], ',') || ffwd_csv_is_blank(text[length - 1], ',') ||
            memchr(text, ',', length) != NULL || memchr(text, '"', length) != NULL ||
            memchr(text, '\n', length) != NULL || memchr(text, '\r', length) != NULL);
}

size_t ffwd_csv_put_cell(char *text, const ffwd_csv_cell *cell) {
    size_t used = 0;
    if (!needs_quotes(cell)) {
        memcpy(text, cell->text, cell->length);
        return cell->length;
    }
    text[used++] = '"';
    for (size_t i = 0; i < cell->length; i++) {
        if (cell->text[i] == '"' && !cell->quoted) {
            text[used++] = '"';
        }
        text[used++] = cell->text[i];
    }
    text[used++] = '"';
    return used;
}

/* ----------------------------------------------------------------------------------------- rows */

ffwd_status ffwd_kept_create(uint64_t bytes, ffwd_kept **out, ffwd_error *err) {
    uint64_t room;
    *out = NULL;
    if (!ffwd_add(bytes, LENGTH_BYTES, &room)) {
        return ffwd_fail(err, FFWD_EOVERFLOW, "kept cells of %llu bytes do not fit",
                         (unsigned long long)bytes);
    }
    ffwd_kept *kept = ffwd_alloc_zero(sizeof *kept);
    if (kept == NULL) {
        return ffwd_fail_memory(err, sizeof *kept, "kept cells");
    }
    kept->text = ffwd_alloc(room);
    if (kept->text == NULL) {
        ffwd_free(kept);
        return ffwd_fail_memory(err, room, "kept cells");
    }
    kept->bytes = bytes;
    kept->room = room;
    *out = kept;
    return FFWD_OK;
}

void ffwd_kept_destroy(ffwd_kept *kept) {
    if (kept == NULL) {
        return;
    }
    ffwd_free(kept->text);
    ffwd_free(kept);
}

void ffwd_kept_clear(ffwd_kept *kept, size_t columns) {
    kept->columns = columns;
    kept->rows = 0;
    kept->complete = 0;
    kept->used = 0;
}

bool ffwd_kept_is_full(const ffwd_kept *kept) {
    return kept->rows > 0 && kept->complete >= kept->bytes;
}

/** Makes room for `bytes` more, at least twice what there was, so that growing stays cheap. */
static ffwd_status grow(ffwd_kept *kept, uint64_t bytes, ffwd_error *err) {
    uint64_t room = ffwd_max(2 * kept->room, kept->used + bytes);
    unsigned char *text = ffwd_alloc(room);
    if (text == NULL) {
        return ffwd_fail_memory(err, room, "kept cells");
    }
    memcpy(text, kept->text, kept->used);
    ffwd_free(kept->text);
    kept->text = text;
    kept->room = room;
    return FFWD_OK;
}

static ffwd_status make_room(ffwd_kept *kept, uint64_t bytes, ffwd_error *err) {
    return bytes <= kept->room - kept->used ? FFWD_OK : grow(kept, bytes, err);
}

ffwd_status ffwd_kept_begin_row(ffwd_kept *kept, ffwd_error *err) {
    kept->used = kept->complete;
    ffwd_status status = make_room(kept, LENGTH_BYTES, err);
    kept->used += status == FFWD_OK ? LENGTH_BYTES : 0;
    return status;
}

ffwd_status ffwd_kept_add(ffwd_kept *kept, const ffwd_csv_cell *cell, ffwd_error *err) {
    ffwd_status status = make_room(kept, 2 * (uint64_t)cell->length + 3, err);
    if (status == FFWD_OK) {
        char *text = (char *)kept->text + kept->used;
        size_t written = ffwd_csv_put_cell(text, cell);
        text[written] = ',';
        kept->used += written + 1;
    }
    return status;
}

void ffwd_kept_end_row(ffwd_kept *kept) {
    uint32_t length = (uint32_t)(kept->used - kept->complete - LENGTH_BYTES);
    memcpy(kept->text + kept->complete, &length, sizeof length);
    kept->complete = kept->used;
    kept->rows++;
}

const unsigned char *ffwd_kept_row(const ffwd_kept *kept, uint64_t *offset, uint32_t *length) {
    memcpy(length, kept->text + *offset, sizeof *length);
    const unsigned char *text = kept->text + *offset + LENGTH_BYTES;
    *offset += LENGTH_BYTES + *length;
    return text;
}
