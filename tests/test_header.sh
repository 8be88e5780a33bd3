#!/bin/sh
# SPDX-License-Identifier: MIT
# The public headers alone, each included twice, in every C from C99 and C++ from C++11 on, with
# every warning an error.
#
#   test_header.sh INCLUDE_FOLDER C_COMPILER [C++_COMPILER]
set -eu

include=$1 cc=$2 cxx=${3:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
warnings='-Wall -Wextra -Wpedantic -Wshadow -Werror -fsyntax-only'

# Uses every initialiser, so that they are compiled, too.
write_source() {
    printf '#include <ffwd/%s>\n#include <ffwd/%s>\n' "$1" "$1"
    sed -n 's/^#define \(FFWD_\([A-Z_]*\)_INIT\)\>.*/\2 \1/p' "$include/ffwd/$1" |
        while read -r type initialiser; do
            type=ffwd_$(printf '%s' "$type" | tr '[:upper:]' '[:lower:]')
            printf 'extern %s made_%s;\n%s made_%s = %s;\n' "$type" "$type" "$type" "$type" \
                "$initialiser"
        done
    printf 'int nothing_else;\n'
}

for path in "$include"/ffwd/*.h; do
    header=$(basename "$path")
    if [ "$header" = opencl.h ] && ! printf '#include <CL/cl.h>\n' | "$cc" -E - >/dev/null 2>&1; then
        echo "skipped: $header: there are no OpenCL headers"
        continue
    fi
    write_source "$header" >"$work/use.c"
    cp "$work/use.c" "$work/use.cpp"
    for standard in c99 c11 c17; do
        echo "$header as $standard"
        # shellcheck disable=SC2086
        "$cc" -std=$standard $warnings -Wmissing-field-initializers -Wstrict-prototypes \
            -I "$include" "$work/use.c"
    done
    if [ -z "$cxx" ]; then
        echo "skipped: $header as C++: there is no C++ compiler"
        continue
    fi
    for standard in c++11 c++17; do
        echo "$header as $standard"
        # shellcheck disable=SC2086
        "$cxx" -std=$standard $warnings -I "$include" "$work/use.cpp"
    done
done
