// One boxed call reaches every ATen operator, with autograd and autocast.
#include "bridge.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include <cstring>

namespace bridge {

static thread_local std::string last_error;
void set_error(const char* message) { last_error = message; }

static c10::IValue to_ivalue(const Value& v) {
    switch (v.tag) {
        case None: return c10::IValue();
        case TensorTag: return c10::IValue(borrow(v.pointer));
        case Int: return c10::IValue(v.integer);
        case Double: return c10::IValue(v.real);
        case Bool: return c10::IValue(v.integer != 0);
        case String: return c10::IValue(std::string(static_cast<const char*>(v.pointer), v.count));
        case IntList: return c10::IValue(at::IntArrayRef(static_cast<const int64_t*>(v.pointer), v.count));
        case DoubleList: return c10::IValue(at::ArrayRef<double>(static_cast<const double*>(v.pointer), v.count));
        case BoolList: {
            c10::List<bool> list;
            for (int32_t i = 0; i < v.count; ++i) list.push_back(static_cast<const uint8_t*>(v.pointer)[i] != 0);
            return c10::IValue(std::move(list));
        }
        case TensorList: {
            c10::List<at::Tensor> list;
            list.reserve(v.count);
            for (int32_t i = 0; i < v.count; ++i) list.push_back(borrow(static_cast<void**>(v.pointer)[i]));
            return c10::IValue(std::move(list));
        }
        case OptionalTensorList: {
            c10::List<compat::optional<at::Tensor>> list;
            list.reserve(v.count);
            for (int32_t i = 0; i < v.count; ++i) {
                void* impl = static_cast<void**>(v.pointer)[i];
                list.push_back(impl == nullptr ? compat::optional<at::Tensor>() : compat::optional<at::Tensor>(borrow(impl)));
            }
            return c10::IValue(std::move(list));
        }
        case DeviceTag: return c10::IValue(device(static_cast<int32_t>(v.integer), v.count));
        case GeneratorTag:
            return c10::IValue(at::Generator(c10::intrusive_ptr<c10::GeneratorImpl>::reclaim_copy(static_cast<c10::GeneratorImpl*>(v.pointer))));
        case Complex: {
            const double* parts = static_cast<const double*>(v.pointer);
            return c10::IValue(c10::complex<double>(parts[0], parts[1]));
        }
        default: TORCH_CHECK(false, "argument of unknown kind ", v.tag);
    }
}

static Value from_ivalue(c10::IValue&& result) {
    Value v{};
    if (result.isTensor()) { v.tag = TensorTag; v.pointer = release(std::move(result).toTensor()); }
    else if (result.isInt()) { v.tag = Int; v.integer = result.toInt(); }
    else if (result.isDouble()) { v.tag = Double; v.real = result.toDouble(); }
    else if (result.isBool()) { v.tag = Bool; v.integer = result.toBool(); }
    else if (result.isTensorList()) {
        auto tensors = std::move(result).toTensorVector();
        auto impls = static_cast<void**>(std::malloc(sizeof(void*) * std::max<size_t>(tensors.size(), 1)));
        for (size_t i = 0; i < tensors.size(); ++i) impls[i] = release(std::move(tensors[i]));
        v.tag = TensorList; v.count = static_cast<int32_t>(tensors.size()); v.pointer = impls;
    }
    else if (result.isComplexDouble()) {
        auto parts = static_cast<double*>(std::malloc(sizeof(double) * 2));
        auto number = result.toComplexDouble();
        parts[0] = number.real(); parts[1] = number.imag();
        v.tag = Complex; v.pointer = parts;
    }
    else if (result.isNone()) v.tag = None;
    else TORCH_CHECK(false, "result of a kind that has no use here: ", result.tagKind());
    return v;
}

using Unary = at::Tensor(const at::Tensor&);
using Binary = at::Tensor(const at::Tensor&, const at::Tensor&);
using BinaryScaled = at::Tensor(const at::Tensor&, const at::Tensor&, const at::Scalar&);

// An operator, and its typed form where it is one of the common shapes: those calls need no stack.
struct Entry {
    explicit Entry(c10::OperatorHandle found) : handle(found) {
        const auto& schema = handle.schema();
        const auto& arguments = schema.arguments();
        if (schema.returns().size() != 1 || schema.returns()[0].type()->kind() != c10::TypeKind::TensorType) return;
        size_t tensors = 0;
        for (const auto& argument : arguments) {
            if (argument.alias_info() != nullptr && argument.alias_info()->isWrite()) return;
            if (argument.type()->kind() == c10::TypeKind::TensorType) ++tensors;
        }
        try {
            if (arguments.size() == 1 && tensors == 1) unary = handle.typed<Unary>();
            else if (arguments.size() == 2 && tensors == 2) binary = handle.typed<Binary>();
            else if (arguments.size() == 3 && tensors == 2 && arguments[2].name() == "alpha" && arguments[2].default_value().has_value())
                scaled = handle.typed<BinaryScaled>();
        } catch (const c10::Error&) {} // registered with another signature: the boxed call serves
    }

    c10::OperatorHandle handle;
    compat::optional<c10::TypedOperatorHandle<Unary>> unary;
    compat::optional<c10::TypedOperatorHandle<Binary>> binary;
    compat::optional<c10::TypedOperatorHandle<BinaryScaled>> scaled;
};

// A tensor lent by the caller for one call, without touching its reference count.
struct Borrowed {
    explicit Borrowed(void* impl) : tensor(at::Tensor(c10::intrusive_ptr<at::TensorImpl, at::UndefinedTensorImpl>::reclaim(static_cast<at::TensorImpl*>(impl)))) {}
    ~Borrowed() { tensor.unsafeReleaseTensorImpl(); }
    at::Tensor tensor;
};

// The stack's memory is reused from call to call; a nested call on the same thread finds it taken and makes its own.
struct CallStack {
    static thread_local torch::jit::Stack spare;
    torch::jit::Stack stack = std::move(spare);
    ~CallStack() { stack.clear(); spare = std::move(stack); }
};
thread_local torch::jit::Stack CallStack::spare;

} // namespace bridge

using namespace bridge;

TESSERA_API const char* tessera_last_error() { return last_error.c_str(); }
TESSERA_API void tessera_free(void* pointer) { std::free(pointer); }

TESSERA_API const void* tessera_operator(const char* name, const char* overload) {
    return guard<const void*>(nullptr, [&]() -> const void* {
        return new Entry(c10::Dispatcher::singleton().findSchemaOrThrow(name, overload));
    });
}

TESSERA_API int32_t tessera_has_operator(const char* name, const char* overload) {
    return guard<int32_t>(0, [&] { return c10::Dispatcher::singleton().findSchema({name, overload}).has_value() ? 1 : 0; });
}

// Arguments beyond `count` and absent ones that may not be absent take the schema's defaults. Returns the number of results written.
TESSERA_API int32_t tessera_call(const void* op, const Value* arguments, int32_t count, Value* results, int32_t capacity) {
    return guard<int32_t>(-1, [&] {
        const auto& handle = static_cast<const Entry*>(op)->handle;
        TORCH_CHECK(static_cast<size_t>(count) <= handle.schema().arguments().size(), handle.schema().name(), " takes ", handle.schema().arguments().size(), " arguments, not ", count);
        CallStack call;
        auto& stack = call.stack;
        const auto& declared = handle.schema().arguments();
        for (int32_t i = 0; i < count; ++i) {
            // "Nothing" for an argument that can't be nothing means its default.
            if (arguments[i].tag == None && declared[i].type()->kind() != c10::TypeKind::OptionalType && declared[i].default_value().has_value())
                stack.push_back(*declared[i].default_value());
            else stack.push_back(to_ivalue(arguments[i]));
        }
        for (size_t i = count; i < declared.size(); ++i) {
            TORCH_CHECK(declared[i].default_value().has_value(), handle.schema().name(), ": argument \"", declared[i].name(), "\" has no default");
            stack.push_back(*declared[i].default_value());
        }
        handle.callBoxed(&stack);
        TORCH_CHECK(static_cast<int32_t>(stack.size()) <= capacity, handle.schema().name(), " returned ", stack.size(), " values, expected at most ", capacity);
        const auto written = static_cast<int32_t>(stack.size());
        for (int32_t i = 0; i < written; ++i) results[i] = from_ivalue(std::move(stack[i]));
        return written;
    });
}

// The result of an operator of one or two tensors (`b` null); null after an error, or with *declined = 1 where tessera_call has to do it.
TESSERA_API void* tessera_call_tensors(const void* op, void* a, void* b, int32_t* declined) {
    return guard<void*>(nullptr, [&]() -> void* {
        static const at::Scalar one(1);
        const auto& entry = *static_cast<const Entry*>(op);
        Borrowed first(a);
        if (b == nullptr) {
            if (entry.unary.has_value()) return release(entry.unary->call(first.tensor));
        } else {
            Borrowed second(b);
            if (entry.scaled.has_value()) return release(entry.scaled->call(first.tensor, second.tensor, one));
            if (entry.binary.has_value()) return release(entry.binary->call(first.tensor, second.tensor));
        }
        *declined = 1;
        return nullptr;
    });
}
