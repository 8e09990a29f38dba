// Threads, random numbers, autocast, CUDA and what this build of libtorch is made of.
#include "bridge.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Config.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <c10/core/DefaultDtype.h>

#include <dlfcn.h>
#include <cstring>

#ifdef TESSERA_CUDA_HEADERS
#include <c10/cuda/CUDACachingAllocator.h>
#endif

using namespace bridge;

TESSERA_API int32_t tessera_threads() { return at::get_num_threads(); }

// The entry of OpenMP's runtime that a parallel region compiles to. Weak, and linked to nothing here: it is found in whichever
// runtime libtorch brought, so that work runs on the threads that libtorch's own operators use.
extern "C" __attribute__((weak)) void GOMP_parallel(void (*work)(void*), void* context, unsigned threads, unsigned flags);

// Runs `work` once on each of so many threads, or only on this one where libtorch has no OpenMP.
TESSERA_API void tessera_on_threads(void (*work)(void*), void* context, int32_t threads) {
    if (GOMP_parallel != nullptr) GOMP_parallel(work, context, static_cast<unsigned>(threads), 0);
    else work(context);
}
TESSERA_API int32_t tessera_interop_threads() { return at::get_num_interop_threads(); }
TESSERA_API int32_t tessera_set_threads(int32_t threads) {
    return guard<int32_t>(-1, [&] { at::set_num_threads(threads); return 0; });
}
TESSERA_API int32_t tessera_set_interop_threads(int32_t threads) {
    return guard<int32_t>(-1, [&] { at::set_num_interop_threads(threads); return 0; });
}

static at::Generator default_generator(int32_t type, int32_t index) {
    return at::globalContext().defaultGenerator(bridge::device(type, index));
}
static at::Generator generator(void* impl) {
    return at::Generator(c10::intrusive_ptr<c10::GeneratorImpl>::reclaim_copy(static_cast<c10::GeneratorImpl*>(impl)));
}
static void* release_generator(const at::Generator& generator) {
    auto impl = generator.unsafeGetGeneratorImpl();
    c10::raw::intrusive_ptr::incref(impl);
    return impl;
}

TESSERA_API int32_t tessera_manual_seed(uint64_t seed) {
    return guard<int32_t>(-1, [&] { at::manual_seed(seed); return 0; });
}
TESSERA_API void* tessera_default_generator(int32_t type, int32_t index) {
    return guard<void*>(nullptr, [&] { return release_generator(default_generator(type, index)); });
}
TESSERA_API void* tessera_new_generator(uint64_t seed, int32_t type, int32_t index) {
    return guard<void*>(nullptr, [&] {
        auto made = type == 0 ? at::make_generator<at::CPUGeneratorImpl>(seed) : default_generator(type, index).clone();
        if (type != 0) made.set_current_seed(seed);
        return release_generator(made);
    });
}
TESSERA_API void tessera_generator_release(void* impl) {
    c10::intrusive_ptr<c10::GeneratorImpl>::reclaim(static_cast<c10::GeneratorImpl*>(impl));
}
TESSERA_API int32_t tessera_generator_set_seed(void* impl, uint64_t seed) {
    return guard<int32_t>(-1, [&] {
        auto g = generator(impl);
        std::lock_guard<std::mutex> lock(g.mutex());
        g.set_current_seed(seed);
        return 0;
    });
}
TESSERA_API uint64_t tessera_generator_seed(void* impl) { return generator(impl).seed(); }
TESSERA_API uint64_t tessera_generator_initial_seed(void* impl) { return generator(impl).current_seed(); }
TESSERA_API int32_t tessera_generator_device(void* impl, int32_t* index) {
    auto d = generator(impl).device();
    *index = d.has_index() ? d.index() : -1;
    return static_cast<int32_t>(d.type());
}
TESSERA_API void* tessera_generator_state(void* impl) {
    return guard<void*>(nullptr, [&] {
        auto g = generator(impl);
        std::lock_guard<std::mutex> lock(g.mutex());
        return release(g.get_state());
    });
}
TESSERA_API int32_t tessera_generator_set_state(void* impl, void* state) {
    return guard<int32_t>(-1, [&] {
        auto g = generator(impl);
        std::lock_guard<std::mutex> lock(g.mutex());
        g.set_state(borrow(state));
        return 0;
    });
}

TESSERA_API int32_t tessera_autocast_enabled(int32_t type) { return compat::autocast_enabled(static_cast<c10::DeviceType>(type)) ? 1 : 0; }
TESSERA_API int32_t tessera_autocast_dtype(int32_t type) { return static_cast<int32_t>(compat::autocast_dtype(static_cast<c10::DeviceType>(type))); }
TESSERA_API int32_t tessera_set_autocast(int32_t type, int32_t enabled, int32_t dtype) {
    return guard<int32_t>(-1, [&] {
        compat::set_autocast(static_cast<c10::DeviceType>(type), enabled != 0,
                             dtype < 0 ? compat::optional<at::ScalarType>() : compat::optional<at::ScalarType>(static_cast<at::ScalarType>(dtype)));
        return 0;
    });
}
TESSERA_API void tessera_autocast_clear_cache() { at::autocast::clear_cache(); }
TESSERA_API int32_t tessera_autocast_nest(int32_t step) {
    return step > 0 ? at::autocast::increment_nesting() : at::autocast::decrement_nesting();
}

TESSERA_API int32_t tessera_default_dtype() { return static_cast<int32_t>(c10::typeMetaToScalarType(c10::get_default_dtype())); }
TESSERA_API int32_t tessera_set_default_dtype(int32_t dtype) {
    return guard<int32_t>(-1, [&] { c10::set_default_dtype(c10::scalarTypeToTypeMeta(static_cast<at::ScalarType>(dtype))); return 0; });
}

TESSERA_API const char* tessera_version() { return TORCH_VERSION; }
TESSERA_API char* tessera_build_info() {
    return guard<char*>(nullptr, [] { return strdup((at::show_config() + at::get_parallel_info()).c_str()); });
}
TESSERA_API int32_t tessera_has_mkldnn() { return at::hasMKLDNN() ? 1 : 0; }
TESSERA_API int32_t tessera_has_mkl() { return at::hasMKL() ? 1 : 0; }

// The file that the BLAS routines come from, as the process resolved them.
TESSERA_API char* tessera_blas_path() {
    void* routine = dlsym(RTLD_DEFAULT, "sgemm_");
    Dl_info info;
    return strdup(routine != nullptr && dladdr(routine, &info) != 0 && info.dli_fname != nullptr ? info.dli_fname : "");
}

TESSERA_API int32_t tessera_cuda_built() { return at::hasCUDA() ? 1 : 0; }
TESSERA_API int32_t tessera_cuda_device_count() { return guard<int32_t>(0, [] { return compat::cuda_device_count(); }); }
TESSERA_API int32_t tessera_cudnn_available() { return at::globalContext().hasCuDNN() ? 1 : 0; }
TESSERA_API int32_t tessera_cuda_synchronize(int32_t index) {
    return guard<int32_t>(-1, [&] { at::detail::getCUDAHooks().deviceSynchronize(static_cast<c10::DeviceIndex>(index)); return 0; });
}

// Bytes: free and total of the card, and of libtorch's cache: allocated now, reserved now, most allocated. -1 where unknown.
TESSERA_API int32_t tessera_cuda_memory(int32_t index, int64_t* figures) {
    return guard<int32_t>(-1, [&] {
        for (int i = 0; i < 5; ++i) figures[i] = -1;
        using MemGetInfo = int (*)(size_t*, size_t*);
        auto query = reinterpret_cast<MemGetInfo>(dlsym(RTLD_DEFAULT, "cudaMemGetInfo"));
        size_t free_bytes = 0, total_bytes = 0;
        if (query != nullptr && query(&free_bytes, &total_bytes) == 0) {
            figures[0] = static_cast<int64_t>(free_bytes);
            figures[1] = static_cast<int64_t>(total_bytes);
        }
#ifdef TESSERA_CUDA_HEADERS
        auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(static_cast<c10::DeviceIndex>(index));
        figures[2] = stats.allocated_bytes[0].current;
        figures[3] = stats.reserved_bytes[0].current;
        figures[4] = stats.allocated_bytes[0].peak;
#endif
        return 0;
    });
}
TESSERA_API int32_t tessera_cuda_empty_cache() {
    return guard<int32_t>(-1, [&] {
#ifdef TESSERA_CUDA_HEADERS
        c10::cuda::CUDACachingAllocator::emptyCache();
#endif
        return 0;
    });
}

TESSERA_API int32_t tessera_flag(int32_t which, int32_t value) { // value < 0 asks
    return guard<int32_t>(-1, [&]() -> int32_t {
        auto& context = at::globalContext();
        switch (which) {
            case 0: if (value >= 0) context.setAllowTF32CuBLAS(value != 0); return context.allowTF32CuBLAS();
            case 1: if (value >= 0) context.setAllowTF32CuDNN(value != 0); return context.allowTF32CuDNN();
            case 2: if (value >= 0) context.setBenchmarkCuDNN(value != 0); return context.benchmarkCuDNN();
            case 3: if (value >= 0) context.setDeterministicCuDNN(value != 0); return context.deterministicCuDNN();
            case 4: if (value >= 0) context.setDeterministicAlgorithms(value != 0, context.deterministicAlgorithmsWarnOnly()); return context.deterministicAlgorithms();
            case 7: if (value >= 0) context.setDeterministicAlgorithms(context.deterministicAlgorithms(), value != 0); return context.deterministicAlgorithmsWarnOnly();
            case 5: if (value >= 0) context.setUserEnabledMkldnn(value != 0); return context.userEnabledMkldnn();
            case 6: if (value >= 0) { if (!at::globalContext().setFlushDenormal(value != 0)) return 0; } return 1;
            default: TORCH_CHECK(false, "no flag ", which);
        }
    });
}
