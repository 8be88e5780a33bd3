// SPDX-License-Identifier: MIT
// Files for tests: a scratch directory, whole files, .npy files with any header, NumPy as a judge.
#ifndef FFWD_TESTS_FILES_H
#define FFWD_TESTS_FILES_H

#include <stdbool.h>
#include <stddef.h>

/** Makes the scratch directory; once, before tests are forked. */
void files_begin(void);
/** Removes it with what it holds. */
void files_end(void);

/** The path of a file in the scratch directory; each call uses the next of eight buffers. */
const char *scratch(const char *name);

void put_file(const char *path, const void *bytes, size_t count);
/** The bytes of a file, to be freed, and a 0 after them. */
unsigned char *get_file(const char *path, size_t *count);
/** Files in the scratch directory. */
size_t count_files(void);

/**
 * The bytes of a .npy file, to be freed: the format version, the header as it is given, the data.
 */
unsigned char *make_npy(unsigned version, const char *dict, const void *data, size_t data_bytes,
                        size_t *count);

/**
 * Runs a Python script with NumPy in the scratch directory, and fails the test where it fails.
 * False where there is no NumPy, after saying so.
 */
bool run_numpy(const char *script);

#endif
