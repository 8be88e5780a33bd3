// SPDX-License-Identifier: MIT
// The .npy header: eight magic bytes, a length, and a Python dict literal of three keys.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#include "format/npy_header.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

#define MAGIC       "\x93NUMPY"
#define MAGIC_BYTES 6

/** A place in the dict literal. */
typedef struct parser {
    const unsigned char *start, *at, *end; /**< start: of the file */
    ffwd_error *err;
} parser;

/** A quoted string of the literal. */
typedef struct text {
    const char *chars;
    size_t length;
} text;

bool ffwd_npy_begins(const void *bytes, size_t count) {
    return count >= MAGIC_BYTES && memcmp(bytes, MAGIC, MAGIC_BYTES) == 0;
}

static ffwd_status malformed(const parser *p, const char *expected) {
    uint64_t offset = (uint64_t)(p->at - p->start);
    (void)ffwd_fail(p->err, FFWD_EFORMAT, "the header is malformed: %s expected at byte %llu",
                    expected, (unsigned long long)offset);
    if (p->err != NULL) {
        p->err->offset = offset;
    }
    return FFWD_EFORMAT;
}

/* ------------------------------------------------------------------------------------- literals */

// Not <ctype.h>, which answers by the caller's locale.
static bool is_digit(unsigned char c) {
    return c >= '0' && c <= '9';
}

static bool is_space(unsigned char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_printable(unsigned char c) {
    return c >= ' ' && c <= '~';
}

/** The next character that is not white space, or -1 at the end. */
static int peek(parser *p) {
    while (p->at < p->end && is_space(*p->at)) {
        p->at++;
    }
    return p->at < p->end ? *p->at : -1;
}

static bool accept(parser *p, char wanted) {
    if (peek(p) != wanted) {
        return false;
    }
    p->at++;
    return true;
}

/** A comma, or the closing bracket that may stand in its place and is left there. */
static bool accept_comma(parser *p, char closing) {
    return accept(p, ',') || peek(p) == closing;
}

static ffwd_status parse_text(parser *p, text *value) {
    int quote = peek(p);
    if (quote != '\'' && quote != '"') {
        return malformed(p, "a quoted string");
    }
    const unsigned char *first = ++p->at;
    while (p->at < p->end && *p->at != quote) {
        if (!is_printable(*p->at) || *p->at == '\\') {
            return malformed(p, "a printable character");
        }
        p->at++;
    }
    if (p->at == p->end) {
        return malformed(p, "the end of a quoted string");
    }
    *value = (text){(const char *)first, (size_t)(p->at - first)};
    p->at++;
    return FFWD_OK;
}

static bool text_is(text value, const char *word) {
    return value.length == strlen(word) && memcmp(value.chars, word, value.length) == 0;
}

static bool accept_word(parser *p, const char *word) {
    size_t length = strlen(word);
    (void)peek(p);
    if ((size_t)(p->end - p->at) < length || memcmp(p->at, word, length) != 0) {
        return false;
    }
    p->at += length;
    return true;
}

static ffwd_status parse_bool(parser *p, bool *value) {
    *value = accept_word(p, "True");
    return *value || accept_word(p, "False") ? FFWD_OK : malformed(p, "True or False");
}

static bool append_digit(uint64_t *value, unsigned char digit) {
    return ffwd_multiply(*value, 10, value) && ffwd_add(*value, (uint64_t)(digit - '0'), value);
}

/** A number, perhaps with the L of Python 2. */
static ffwd_status parse_number(parser *p, uint64_t *value) {
    int first = peek(p);
    if (first < 0 || !is_digit((unsigned char)first)) {
        return malformed(p, "a number");
    }
    *value = 0;
    for (; p->at < p->end && is_digit(*p->at); p->at++) {
        if (!append_digit(value, *p->at)) {
            return malformed(p, "a number below 2^64");
        }
    }
    if (p->at < p->end && *p->at == 'L') {
        p->at++;
    }
    return FFWD_OK;
}

/* ----------------------------------------------------------------------------------------- keys */

static ffwd_status refuse_type(const char *descr, const char *what, ffwd_error *err) {
    return ffwd_fail(err, FFWD_EUNSUPPORTED,
                     "values of type '%s' (%s) cannot be read; bool, integers, float16, float32 "
                     "and float64 can",
                     descr, what);
}

static const char *describe_foreign(char letter) {
    switch (letter) {
    case 'c':
        return "complex numbers";
    case 'f':
        return "long double";
    case 'm':
    case 'M':
        return "dates and times";
    case 'O':
        return "Python objects";
    case 'S':
    case 'a':
    case 'U':
        return "text";
    case 'V':
        return "structured";
    default:
        return "unknown";
    }
}

/** Whether elements of `size` (the number in the descr) are known; their bytes. */
static bool resolve_size(char letter, uint64_t size, uint64_t *bytes) {
    *bytes = size;
    switch (letter) {
    case FFWD_NPY_BOOL:
        return size == 1;
    case FFWD_NPY_SIGNED:
    case FFWD_NPY_UNSIGNED:
        return size == 1 || size == 2 || size == 4 || size == 8;
    case FFWD_NPY_FLOAT:
        return size == 2 || size == 4 || size == 8;
    case FFWD_NPY_BYTES:
        return true;
    case FFWD_NPY_UNICODE:
        return ffwd_multiply(size, 4, bytes);
    default:
        return false;
    }
}

/** The number after the letter of a descr. */
static bool parse_size(const char *digits, uint64_t *size) {
    *size = 0;
    for (; is_digit((unsigned char)*digits); digits++) {
        if (!append_digit(size, (unsigned char)*digits)) {
            return false;
        }
    }
    return *digits == 0;
}

static ffwd_status resolve_type(ffwd_npy_type *type, ffwd_error *err) {
    const char *at = strcmp(type->descr, "?") == 0 ? "b1" : type->descr;
    char order = strchr("<>=|", *at) != NULL && *at != 0 ? *at++ : '=';
    char letter = *at;
    uint64_t size;
    if (letter == 0 || !parse_size(at + 1, &size) || !resolve_size(letter, size, &type->bytes)) {
        return refuse_type(type->descr, describe_foreign(letter), err);
    }
    type->kind = (ffwd_npy_kind)letter;
    type->swapped = (order == '<' || order == '>') && order != FFWD_NPY_NATIVE;
    return FFWD_OK;
}

static ffwd_status parse_descr(parser *p, ffwd_npy_type *type) {
    text value;
    ffwd_status status;
    int first = peek(p);
    if (first == '[' || first == '(') {
        return refuse_type("[...]", "structured", p->err);
    }
    FFWD_TRY(status, parse_text(p, &value));
    if (value.length >= sizeof type->descr) {
        p->at = (const unsigned char *)value.chars;
        return malformed(p, "a short type");
    }
    memcpy(type->descr, value.chars, value.length);
    type->descr[value.length] = 0;
    status = resolve_type(type, p->err);

cleanup:
    return status;
}

static ffwd_status parse_shape(parser *p, ffwd_npy_header *header) {
    ffwd_status status = FFWD_OK;
    if (!accept(p, '(')) {
        return malformed(p, "'('");
    }
    header->axes = 0;
    while (!accept(p, ')')) {
        if (header->axes == FFWD_NPY_AXES) {
            return malformed(p, "')' after 64 axes");
        }
        FFWD_TRY(status, parse_number(p, &header->shape[header->axes]));
        header->axes++;
        if (!accept_comma(p, ')')) {
            return malformed(p, "',' or ')'");
        }
    }

cleanup:
    return status;
}

enum { KEY_DESCR = 1, KEY_FORTRAN = 2, KEY_SHAPE = 4 };

static unsigned key_of(text key) {
    return text_is(key, "descr")           ? KEY_DESCR
           : text_is(key, "fortran_order") ? KEY_FORTRAN
           : text_is(key, "shape")         ? KEY_SHAPE
                                           : 0;
}

static ffwd_status parse_item(parser *p, unsigned *seen, ffwd_npy_header *header) {
    text word;
    ffwd_status status;
    FFWD_TRY(status, parse_text(p, &word));
    unsigned key = key_of(word);
    if (key == 0 || (*seen & key) != 0) {
        p->at = (const unsigned char *)word.chars;
        return malformed(p, "one each of 'descr', 'fortran_order' and 'shape'");
    }
    *seen |= key;
    if (!accept(p, ':')) {
        return malformed(p, "':'");
    }
    status = key == KEY_DESCR     ? parse_descr(p, &header->type)
             : key == KEY_FORTRAN ? parse_bool(p, &header->fortran)
                                  : parse_shape(p, header);

cleanup:
    return status;
}

static ffwd_status parse_dict(parser *p, ffwd_npy_header *header) {
    ffwd_status status;
    unsigned seen = 0;
    if (!accept(p, '{')) {
        return malformed(p, "'{'");
    }
    while (!accept(p, '}')) {
        FFWD_TRY(status, parse_item(p, &seen, header));
        if (!accept_comma(p, '}')) {
            return malformed(p, "',' or '}'");
        }
    }
    if (seen != (KEY_DESCR | KEY_FORTRAN | KEY_SHAPE)) {
        return malformed(p, "one each of 'descr', 'fortran_order' and 'shape'");
    }
    status = peek(p) < 0 ? FFWD_OK : malformed(p, "the end of the header");

cleanup:
    return status;
}

/* ---------------------------------------------------------------------------------------- sizes */

static uint64_t read_little(const unsigned char *bytes, unsigned count) {
    uint64_t value = 0;
    for (unsigned i = count; i-- > 0;) {
        value = value << 8 | bytes[i];
    }
    return value;
}

static ffwd_status not_npy(const parser *p) {
    (void)ffwd_fail(p->err, FFWD_EFORMAT, "does not begin as a .npy file does");
    if (p->err != NULL) {
        p->err->offset = 0;
    }
    return FFWD_EFORMAT;
}

/** Where the dict literal lies. */
static ffwd_status find_dict(parser *p, uint64_t file_bytes) {
    uint64_t available = (uint64_t)(p->end - p->start);
    if (!ffwd_npy_begins(p->start, available)) {
        return not_npy(p);
    }
    p->at += MAGIC_BYTES;
    if (available < 12) {
        return malformed(p, "a version and a header length");
    }
    unsigned major = p->start[6], minor = p->start[7];
    if (major < 1 || major > 3 || minor != 0) {
        return ffwd_fail(p->err, FFWD_EUNSUPPORTED,
                         "format %u.%u cannot be read; 1.0, 2.0 and 3.0 can", major, minor);
    }
    unsigned length_bytes = major == 1 ? 2 : 4;
    uint64_t length = read_little(p->start + 8, length_bytes);
    p->at = p->start + 8 + length_bytes;
    if (length > file_bytes - (8 + length_bytes)) {
        return ffwd_fail(p->err, FFWD_EFORMAT, "the header claims %llu bytes, the file holds %llu",
                         (unsigned long long)length, (unsigned long long)file_bytes);
    }
    if (length > available - (8 + length_bytes)) {
        return ffwd_fail(p->err, FFWD_EUNSUPPORTED, "a header of %llu bytes is beyond what is read",
                         (unsigned long long)length);
    }
    p->end = p->at + length;
    return FFWD_OK;
}

static ffwd_status resolve_sizes(ffwd_npy_header *header, uint64_t file_bytes, ffwd_error *err) {
    uint64_t elements;
    bool fits = true;
    header->rows = header->axes > 0 ? header->shape[0] : 1;
    header->cols = 1;
    for (unsigned axis = 1; axis < header->axes; axis++) {
        fits = fits && ffwd_multiply(header->cols, header->shape[axis], &header->cols);
    }
    fits = fits && ffwd_multiply(header->rows, header->cols, &elements) &&
           ffwd_multiply(elements, header->type.bytes, &header->data_bytes);
    if (!fits) {
        return ffwd_fail(err, FFWD_EFORMAT,
                         "the header claims an array whose size does not fit in 64 bits");
    }
    if (header->data_bytes > file_bytes - header->data_offset) {
        return ffwd_fail(err, FFWD_EFORMAT,
                         "the header claims %llu bytes of data, the file holds %llu",
                         (unsigned long long)header->data_bytes,
                         (unsigned long long)(file_bytes - header->data_offset));
    }
    return FFWD_OK;
}

ffwd_status ffwd_npy_parse(const unsigned char *bytes, uint64_t available, uint64_t file_bytes,
                           ffwd_npy_header *header, ffwd_error *err) {
    parser p = {bytes, bytes, bytes + available, err};
    ffwd_status status;
    memset(header, 0, sizeof *header);
    FFWD_TRY(status, find_dict(&p, file_bytes));
    FFWD_TRY(status, parse_dict(&p, header));
    header->data_offset = (uint64_t)(p.end - p.start);
    status = resolve_sizes(header, file_bytes, err);

cleanup:
    return status;
}

ffwd_status ffwd_npy_check_numbers(const ffwd_npy_header *header, ffwd_error *err) {
    if (header->type.kind == FFWD_NPY_BYTES || header->type.kind == FFWD_NPY_UNICODE) {
        return refuse_type(header->type.descr, "text", err);
    }
    return FFWD_OK;
}

uint64_t ffwd_npy_format(char bytes[FFWD_NPY_WRITTEN_MAX], uint64_t rows, uint64_t cols,
                         uint32_t dtype) {
    char order = dtype == FFWD_U8 ? '|' : FFWD_NPY_NATIVE;
    char letter = dtype == FFWD_U8 ? 'u' : 'f';
    memset(bytes, ' ', FFWD_NPY_WRITTEN_MAX);
    int length =
        10 + snprintf(bytes + 10, FFWD_NPY_WRITTEN_MAX - 10,
                      "{'descr': '%c%c%zu', 'fortran_order': False, 'shape': (%llu, %llu), }",
                      order, letter, ffwd_dtype_size(dtype), (unsigned long long)rows,
                      (unsigned long long)cols);
    // The data is aligned to 64 bytes, as NumPy writes it; a newline ends the header.
    uint64_t total = ffwd_round_up((uint64_t)length + 1, 64);
    bytes[length] = ' ';
    bytes[total - 1] = '\n';
    memcpy(bytes, MAGIC "\x01\x00", MAGIC_BYTES + 2);
    bytes[8] = (char)((total - 10) & 0xff);
    bytes[9] = (char)((total - 10) >> 8);
    return total;
}
