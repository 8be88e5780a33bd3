// SPDX-License-Identifier: MIT
// A stranger's use of the component of OpenCL, which it takes no OpenCL library to link with.
#include <ffwd/opencl.h>
#include <stdio.h>

int main(void) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_device *device = NULL;
    if (ffwd_opencl_device_open(NULL, NULL, NULL, &device, &err) == FFWD_OK) {
        return 1;
    }
    printf("%s\n", err.message);
    return 0;
}
