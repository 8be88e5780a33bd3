# How every target of ffwd is compiled: C11, warnings, and no freedom in floating-point arithmetic.

add_library(ffwd_flags INTERFACE)
target_compile_features(ffwd_flags INTERFACE c_std_11)
target_compile_definitions(ffwd_flags INTERFACE _GNU_SOURCE)
target_compile_options(ffwd_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
  -Wcast-qual -Wwrite-strings -Wvla -Wdate-time
  # The arithmetic contract: a chain of fma in the order written, nothing contracted or reassociated.
  -ffp-contract=off -fno-fast-math
  $<$<BOOL:${FFWD_WERROR}>:-Werror>)
