// SPDX-License-Identifier: MIT
// The table of tiles.
#include "opencl/opencl_tiles.h"

#include <stdlib.h>
#include <string.h>

#include <ffwd/ffwd.h>

/** What PCI knows vendors by, which is what drivers answer. */
enum { ANY = 0, AMD = 0x1002, NVIDIA = 0x10de };

/** Items one after the other on a core. Of ten shapes tried with PoCL 3.1 this one was the fastest
 *  for 2-3-2-1 and within noise of it for 1024-1024. */
#define CPU_MATMUL                                                                                 \
    { 16, 4, 4, 16, 16, true }

/** 8 x 8 sums: for 64 fma an item reads 16 values from local memory, a quarter of what its banks
 *  give in that time. 128 registers at most (compiled for gfx906 and sm_90), so that two groups of
 *  256 items share a unit and one computes while the other waits. 8 inputs a step: two steps of a
 *  128 x 128 tile are 17 KiB. Doubles take half as many either way. */
#define GPU_MATMUL                                                                                 \
    { 8, 8, 16, 16, 8, false }

/** 64 items are one wave of AMD's, two warps of NVIDIA's: a barrier of few, and groups small enough
 *  that the rows' stage leaves room for many. Half of the 128 registers that let a unit hold 512
 *  items are the rows', the others are for weights and addresses. Constant memory to 2 KiB: beyond,
 *  its cache misses (seen elsewhere: global memory was then 2.5 times faster). */
#define GPU_REGISTERS                                                                              \
    { 64, 64, 2048, 16384 }

/** Every item of a wave wants the same weights, so they come through the scalar cache, 16 KiB of a
 *  compute unit's or a few units', into scalar registers, which an fma takes as an operand: neither
 *  local memory nor a second row an item would save anything. */
#define AMD_REGISTERS                                                                              \
    { 64, 64, 16384, 0 }

/** A weight from local memory serves as many rows as an item has: with two rows a 16-byte load
 *  feeds eight fma, which take twice its time. 96 registers of 255 are the rows'. */
#define NVIDIA_REGISTERS                                                                           \
    { 64, 96, 2048, 16384 }

/** 128 items: at 64 values a row, 64 rows in 20 KiB of local memory, of which three groups share
 * what a unit of AMD's has, and two what NVIDIA gives one group; at 128, 32 rows as much. */
#define ROWTILE_ITEMS 128

static const struct {
    uint32_t type, vendor;
    ffwd_opencl_tiles tiles;
} table[] = {
    {FFWD_TYPE_CPU, ANY, {"cpu", true, CPU_MATMUL, GPU_REGISTERS, ROWTILE_ITEMS}},
    {FFWD_TYPE_GPU, AMD, {"amd", false, GPU_MATMUL, AMD_REGISTERS, ROWTILE_ITEMS}},
    {FFWD_TYPE_GPU, NVIDIA, {"nvidia", false, GPU_MATMUL, NVIDIA_REGISTERS, ROWTILE_ITEMS}},
    {ANY, ANY, {"gpu", false, GPU_MATMUL, GPU_REGISTERS, ROWTILE_ITEMS}}, // all others
};
enum { TABLE_LENGTH = sizeof table / sizeof table[0] };

const ffwd_opencl_tiles *ffwd_opencl_tiles_at(size_t index) {
    return index < TABLE_LENGTH ? &table[index].tiles : NULL;
}

const ffwd_opencl_tiles *ffwd_opencl_tiles_for(uint32_t type, uint32_t vendor) {
    const char *wanted = getenv("FFWD_OPENCL_KERNELS");
    for (size_t i = 0; i < TABLE_LENGTH && wanted != NULL; i++) {
        if (strcmp(table[i].tiles.name, wanted) == 0) {
            return &table[i].tiles;
        }
    }
    size_t i = 0;
    while ((table[i].type != ANY && table[i].type != type) ||
           (table[i].vendor != ANY && table[i].vendor != vendor)) {
        i++;
    }
    return &table[i].tiles;
}
