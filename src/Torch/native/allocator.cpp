// Memory of CPU tensors. Freed small blocks are kept per thread and handed out again, which spares malloc's locks (in a
// process of many threads, as .NET's is, they cost a tenth of a small operator). Large blocks have a region of their own:
// on malloc's heap small things that stay (kernels, caches, the runtime's own) come to lie between them, and what was one
// gap is then too narrow for the same tensor of the next iteration, so that the process grows. Others are malloc's.
#include "bridge.h"

#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#ifdef __linux__
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace {

constexpr size_t kAlignment = 64, kClasses = 16, kLargest = kClasses * kAlignment; // bytes: 64, 128, … 1024
constexpr size_t kKept = 128; // blocks per thread and size

constexpr size_t kLarge = 1 << 20;          // bytes from which on a block lies in the region
constexpr size_t kPage = 4096;

struct Block { // stands in the 64 bytes before the tensor's data
    union { Block* next; size_t bytes; }; // of a kept small block; of a block of the region
    size_t size_class;                    // below kClasses, kClasses for malloc's own, kClasses + 1 for the region's
};

// Best fit, neighbouring gaps joined. Addresses are reserved once, as many as the machine has memory, and touched as they
// are needed; what goes beyond is left to malloc, which refuses what can't be had.
class Region {
public:
    void reserve() {
#ifdef __linux__
        const size_t bytes = size_t(sysconf(_SC_PHYS_PAGES)) * size_t(sysconf(_SC_PAGESIZE));
        void* start = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (start == MAP_FAILED) return; // a limit on addresses: all blocks are malloc's then
        start_ = static_cast<char*>(start);
        reserved_ = bytes;
        madvise(start_, bytes, MADV_HUGEPAGE);
        madvise(start_, bytes, MADV_DONTDUMP);
#endif
    }

    void* allocate(size_t bytes) {
        if (bytes > reserved_) return nullptr; // all of them where nothing could be reserved
        const std::lock_guard<std::mutex> lock(gate_);
        const auto fit = by_size_.lower_bound({bytes, 0});
        if (fit != by_size_.end()) {
            const auto [size, place] = *fit;
            remove(place, size);
            if (size > bytes) add(place + bytes, size - bytes);
            return start_ + place;
        }
        size_t place = end_;
        if (!gaps_.empty()) {
            const auto last = *gaps_.rbegin();
            if (last.first + last.second == end_) place = last.first; // the gap at the end grows
        }
        if (bytes > reserved_ - place) return nullptr;
        if (place < end_) remove(place, end_ - place);
        end_ = place + bytes;
        return start_ + place;
    }

    void release(void* data, size_t bytes) {
        const std::lock_guard<std::mutex> lock(gate_);
        size_t place = static_cast<char*>(data) - start_;
        auto after = gaps_.lower_bound(place);
        if (after != gaps_.end() && after->first == place + bytes) {
            const size_t more = after->second;
            remove(place + bytes, more);
            bytes += more;
            after = gaps_.lower_bound(place);
        }
        if (after != gaps_.begin()) {
            const auto before = *std::prev(after);
            if (before.first + before.second == place) {
                remove(before.first, before.second);
                place = before.first;
                bytes += before.second;
            }
        }
        add(place, bytes);
    }

    // Gives the gaps' pages back to the system.
    void trim() {
#ifdef __linux__
        const std::lock_guard<std::mutex> lock(gate_);
        for (const auto& [place, size] : gaps_) {
            const size_t from = (place + kPage - 1) / kPage * kPage, to = (place + size) / kPage * kPage;
            if (to > from) madvise(start_ + from, to - from, MADV_DONTNEED);
        }
#endif
    }

private:
    void add(size_t place, size_t size) { gaps_.emplace(place, size); by_size_.emplace(size, place); }
    void remove(size_t place, size_t size) { gaps_.erase(place); by_size_.erase({size, place}); }

    std::mutex gate_;
    char* start_ = nullptr;
    size_t reserved_ = 0, end_ = 0;
    std::map<size_t, size_t> gaps_;                // size by place
    std::set<std::pair<size_t, size_t>> by_size_;  // size, place
};

Region& region() {
    static auto* instance = new Region; // never destroyed: tensors may outlive everything
    return *instance;
}

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
    if (block->size_class > kClasses) { region().release(block, block->bytes); return; }
    if (block->size_class == kClasses) { c10::free_cpu(block); return; }
    if (thread_ended || lists.count[block->size_class] >= kKept) { c10::free_cpu(block); return; }
    block->next = lists.first[block->size_class];
    lists.first[block->size_class] = block;
    ++lists.count[block->size_class];
}

Block* small_block(size_t size_class) {
    if (!thread_ended && lists.first[size_class] != nullptr) {
        auto block = lists.first[size_class];
        lists.first[size_class] = block->next;
        --lists.count[size_class];
        return block;
    }
    auto block = static_cast<Block*>(c10::alloc_cpu(kAlignment + (size_class + 1) * kAlignment));
    block->size_class = size_class;
    return block;
}

Block* larger_block(size_t bytes) {
    if (bytes >= kLarge && bytes < SIZE_MAX / 2) {
        // Not whole pages: tensors that begin at the same place of a page get into each other's way in the cache.
        const size_t whole = (kAlignment + bytes + kAlignment - 1) / kAlignment * kAlignment;
        if (auto block = static_cast<Block*>(region().allocate(whole))) {
            block->bytes = whole;
            block->size_class = kClasses + 1;
            return block;
        }
    }
    auto block = static_cast<Block*>(c10::alloc_cpu(kAlignment + bytes)); // throws where memory is short
    block->size_class = kClasses;
    return block;
}

struct Blocks final : c10::Allocator {
    at::DataPtr allocate(size_t bytes) COMPAT_ALLOCATE_CONST override {
        const c10::Device cpu(c10::DeviceType::CPU);
        if (bytes == 0) return {nullptr, nullptr, &release_block, cpu};
        auto block = bytes > kLargest ? larger_block(bytes) : small_block((bytes - 1) / kAlignment);
        void* data = reinterpret_cast<char*>(block) + kAlignment;
        return {data, data, &release_block, cpu};
    }
    c10::DeleterFnPtr raw_deleter() const override { return &release_block; }
#if TESSERA_TORCH_AT_LEAST(2, 3)
    void copy_data(void* dest, const void* src, std::size_t count) const override { std::memcpy(dest, src, count); }
#endif
};

} // namespace

TESSERA_API void tessera_keep_blocks() {
    static Blocks allocator;
    region().reserve();
    c10::SetCPUAllocator(&allocator, 1);
}

TESSERA_API void tessera_give_back() { region().trim(); }
