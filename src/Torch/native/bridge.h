// The C interface between Tessera.Torch and libtorch.
// A tensor travels as its c10::TensorImpl*, whose reference is owned by whoever received it from here.
// Functions that can fail return a negative number or null and leave the message for tessera_last_error.
#pragma once

#include "compat.h"

#include <cstdint>
#include <string>
#include <vector>

#define TESSERA_API extern "C" __attribute__((visibility("default")))

namespace bridge {

enum Tag : int32_t {
    None = 0, TensorTag = 1, Int = 2, Double = 3, Bool = 4, String = 5, IntList = 6, DoubleList = 7,
    TensorList = 8, OptionalTensorList = 9, BoolList = 10, DeviceTag = 11, GeneratorTag = 12, Complex = 13
};

struct Value {
    int32_t tag;
    int32_t count; // elements behind `pointer`
    union { void* pointer; int64_t integer; double real; };
};

void set_error(const char* message);

inline at::Tensor borrow(void* impl) {
    if (impl == nullptr) return at::Tensor();
    return at::Tensor(c10::intrusive_ptr<at::TensorImpl, at::UndefinedTensorImpl>::reclaim_copy(static_cast<at::TensorImpl*>(impl)));
}

inline void* release(at::Tensor&& tensor) {
    if (!tensor.defined()) return nullptr;
    return tensor.unsafeReleaseTensorImpl();
}

inline std::vector<at::Tensor> borrow_all(void* const* impls, int64_t count) {
    std::vector<at::Tensor> tensors;
    tensors.reserve(count);
    for (int64_t i = 0; i < count; ++i) tensors.push_back(borrow(impls[i]));
    return tensors;
}

inline c10::Device device(int32_t type, int32_t index) {
    return c10::Device(static_cast<c10::DeviceType>(type), static_cast<c10::DeviceIndex>(index));
}

// Runs `body`; whatever it throws becomes the last error and `failed`.
template <typename R, typename F>
R guard(R failed, F&& body) {
    try { return body(); }
    catch (const c10::Error& e) { set_error(e.what_without_backtrace()); }
    catch (const std::exception& e) { set_error(e.what()); }
    catch (...) { set_error("libtorch threw something that is no exception"); }
    return failed;
}

} // namespace bridge
