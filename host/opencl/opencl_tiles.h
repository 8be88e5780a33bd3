// SPDX-License-Identifier: MIT
// How large the tiles of the kernels are, for each kind of device: the one place that knows of
// types and vendors. The kernel files are given the numbers as definitions.
#ifndef FFWD_OPENCL_OPENCL_TILES_H
#define FFWD_OPENCL_OPENCL_TILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The largest tile of matmul.cl; where it is not blocked, of 4-byte values. */
typedef struct ffwd_opencl_matmul_tile {
    size_t item_rows, item_neurons, group_rows, group_neurons, tile_k;
    bool blocked;
} ffwd_opencl_matmul_tile;

/** Of registers.cl. */
typedef struct ffwd_opencl_registers_tile {
    size_t items;            /**< of a group */
    uint32_t words;          /**< of 4 bytes, that hold the values of an item's rows */
    uint64_t constant_bytes; /**< weights up to here lie in constant memory */
    uint64_t local_bytes;    /**< larger ones, up to here, in local memory; others in global */
} ffwd_opencl_registers_tile;

typedef struct ffwd_opencl_tiles {
    const char *name;
    bool rowblock; /**< fused is rowblock.cl, not one of the forms below */
    ffwd_opencl_matmul_tile matmul;
    ffwd_opencl_registers_tile registers;
    size_t rowtile_items; /**< of a group of rowtile.cl */
} ffwd_opencl_tiles;

/** Those for a ffwd_device_type and a vendor's number; FFWD_OPENCL_KERNELS may name others. */
const ffwd_opencl_tiles *ffwd_opencl_tiles_for(uint32_t type, uint32_t vendor);

/** The entry `index` of the table; NULL behind the last one. */
const ffwd_opencl_tiles *ffwd_opencl_tiles_at(size_t index);

#endif
