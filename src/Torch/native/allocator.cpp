// Memory of small CPU tensors: freed blocks are kept per thread and handed out again, which spares malloc's locks (in a
// process of many threads, as .NET's is, they cost a tenth of a small operator). Larger blocks go back at once.
#include "bridge.h"

#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>

#include <cstdlib>
#include <cstring>

namespace {

constexpr size_t kAlignment = 64, kClasses = 16, kLargest = kClasses * kAlignment; // bytes: 64, 128, … 1024
constexpr size_t kKept = 128; // blocks per thread and size

struct Block { Block* next; size_t size_class; }; // stands in the 64 bytes before the tensor's data

thread_local bool thread_ended = false;

struct FreeLists {
    Block* first[kClasses] = {};
    size_t count[kClasses] = {};
    ~FreeLists() {
        thread_ended = true;
        for (auto block : first)
            while (block != nullptr) { auto next = block->next; c10::free_cpu(block); block = next; }
    }
};
thread_local FreeLists lists;

void release_block(void* data) {
    if (data == nullptr) return;
    auto block = reinterpret_cast<Block*>(static_cast<char*>(data) - kAlignment);
    if (block->size_class >= kClasses) { c10::free_cpu(block); return; }
    if (thread_ended || lists.count[block->size_class] >= kKept) { c10::free_cpu(block); return; }
    block->next = lists.first[block->size_class];
    lists.first[block->size_class] = block;
    ++lists.count[block->size_class];
}

struct SmallBlocks final : c10::Allocator {
    at::DataPtr allocate(size_t bytes) COMPAT_ALLOCATE_CONST override {
        const c10::Device cpu(c10::DeviceType::CPU);
        if (bytes == 0) return {nullptr, nullptr, &release_block, cpu};
        const size_t size_class = (bytes - 1) / kAlignment;
        Block* block = nullptr;
        if (bytes > kLargest) {
            block = static_cast<Block*>(c10::alloc_cpu(kAlignment + bytes)); // throws where memory is short
            block->size_class = kClasses;
        } else if (!thread_ended && lists.first[size_class] != nullptr) {
            block = lists.first[size_class];
            lists.first[size_class] = block->next;
            --lists.count[size_class];
        } else {
            block = static_cast<Block*>(c10::alloc_cpu(kAlignment + (size_class + 1) * kAlignment));
            block->size_class = size_class;
        }
        void* data = reinterpret_cast<char*>(block) + kAlignment;
        return {data, data, &release_block, cpu};
    }
    c10::DeleterFnPtr raw_deleter() const override { return &release_block; }
#if TESSERA_TORCH_AT_LEAST(2, 3)
    void copy_data(void* dest, const void* src, std::size_t count) const override { std::memcpy(dest, src, count); }
#endif
};

} // namespace

TESSERA_API void tessera_keep_small_blocks() {
    static SmallBlocks allocator;
    c10::SetCPUAllocator(&allocator, 1);
}
