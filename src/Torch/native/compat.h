// Everything that differs between libtorch 1.13 and 2.x, CPU and CUDA builds, in one place.
#pragma once

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <torch/version.h>

#include <optional>

#define TESSERA_TORCH_AT_LEAST(major, minor) \
    (TORCH_VERSION_MAJOR > (major) || (TORCH_VERSION_MAJOR == (major) && TORCH_VERSION_MINOR >= (minor)))

// c10::optional became an alias of std::optional in 2.2 and is going away.
#if TESSERA_TORCH_AT_LEAST(2, 2)
namespace compat { template <typename T> using optional = std::optional<T>; constexpr std::nullopt_t nullopt = std::nullopt; }
#else
namespace compat { template <typename T> using optional = c10::optional<T>; constexpr c10::nullopt_t nullopt = c10::nullopt; }
#endif

// c10::Allocator::allocate was a const function before 2.3.
#if TESSERA_TORCH_AT_LEAST(2, 3)
#define COMPAT_ALLOCATE_CONST
#else
#define COMPAT_ALLOCATE_CONST const
#endif

// gloo's headers come from libgloo-dev; pip's PyTorch and some builds lack them.
#if defined(USE_C10D_GLOO) || defined(USE_DISTRIBUTED) || defined(TESSERA_DISTRIBUTED)
#if __has_include(<torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>) && __has_include(<gloo/context.h>)
#define TESSERA_GLOO 1
#ifndef USE_C10D_GLOO
#define USE_C10D_GLOO 1
#endif
#endif
#if __has_include(<torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>) && __has_include(<nccl.h>) && __has_include(<cuda_runtime_api.h>)
#define TESSERA_NCCL 1
#ifndef USE_C10D_NCCL
#define USE_C10D_NCCL 1
#endif
#endif
#endif

#if __has_include(<c10/cuda/CUDACachingAllocator.h>) && __has_include(<cuda_runtime_api.h>)
#define TESSERA_CUDA_HEADERS 1
#endif

namespace compat {

inline void set_autocast(c10::DeviceType device, bool enabled, compat::optional<at::ScalarType> dtype) {
#if TESSERA_TORCH_AT_LEAST(2, 4)
    at::autocast::set_autocast_enabled(device, enabled);
    if (dtype.has_value()) at::autocast::set_autocast_dtype(device, *dtype);
#else
    TORCH_CHECK(device == c10::DeviceType::CPU || device == c10::DeviceType::CUDA, "autocast knows cpu and cuda, not ", device);
    if (device == c10::DeviceType::CUDA) {
        at::autocast::set_enabled(enabled);
        if (dtype.has_value()) at::autocast::set_autocast_gpu_dtype(*dtype);
    } else {
        at::autocast::set_cpu_enabled(enabled);
        if (dtype.has_value()) at::autocast::set_autocast_cpu_dtype(*dtype);
    }
#endif
}

inline bool autocast_enabled(c10::DeviceType device) {
#if TESSERA_TORCH_AT_LEAST(2, 4)
    return at::autocast::is_autocast_enabled(device);
#else
    return device == c10::DeviceType::CUDA ? at::autocast::is_enabled() : at::autocast::is_cpu_enabled();
#endif
}

inline at::ScalarType autocast_dtype(c10::DeviceType device) {
#if TESSERA_TORCH_AT_LEAST(2, 4)
    return at::autocast::get_autocast_dtype(device);
#else
    return device == c10::DeviceType::CUDA ? at::autocast::get_autocast_gpu_dtype() : at::autocast::get_autocast_cpu_dtype();
#endif
}

inline int cuda_device_count() {
#if TESSERA_TORCH_AT_LEAST(2, 4)
    return at::hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0;
#else
    return at::hasCUDA() ? at::detail::getCUDAHooks().getNumGPUs() : 0;
#endif
}

} // namespace compat
