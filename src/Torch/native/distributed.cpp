// Process groups: a TCP store and gloo, and NCCL where libtorch has CUDA.
#include "bridge.h"

#ifdef TESSERA_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#ifdef TESSERA_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

namespace {

#if TESSERA_TORCH_AT_LEAST(2, 0)
using Backend = c10d::Backend;
#else
using Backend = c10d::ProcessGroup;
#endif

struct Group {
    c10::intrusive_ptr<c10d::Store> store;
    c10::intrusive_ptr<Backend> backend;
};

Group* group(void* handle) { return static_cast<Group*>(handle); }

at::Tensor sum_over(Backend& backend, const at::Tensor& tensor) {
    std::vector<at::Tensor> tensors{tensor.detach().clone(at::MemoryFormat::Contiguous)};
    backend.allreduce(tensors)->wait();
    return tensors[0];
}

// Every process's output is the same sum, so the gradient of a process's input is the sum of all outputs' gradients.
struct SumBackward : public torch::autograd::Node {
    c10::intrusive_ptr<Backend> backend;
    at::Tensor zero; // where this process's loss doesn't depend on the sum, others' may

    torch::autograd::variable_list apply(torch::autograd::variable_list&& gradients) override {
        return {sum_over(*backend, gradients[0].defined() ? gradients[0] : zero)};
    }
};

} // namespace
#endif

using namespace bridge;

TESSERA_API int32_t tessera_distributed_backends() { // bit 0: gloo, bit 1: NCCL
    int32_t found = 0;
#ifdef TESSERA_GLOO
    found |= 1;
#endif
#ifdef TESSERA_NCCL
    found |= 2;
#endif
    return found;
}

#ifdef TESSERA_GLOO

TESSERA_API void* tessera_group_new(const char* backend, const char* host, int32_t port, int32_t rank, int32_t world_size, int64_t timeout_ms) {
    return guard<void*>(nullptr, [&]() -> void* {
        auto made = std::make_unique<Group>();
        const std::chrono::milliseconds timeout(timeout_ms);
        c10d::TCPStoreOptions options;
        options.port = static_cast<uint16_t>(port);
        options.isServer = rank == 0;
        options.numWorkers = static_cast<size_t>(world_size);
        options.waitWorkers = true;
        options.timeout = timeout;
        made->store = c10::make_intrusive<c10d::TCPStore>(std::string(host), options);
        made->store->setTimeout(timeout);
        if (std::string(backend) == "gloo") {
            auto gloo = c10d::ProcessGroupGloo::Options::create();
            gloo->timeout = timeout;
            gloo->devices.push_back(c10d::ProcessGroupGloo::createDefaultDevice());
            made->backend = c10::make_intrusive<c10d::ProcessGroupGloo>(made->store, rank, world_size, gloo);
        }
#ifdef TESSERA_NCCL
        else if (std::string(backend) == "nccl") {
            auto nccl = c10d::ProcessGroupNCCL::Options::create();
            nccl->timeout = timeout;
            made->backend = c10::make_intrusive<c10d::ProcessGroupNCCL>(made->store, rank, world_size, nccl);
        }
#endif
        else TORCH_CHECK(false, "this build has no process group backend \"", backend, "\"");
        return made.release();
    });
}

TESSERA_API void tessera_group_release(void* handle) { delete group(handle); }

TESSERA_API int32_t tessera_group_allreduce(void* handle, void* tensor, int32_t op) {
    return guard<int32_t>(-1, [&] {
        std::vector<at::Tensor> tensors{borrow(tensor)};
        c10d::AllreduceOptions options;
        options.reduceOp = static_cast<c10d::ReduceOp::RedOpType>(op);
        group(handle)->backend->allreduce(tensors, options)->wait();
        return 0;
    });
}

TESSERA_API void* tessera_group_sum(void* handle, void* tensor) {
    return guard<void*>(nullptr, [&]() -> void* {
        const at::Tensor input = borrow(tensor);
        at::Tensor sum = sum_over(*group(handle)->backend, input);
        if (at::GradMode::is_enabled() && input.requires_grad()) {
            auto node = std::shared_ptr<SumBackward>(new SumBackward(), torch::autograd::deleteNode);
            node->backend = group(handle)->backend;
            node->zero = at::zeros_like(sum);
            node->set_next_edges(torch::autograd::collect_next_edges(input));
            torch::autograd::set_history(sum, node);
        }
        return release(std::move(sum));
    });
}

TESSERA_API int32_t tessera_group_broadcast(void* handle, void* tensor, int32_t root) {
    return guard<int32_t>(-1, [&] {
        std::vector<at::Tensor> tensors{borrow(tensor)};
        c10d::BroadcastOptions options;
        options.rootRank = root;
        group(handle)->backend->broadcast(tensors, options)->wait();
        return 0;
    });
}

TESSERA_API int32_t tessera_group_allgather(void* handle, void* tensor, void* const* outputs, int32_t count) {
    return guard<int32_t>(-1, [&] {
        std::vector<at::Tensor> inputs{borrow(tensor)};
        std::vector<std::vector<at::Tensor>> gathered{borrow_all(outputs, count)};
        group(handle)->backend->allgather(gathered, inputs)->wait();
        return 0;
    });
}

TESSERA_API int32_t tessera_group_barrier(void* handle) {
    return guard<int32_t>(-1, [&] { group(handle)->backend->barrier()->wait(); return 0; });
}

#else

static constexpr const char* absent = "this build of the libtorch bridge has no process groups: libtorch's c10d or gloo's headers (libgloo-dev) were missing";
TESSERA_API void* tessera_group_new(const char*, const char*, int32_t, int32_t, int32_t, int64_t) { set_error(absent); return nullptr; }
TESSERA_API void tessera_group_release(void*) {}
TESSERA_API int32_t tessera_group_allreduce(void*, void*, int32_t) { set_error(absent); return -1; }
TESSERA_API void* tessera_group_sum(void*, void*) { set_error(absent); return nullptr; }
TESSERA_API int32_t tessera_group_broadcast(void*, void*, int32_t) { set_error(absent); return -1; }
TESSERA_API int32_t tessera_group_allgather(void*, void*, void* const*, int32_t) { set_error(absent); return -1; }
TESSERA_API int32_t tessera_group_barrier(void*) { set_error(absent); return -1; }

#endif
