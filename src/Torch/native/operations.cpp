// Counts what operators compute: multiply-adds of matrix products and convolutions, and what is allocated for results.

// RecordFunction has a member more in debug builds; libtorch's packages are release builds, and the layouts must agree.
#ifndef NDEBUG
#define NDEBUG
#endif

#include "bridge.h"

#include <ATen/record_function.h>

#include <algorithm>
#include <cstring>
#include <memory>

using namespace bridge;

namespace {

// What this thread has counted: multiply-adds, values that products and convolutions gave, bytes of results.
thread_local int64_t counted[3] = {0, 0, 0};
thread_local int depth = 0;   // of operators within operators
thread_local int within = 0;  // of operators within a counted one, whose own products are not counted again

enum class Kind { Other, Convolution, Transposed, Product, Attention };

struct Running : at::ObserverContext {
    Kind kind = Kind::Other;
    int64_t figure = 0;          // multiply-adds; for a convolution those of one result value
    std::vector<const void*> storages; // of the inputs
};

const char* plain_name(const char* name) { return std::strncmp(name, "aten::", 6) == 0 ? name + 6 : name; }

bool starts_with(const char* name, const char* beginning) { return std::strncmp(name, beginning, std::strlen(beginning)) == 0; }

bool is_tensor(const c10::IValue& value, int64_t least_dims) { return value.isTensor() && value.toTensor().defined() && value.toTensor().dim() >= least_dims; }

// Multiply-adds of a product of the last two dimensions of `a` with `b`.
int64_t product(const c10::IValue& a, const c10::IValue& b) {
    if (!is_tensor(a, 1) || !is_tensor(b, 1)) return 0;
    return a.toTensor().numel() * (b.toTensor().dim() >= 2 ? b.toTensor().size(-1) : 1);
}

void classify(const at::RecordFunction& function, Running& running) {
    auto name = plain_name(function.name());
    auto inputs = function.inputs();
    if (std::strcmp(name, "convolution") == 0 && inputs.size() >= 7 && is_tensor(inputs[0], 3) && is_tensor(inputs[1], 3)) {
        const auto& weight = inputs[1].toTensor();
        auto transposed = inputs[6].isBool() && inputs[6].toBool();
        running.kind = transposed ? Kind::Transposed : Kind::Convolution;
        running.figure = weight.numel() / std::max<int64_t>(weight.size(0), 1) * (transposed ? inputs[0].toTensor().numel() : 1);
    } else if (inputs.size() >= 2 && (std::strcmp(name, "mm") == 0 || std::strcmp(name, "bmm") == 0 || std::strcmp(name, "mv") == 0 || std::strcmp(name, "dot") == 0)) {
        running.kind = Kind::Product;
        running.figure = product(inputs[0], inputs[1]);
    } else if (inputs.size() >= 3 && (starts_with(name, "addmm") || std::strcmp(name, "_addmm_activation") == 0 || std::strcmp(name, "baddbmm") == 0
                                      || std::strcmp(name, "addbmm") == 0 || std::strcmp(name, "addmv") == 0)) {
        running.kind = Kind::Product;
        running.figure = product(inputs[1], inputs[2]);
    } else if (inputs.size() >= 3 && starts_with(name, "_scaled_dot_product") && std::strcmp(name, "_scaled_dot_product_attention_math") != 0
               && is_tensor(inputs[0], 3) && is_tensor(inputs[1], 3) && is_tensor(inputs[2], 3)) {
        running.kind = Kind::Attention;
        const auto& query = inputs[0].toTensor();
        running.figure = query.numel() / std::max<int64_t>(query.size(-1), 1) * inputs[1].toTensor().size(-2) * (query.size(-1) + inputs[2].toTensor().size(-1));
    }
}

std::unique_ptr<at::ObserverContext> before(const at::RecordFunction& function) {
    auto running = std::make_unique<Running>();
    if (within == 0) classify(function, *running);
    if (running->kind != Kind::Other) ++within;
    if (depth++ == 0)
        for (const auto& input : function.inputs()) {
            if (input.isTensor() && input.toTensor().defined() && input.toTensor().has_storage()) running->storages.push_back(input.toTensor().storage().unsafeGetStorageImpl());
            else if (input.isTensorList())
                for (const at::Tensor& tensor : input.toTensorVector())
                    if (tensor.defined() && tensor.has_storage()) running->storages.push_back(tensor.storage().unsafeGetStorageImpl());
        }
    return running;
}

void after(const at::RecordFunction& function, at::ObserverContext* context) {
    auto& running = *static_cast<Running*>(context);
    --depth;
    int64_t values = 0;
    for (const auto& output : function.outputs()) {
        if (!is_tensor(output, 0)) continue;
        const auto& tensor = output.toTensor();
        if (values == 0) values = tensor.numel(); // what follows the first result is of use to the backward pass alone
        if (depth == 0 && tensor.has_storage() && std::find(running.storages.begin(), running.storages.end(), tensor.storage().unsafeGetStorageImpl()) == running.storages.end())
            counted[2] += tensor.numel() * static_cast<int64_t>(tensor.element_size());
    }
    if (running.kind == Kind::Other) return;
    --within;
    counted[0] += running.kind == Kind::Convolution ? running.figure * values : running.figure;
    counted[1] += values;
}

} // namespace

// Counts on this thread from now on. The handle ends it.
TESSERA_API uint64_t tessera_count_begin() {
    return guard<uint64_t>(0, [] {
        std::fill(std::begin(counted), std::end(counted), 0);
        depth = within = 0;
        return static_cast<uint64_t>(at::addThreadLocalCallback(
            at::RecordFunctionCallback(before, after).needsInputs(true).needsOutputs(true).scopes({at::RecordScope::FUNCTION})));
    });
}
TESSERA_API void tessera_counted(int64_t* figures) { std::copy(std::begin(counted), std::end(counted), figures); }
TESSERA_API int32_t tessera_count_end(uint64_t handle) {
    return guard<int32_t>(-1, [&] { at::removeCallback(handle); return 0; });
}
