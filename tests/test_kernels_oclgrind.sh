#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs every kernel in small shapes under oclgrind, which interprets them: fails on a data race, an
# access out of bounds, a value used before it was written, or a misuse of the API.
#
#   test_kernels_oclgrind.sh TEST_OPENCL
#
# oclgrind is loaded as an ICD, because its own command hides other layers and loaders. Also the
# smallest device around: 32 KiB of local memory.
set -eu
icd=/usr/lib/oclgrind/liboclgrind-rt-icd.so
if [ ! -e "$icd" ]; then
    echo "skipped: no $icd"
    exit 77
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Its reports are read from stderr: its own log file starts anew with every context. In programs that it
# did not compile itself (21.10), it takes some values for unwritten that are not.
failed=0
FFWD_CACHE=off OCL_ICD_VENDORS=$icd OCLGRIND_DATA_RACES=1 OCLGRIND_CHECK_API=1 OCLGRIND_UNINITIALIZED=1 \
    FFWD_TESTS_NEED_OPENCL=1 CK_RUN_CASE=kernels "$1" 2>"$log" || failed=1
if [ -s "$log" ]; then
    head -c 4000 "$log"
    failed=1
fi
exit $failed
