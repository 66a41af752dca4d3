// The type of a stream, for headers that need no more of CUDA.
#pragma once

#include <driver_types.h>
