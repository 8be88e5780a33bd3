// SPDX-License-Identifier: MIT
// A folder of values that took long to make and can be made again, such as compiled programs: found
// by a text, the key, that says all that they were made from. Whatever is wrong with the folder or
// a file in it, a value is only made again: nothing here fails.
//
//   file    <16 hexadecimal digits of the key's FNV-1a>.ffwd: a head with lengths and a checksum,
//           the key, the value. Another key of the same name only takes its place.
//   trust   the folder and its files belong to the user, nobody else may write them, neither is a
//           link; what is shorter, longer, changed, or of another key is not handed out
//   room    at most FFWD_STORE_BYTES: what was used last the longest ago goes first
//   writing beside the name, then renamed: any number of processes may share a folder
#ifndef FFWD_BASE_STORE_H
#define FFWD_BASE_STORE_H

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Of all files together; one alone takes a quarter at most. */
#define FFWD_STORE_BYTES (UINT64_C(64) << 20)

/** How often values were found, and how often not: `spoilt` counts those misses where something was
 *  there that could not be used. */
typedef struct ffwd_store_tally {
    uint32_t hits, misses, spoilt;
} ffwd_store_tally;

/** Used by any number of threads. */
typedef struct ffwd_store {
    char folder[PATH_MAX]; /**< "": nothing is kept */
    pthread_mutex_t mutex;
    ffwd_store_tally tally;
    char note[256]; /**< the first reason why something was not kept, or "" */
} ffwd_store;

/**
 * A store in a folder, which is made when the first value is kept. NULL or "" means $FFWD_CACHE,
 * without that $XDG_CACHE_HOME/ffwd, without that $HOME/.cache/ffwd; "off" keeps nothing.
 */
void ffwd_store_init(ffwd_store *store, const char *folder);
void ffwd_store_finish(ffwd_store *store);

/** A copy of the value of a key, for ffwd_free; NULL, and a miss, where there is none. */
void *ffwd_store_find(ffwd_store *store, const char *key, size_t *bytes);

/** The value of a key, where it has just these bytes: false, and the value left alone, where there
 *  is none such. */
bool ffwd_store_take(ffwd_store *store, const char *key, void *value, size_t bytes);

/** A value that was found is of no use after all: the hit was a miss, and the file goes. */
void ffwd_store_spoil(ffwd_store *store, const char *key);

/** Keeps a value for later processes, as far as that is possible. */
void ffwd_store_keep(ffwd_store *store, const char *key, const void *value, size_t bytes);

ffwd_store_tally ffwd_store_count(ffwd_store *store);

/** The note, which stays once there is one. */
const char *ffwd_store_note(ffwd_store *store);

#endif
