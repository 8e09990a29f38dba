// Backward passes and the thread's gradient modes.
#include "bridge.h"

#include <ATen/core/grad_mode.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/anomaly_mode.h>
#include <torch/csrc/autograd/autograd.h>

using namespace bridge;

TESSERA_API int32_t tessera_backward(void* const* tensors, int32_t count, void* const* grads, int32_t grad_count,
                                     int32_t retain_graph, int32_t create_graph, void* const* inputs, int32_t input_count) {
    return guard<int32_t>(-1, [&] {
        torch::autograd::backward(borrow_all(tensors, count), borrow_all(grads, grad_count), retain_graph != 0, create_graph != 0,
                                  borrow_all(inputs, input_count));
        return 0;
    });
}

TESSERA_API int32_t tessera_grad(void* const* outputs, int32_t count, void* const* inputs, int32_t input_count, void* const* grads,
                                 int32_t grad_count, int32_t retain_graph, int32_t create_graph, int32_t allow_unused, void** results) {
    return guard<int32_t>(-1, [&] {
        auto found = torch::autograd::grad(borrow_all(outputs, count), borrow_all(inputs, input_count), borrow_all(grads, grad_count),
                                           retain_graph != 0, create_graph != 0, allow_unused != 0);
        for (size_t i = 0; i < found.size(); ++i) results[i] = release(std::move(found[i]));
        return static_cast<int32_t>(found.size());
    });
}

TESSERA_API int32_t tessera_grad_mode() { return at::GradMode::is_enabled() ? 1 : 0; }
TESSERA_API void tessera_set_grad_mode(int32_t enabled) { at::GradMode::set_enabled(enabled != 0); }

TESSERA_API int32_t tessera_inference_mode() { return c10::InferenceMode::is_enabled() ? 1 : 0; }
TESSERA_API void* tessera_inference_enter(int32_t enabled) {
    return guard<void*>(nullptr, [&] { return new c10::InferenceMode(enabled != 0); });
}
TESSERA_API void tessera_inference_leave(void* mode) { delete static_cast<c10::InferenceMode*>(mode); }

TESSERA_API int32_t tessera_anomaly_mode(int32_t* check_nan) {
    *check_nan = torch::autograd::AnomalyMode::should_check_nan() ? 1 : 0;
    return torch::autograd::AnomalyMode::is_enabled() ? 1 : 0;
}
TESSERA_API void tessera_set_anomaly_mode(int32_t enabled, int32_t check_nan) {
    torch::autograd::AnomalyMode::set_enabled(enabled != 0, check_nan != 0);
}
