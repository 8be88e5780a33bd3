// SPDX-License-Identifier: MIT
// A buffer of rows that grows for one that is longer than all of it.
#include "format/kept.h"

#include <string.h>

#include "base/memory.h"

/** The length before each row. */
#define LENGTH_BYTES (sizeof(uint32_t))

/* --------------------------------------------------------------------------------------- quotes */

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

bool ffwd_csv_needs_quotes(const char *cell, size_t length) {
    if (length == 0) {
        return false;
    }
    return is_blank(cell[0]) || is_blank(cell[length - 1]) || memchr(cell, ',', length) != NULL ||
           memchr(cell, '"', length) != NULL || memchr(cell, '\n', length) != NULL ||
           memchr(cell, '\r', length) != NULL;
}

size_t ffwd_csv_put_cell(char *text, const char *cell, size_t length) {
    size_t used = 0;
    if (!ffwd_csv_needs_quotes(cell, length)) {
        memcpy(text, cell, length);
        return length;
    }
    text[used++] = '"';
    for (size_t i = 0; i < length; i++) {
        if (cell[i] == '"') {
            text[used++] = '"';
        }
        text[used++] = cell[i];
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
    return kept->complete >= kept->bytes;
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

ffwd_status ffwd_kept_add(ffwd_kept *kept, const char *cell, size_t length, ffwd_error *err) {
    ffwd_status status = make_room(kept, 2 * length + 3, err);
    if (status == FFWD_OK) {
        char *text = (char *)kept->text + kept->used;
        size_t written = ffwd_csv_put_cell(text, cell, length);
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
