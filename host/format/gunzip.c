// SPDX-License-Identifier: MIT
// zlib's inflate over one input buffer. A gzip file is one member after another; what stands behind
// the last must be zeros, as on tapes.
#include "format/gunzip.h"

#include <string.h>
#include <zlib.h>

#include "base/memory.h"

/** zlib's largest window, and gzip's header. */
#define GZIP_WINDOW (15 + 16)

struct ffwd_gunzip {
    z_stream stream;
    bool between; /**< members: the last one is complete */
    unsigned char input[FFWD_GUNZIP_ROOM];
};

bool ffwd_gunzip_is(const unsigned char *bytes, size_t count) {
    return count >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

static void *allocate(void *user, unsigned items, unsigned size) {
    uint64_t bytes = (uint64_t)items * size;
    (void)user;
    return ffwd_alloc(bytes);
}

static void release(void *user, void *block) {
    (void)user;
    ffwd_free(block);
}

ffwd_status ffwd_gunzip_create(ffwd_gunzip **out, ffwd_error *err) {
    ffwd_gunzip *gunzip = ffwd_alloc_zero(sizeof *gunzip);
    if (gunzip != NULL) {
        gunzip->stream.zalloc = allocate;
        gunzip->stream.zfree = release;
    }
    if (gunzip == NULL || inflateInit2(&gunzip->stream, GZIP_WINDOW) != Z_OK) {
        ffwd_free(gunzip);
        return ffwd_fail_memory(err, sizeof *gunzip, "decompression");
    }
    gunzip->stream.next_in = gunzip->input;
    *out = gunzip;
    return FFWD_OK;
}

void ffwd_gunzip_destroy(ffwd_gunzip *gunzip) {
    if (gunzip != NULL) {
        (void)inflateEnd(&gunzip->stream);
        ffwd_free(gunzip);
    }
}

void ffwd_gunzip_restart(ffwd_gunzip *gunzip) {
    (void)inflateReset(&gunzip->stream);
    gunzip->stream.avail_in = 0;
    gunzip->between = false;
}

bool ffwd_gunzip_is_hungry(const ffwd_gunzip *gunzip) {
    return gunzip->stream.avail_in == 0;
}

bool ffwd_gunzip_is_complete(const ffwd_gunzip *gunzip) {
    return gunzip->between;
}

unsigned char *ffwd_gunzip_room(ffwd_gunzip *gunzip) {
    return gunzip->input;
}

void ffwd_gunzip_take(ffwd_gunzip *gunzip, size_t count) {
    gunzip->stream.next_in = gunzip->input;
    gunzip->stream.avail_in = (uInt)count;
}

static void skip_zeros(z_stream *stream) {
    while (stream->avail_in > 0 && *stream->next_in == 0) {
        stream->next_in++;
        stream->avail_in--;
    }
}

/** Goes on with the next member, if there is one. */
static void begin_member(ffwd_gunzip *gunzip) {
    skip_zeros(&gunzip->stream);
    if (gunzip->stream.avail_in > 0) {
        (void)inflateReset(&gunzip->stream);
        gunzip->between = false;
    }
}

ffwd_status ffwd_gunzip_give(ffwd_gunzip *gunzip, const char *name, void *bytes, size_t room,
                             size_t *count, ffwd_error *err) {
    z_stream *stream = &gunzip->stream;
    const uInt most = room < UINT32_MAX ? (uInt)room : UINT32_MAX;
    int result = Z_OK;
    stream->next_out = bytes;
    stream->avail_out = most;
    while (result == Z_OK && stream->avail_out > 0) {
        if (gunzip->between) {
            begin_member(gunzip);
        }
        if (gunzip->between) {
            break;
        }
        result = inflate(stream, Z_NO_FLUSH); // without input, too: it may hold back output
        if (result == Z_STREAM_END) {
            gunzip->between = true;
            result = Z_OK;
        }
    }
    *count = most - stream->avail_out;
    if (result == Z_MEM_ERROR) {
        return ffwd_fail_memory(err, 0, "decompression");
    }
    // With nothing left to take, zlib says that its buffers are at fault.
    if (result != Z_OK && result != Z_BUF_ERROR) {
        return ffwd_fail(err, FFWD_EFORMAT, "%s: the compressed data are damaged: %s", name,
                         stream->msg != NULL ? stream->msg : zError(result));
    }
    return FFWD_OK;
}
