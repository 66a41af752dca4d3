// Twin of native/cuda/device/stream.h.
#pragma once

#include "../stream.h"

using cudaStream_t = struct EmulatedStream*;
