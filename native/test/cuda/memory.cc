// Device memory of the driver for tests: see memory.h.
#include "memory.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace flambeau::ptx {

std::string format(const char* form, ...) {
  va_list list, again;
  va_start(list, form);
  va_copy(again, list);
  std::string text(static_cast<size_t>(vsnprintf(nullptr, 0, form, list)), ' ');
  vsnprintf(text.data(), text.size() + 1, form, again);
  va_end(again);
  va_end(list);
  return text;
}

void Region::regrain(int bytes) {
  const int wanted = bytes < 4 ? 1 : 4;
  if (grain_ == 0) {
    touched_ = Zeroed<Touched>(wanted == 1 ? size_ : size_ / 4 + 1);
  } else if (grain_ == 4 && wanted == 1) {
    // Each byte of a word was touched by who touched the word.
    Zeroed<Touched> finer(size_);
    for (size_t i = 0; i < size_; i++) {
      if (touched_.get()[i / 4].write | touched_.get()[i / 4].reads[0]) finer.get()[i] = touched_.get()[i / 4];
    }
    touched_ = std::move(finer);
  }
  grain_ = wanted;
}

Allocation* Memory::allocate(int device, uint64_t bytes, uint64_t limit, bool isConstant) {
  if (bytes > limit || used_[device] > limit - bytes) return nullptr;
  // The driver aligns to 256 bytes; what follows an allocation belongs to nobody.
  const uint64_t base = deviceWindow + static_cast<uint64_t>(device) * deviceSpan + (1u << 20) + next_[device];
  next_[device] += ((bytes + 255) / 256 + 2) * 256;
  auto made = std::unique_ptr<Allocation>(new Allocation{base, device, isConstant, Region(bytes)});
  Allocation* allocation = made.get();
  used_[device] += bytes;
  allocations_.emplace(base, std::move(made));
  return allocation;
}

bool Memory::release(uint64_t address) {
  const auto found = allocations_.find(address);
  if (found == allocations_.end()) return false;
  const uint64_t bytes = found->second->region.size();
  used_[found->second->device] -= bytes;
  freed_[address] = bytes;
  if (freed_.size() > 10000) freed_.erase(freed_.begin());
  allocations_.erase(found);
  return true;
}

Allocation* Memory::find(uint64_t address) {
  auto after = allocations_.upper_bound(address);
  if (after == allocations_.begin()) return nullptr;
  Allocation* allocation = std::prev(after)->second.get();
  return address < allocation->end() ? allocation : nullptr;
}

std::string Memory::describe(uint64_t address, uint64_t bytes) const {
  const auto near = [&](uint64_t base, uint64_t size, const char* what) {
    const auto from = static_cast<long long>(address - base);
    return format("offset %lld of %s of %llu bytes", from, what, static_cast<unsigned long long>(size));
  };
  const auto freed = freed_.upper_bound(address);
  if (freed != freed_.begin()) {
    const auto& [base, size] = *std::prev(freed);
    if (address < base + size) return near(base, size, "freed memory");
  }
  const auto after = allocations_.upper_bound(address);
  if (after != allocations_.begin()) {
    const Allocation& before = *std::prev(after)->second;
    if (address < before.end() + (1 << 20)) return near(before.base, before.region.size(), "an allocation");
  }
  if (after != allocations_.end() && after->second->base - address < (1 << 20) + bytes) {
    return near(after->second->base, after->second->region.size(), "an allocation");
  }
  return address < deviceWindow ? "an address of the host, or none" : "no memory that was ever allocated";
}

void Memory::clear() {
  allocations_.clear();
  freed_.clear();
  for (int device = 0; device < maxDevices; device++) used_[device] = 0;
}

Region& Memory::range(const char* what, uint64_t address, uint64_t bytes, uint64_t* offset) {
  Allocation* allocation = find(address);
  if (allocation == nullptr || bytes > allocation->end() - address) {
    throw Fault{illegalAddress,
                format("%s %llu bytes at %s", what, static_cast<unsigned long long>(bytes),
                       allocation == nullptr ? describe(address, bytes).c_str()
                                             : format("offset %llu of an allocation of %zu bytes",
                                                      static_cast<unsigned long long>(address - allocation->base),
                                                      allocation->region.size())
                                                   .c_str())};
  }
  *offset = address - allocation->base;
  return allocation->region;
}

void Memory::write(uint64_t to, const void* from, uint64_t bytes) {
  uint64_t offset;
  if (bytes == 0) return;
  Region& region = range("a copy writes", to, bytes, &offset);
  memcpy(region.bytes() + offset, from, bytes);
  memset(region.written() + offset, 1, bytes);
}

void Memory::read(void* to, uint64_t from, uint64_t bytes) {
  uint64_t offset;
  if (bytes == 0) return;
  Region& region = range("a copy reads", from, bytes, &offset);
  memcpy(to, region.bytes() + offset, bytes);
}

void Memory::copy(uint64_t to, uint64_t from, uint64_t bytes) {
  uint64_t here, there;
  if (bytes == 0) return;
  Region& source = range("a copy reads", from, bytes, &there);
  Region& target = range("a copy writes", to, bytes, &here);
  memmove(target.bytes() + here, source.bytes() + there, bytes);
  // What was never written stays so in the copy.
  memmove(target.written() + here, source.written() + there, bytes);
}

void Memory::fill(uint64_t to, uint32_t value, int width, uint64_t count) {
  uint64_t offset;
  if (count == 0) return;
  Region& region = range("a fill writes", to, count * static_cast<uint64_t>(width), &offset);
  for (uint64_t i = 0; i < count; i++)
    memcpy(region.bytes() + offset + i * static_cast<uint64_t>(width), &value, static_cast<size_t>(width));
  memset(region.written() + offset, 1, count * static_cast<uint64_t>(width));
}

}  // namespace flambeau::ptx
