// What a tensor says about itself without going through the dispatcher, and tensors over foreign memory.
#include "bridge.h"

#include <torch/csrc/autograd/function.h>

using namespace bridge;

static at::TensorImpl* impl(void* tensor) { return static_cast<at::TensorImpl*>(tensor); }

TESSERA_API void tessera_tensor_release(void* tensor) {
    c10::intrusive_ptr<at::TensorImpl, at::UndefinedTensorImpl>::reclaim(impl(tensor));
}
TESSERA_API void tessera_tensor_release_all(void* const* tensors, int32_t count) {
    for (int32_t i = 0; i < count; ++i) tessera_tensor_release(tensors[i]);
}
TESSERA_API void* tessera_tensor_alias(void* tensor) { return release(borrow(tensor)); }
TESSERA_API int64_t tessera_tensor_use_count(void* tensor) { return borrow(tensor).use_count() - 1; }

TESSERA_API int64_t tessera_tensor_dim(void* tensor) { return impl(tensor)->dim(); }
TESSERA_API int64_t tessera_tensor_numel(void* tensor) { return impl(tensor)->numel(); }
TESSERA_API void tessera_tensor_sizes(void* tensor, int64_t* sizes) {
    auto from = impl(tensor)->sizes();
    std::copy(from.begin(), from.end(), sizes);
}
TESSERA_API int32_t tessera_tensor_strides(void* tensor, int64_t* strides) {
    return guard<int32_t>(-1, [&] {
        auto from = impl(tensor)->strides();
        std::copy(from.begin(), from.end(), strides);
        return 0;
    });
}
TESSERA_API int32_t tessera_tensor_dtype(void* tensor) { return static_cast<int32_t>(c10::typeMetaToScalarType(impl(tensor)->dtype())); }
TESSERA_API int64_t tessera_tensor_element_size(void* tensor) { return static_cast<int64_t>(impl(tensor)->itemsize()); }
TESSERA_API int32_t tessera_tensor_device(void* tensor, int32_t* index) {
    auto d = impl(tensor)->device();
    *index = d.has_index() ? d.index() : -1;
    return static_cast<int32_t>(d.type());
}
TESSERA_API int32_t tessera_tensor_layout(void* tensor) { return static_cast<int32_t>(impl(tensor)->layout()); }
TESSERA_API int32_t tessera_tensor_is_contiguous(void* tensor, int32_t memory_format) {
    return guard<int32_t>(-1, [&] { return impl(tensor)->is_contiguous(static_cast<at::MemoryFormat>(memory_format)) ? 1 : 0; });
}
TESSERA_API int64_t tessera_tensor_storage_offset(void* tensor) { return impl(tensor)->storage_offset(); }
TESSERA_API void* tessera_tensor_data_ptr(void* tensor) {
    return guard<void*>(nullptr, [&] { return borrow(tensor).data_ptr(); });
}

// Strides of a dimension of one element say nothing.
static bool laid_out_alike(const at::Tensor& a, const at::Tensor& b) {
    if (!a.sizes().equals(b.sizes())) return false;
    for (int64_t d = 0; d < a.dim(); ++d)
        if (a.size(d) != 1 && a.stride(d) != b.stride(d)) return false;
    return true;
}

// The memory of float32 CPU tensors that an elementwise loop may walk side by side, as they have the same sizes and strides and no
// gaps; null stays null. All but the first `unwritten` count as changed. Returns their number of elements; -1: they aren't so.
TESSERA_API int64_t tessera_flat_floats(void* const* impls, int32_t count, int32_t unwritten, float** memory) {
    return guard<int64_t>(-1, [&]() -> int64_t {
        auto tensors = borrow_all(impls, count);
        for (auto& t : tensors) {
            if (!t.defined()) continue;
            if (t.layout() != at::kStrided || !t.device().is_cpu() || t.scalar_type() != at::kFloat || !t.is_non_overlapping_and_dense()
                || t.is_neg() || t.is_inference() || !t.has_storage() || !laid_out_alike(t, tensors[0])) return -1;
        }
        for (int32_t i = 0; i < count; ++i) {
            memory[i] = tensors[i].defined() ? tensors[i].data_ptr<float>() : nullptr;
            if (tensors[i].defined() && memory[i] == nullptr && tensors[i].numel() > 0) return -1; // zeros that were never stored
        }
        for (int32_t i = unwritten; i < count; ++i)
            if (tensors[i].defined()) tensors[i].unsafeGetTensorImpl()->bump_version();
        return tensors[0].numel();
    });
}
TESSERA_API int32_t tessera_tensor_shares_storage(void* a, void* b) {
    return guard<int32_t>(-1, [&] { return borrow(a).is_alias_of(borrow(b)) ? 1 : 0; });
}

TESSERA_API int32_t tessera_tensor_requires_grad(void* tensor) {
    return guard<int32_t>(-1, [&] { return borrow(tensor).requires_grad() ? 1 : 0; });
}
TESSERA_API int32_t tessera_tensor_set_requires_grad(void* tensor, int32_t value) {
    return guard<int32_t>(-1, [&] { borrow(tensor).set_requires_grad(value != 0); return 0; });
}
TESSERA_API int32_t tessera_tensor_is_leaf(void* tensor) {
    return guard<int32_t>(-1, [&] { return borrow(tensor).is_leaf() ? 1 : 0; });
}
TESSERA_API int32_t tessera_tensor_has_grad_fn(void* tensor) {
    return guard<int32_t>(-1, [&] { return borrow(tensor).grad_fn() != nullptr ? 1 : 0; });
}
TESSERA_API char* tessera_tensor_grad_fn_name(void* tensor) {
    return guard<char*>(nullptr, [&] {
        auto node = borrow(tensor).grad_fn();
        return strdup(node ? node->name().c_str() : "");
    });
}
TESSERA_API int32_t tessera_tensor_retain_grad(void* tensor) {
    return guard<int32_t>(-1, [&] { borrow(tensor).retain_grad(); return 0; });
}
TESSERA_API int32_t tessera_tensor_grad(void* tensor, void** grad) {
    return guard<int32_t>(-1, [&] {
        const auto& found = impl(tensor)->grad();
        *grad = found.defined() ? release(at::Tensor(found)) : nullptr;
        return 0;
    });
}
TESSERA_API int32_t tessera_tensor_set_grad(void* tensor, void* grad) {
    return guard<int32_t>(-1, [&] { borrow(tensor).mutable_grad() = borrow(grad); return 0; });
}
TESSERA_API int32_t tessera_tensor_set_data(void* tensor, void* data) {
    return guard<int32_t>(-1, [&] { borrow(tensor).set_data(borrow(data)); return 0; });
}
TESSERA_API int32_t tessera_tensor_is_inference(void* tensor) { return impl(tensor)->is_inference() ? 1 : 0; }

TESSERA_API void* tessera_from_blob(void* data, void (*deleter)(void*), void* context, const int64_t* sizes, int32_t dims,
                                    int32_t dtype, int32_t device_type, int32_t device_index) {
    return guard<void*>(nullptr, [&] {
        auto options = at::TensorOptions().dtype(static_cast<at::ScalarType>(dtype));
        auto on = bridge::device(device_type, device_index);
        at::IntArrayRef shape(sizes, dims);
        auto tensor = deleter == nullptr
            ? at::from_blob(data, shape, options)
            : at::from_blob(data, shape, [deleter, context](void*) { deleter(context); }, options);
        return release(on.is_cpu() ? std::move(tensor) : tensor.to(on));
    });
}

// A new tensor with the elements of `data`, which may be of another type than the tensor's.
TESSERA_API void* tessera_from_copy(const void* data, int64_t bytes, const int64_t* sizes, int32_t dims, int32_t from_dtype,
                                    int32_t dtype, int32_t device_type, int32_t device_index, int32_t requires_grad) {
    return guard<void*>(nullptr, [&] {
        auto tensor = at::empty(at::IntArrayRef(sizes, dims), at::TensorOptions().dtype(static_cast<at::ScalarType>(from_dtype)));
        TORCH_CHECK(static_cast<int64_t>(tensor.nbytes()) == bytes, "shape ", tensor.sizes(), " holds ", tensor.nbytes(), " bytes, the data has ", bytes);
        if (bytes > 0) std::memcpy(tensor.data_ptr(), data, bytes);
        auto on = bridge::device(device_type, device_index);
        if (!on.is_cpu() || dtype != from_dtype) tensor = tensor.to(on, static_cast<at::ScalarType>(dtype));
        if (requires_grad != 0) tensor.set_requires_grad(true);
        return release(std::move(tensor));
    });
}
