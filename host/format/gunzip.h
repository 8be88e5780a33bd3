// SPDX-License-Identifier: MIT
// Takes gzip's compression off, piece by piece.
#ifndef FFWD_FORMAT_GUNZIP_H
#define FFWD_FORMAT_GUNZIP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/** The most compressed bytes that are taken at once. */
#define FFWD_GUNZIP_ROOM ((size_t)1 << 16)

typedef struct ffwd_gunzip ffwd_gunzip;

/** Whether bytes begin as a gzip file does. */
bool ffwd_gunzip_is(const unsigned char *bytes, size_t count);

/** FFWD_ENOMEM. */
ffwd_status ffwd_gunzip_create(ffwd_gunzip **out, ffwd_error *err);
void ffwd_gunzip_destroy(ffwd_gunzip *gunzip);
/** Begins anew, with nothing taken. */
void ffwd_gunzip_restart(ffwd_gunzip *gunzip);

/** Whether all that was taken is used up; and whether what was taken so far is complete. */
bool ffwd_gunzip_is_hungry(const ffwd_gunzip *gunzip);
bool ffwd_gunzip_is_complete(const ffwd_gunzip *gunzip);

/** Room for FFWD_GUNZIP_ROOM compressed bytes, and that `count` of them are there. Only when
 * hungry.
 */
unsigned char *ffwd_gunzip_room(ffwd_gunzip *gunzip);
void ffwd_gunzip_take(ffwd_gunzip *gunzip, size_t count);

/** Gives some bytes, also none, and fewer than `room` only when hungry. FFWD_EFORMAT of `name`. */
ffwd_status ffwd_gunzip_give(ffwd_gunzip *gunzip, const char *name, void *bytes, size_t room,
                             size_t *count, ffwd_error *err);

#endif
