// SPDX-License-Identifier: MIT
// The layers in a .npz archive: W1 .. WL, b1 .. bL and activations.
#ifndef FFWD_FORMAT_MODEL_NPZ_H
#define FFWD_FORMAT_MODEL_NPZ_H

#include "format/npz.h"

/** Makes the model; options are complete. Messages name arrays, not the file. */
ffwd_status ffwd_model_of_npz(const ffwd_npz *npz, const ffwd_load_options *options,
                              ffwd_model **out, ffwd_error *err);

#endif
