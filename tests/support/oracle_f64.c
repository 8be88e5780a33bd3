// SPDX-License-Identifier: MIT
// The oracle in float64, and the choice between the two.
#include <stdint.h>

typedef double REAL;
typedef uint64_t BITS;
#define REAL_IS_F64
#define FUSED        fma
#define QUIET_NAN    0x7ff8000000000000ull
#define ORACLE(name) oracle_##name##_f64
#include "oracle_body.h"

#include "oracle.h"

void oracle_run_f32(const ffwd_model *model, uint64_t rows, const void *x, void *y,
                    void *const *sums, void *const *outputs);
void oracle_activate_f32(uint32_t activation, const void *z, void *y);

void oracle_run(const ffwd_model *model, uint64_t rows, const void *x, void *y, void *const *sums,
                void *const *outputs) {
    ffwd_model_info info = FFWD_MODEL_INFO_INIT;
    ffwd_model_describe(model, &info);
    (info.dtype == FFWD_F64 ? oracle_run_f64 : oracle_run_f32)(model, rows, x, y, sums, outputs);
}

void oracle_activate(uint32_t dtype, uint32_t activation, const void *z, void *y) {
    (dtype == FFWD_F64 ? oracle_activate_f64 : oracle_activate_f32)(activation, z, y);
}
