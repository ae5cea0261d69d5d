// The order of execution: groups of lanes at one instruction, the lowest first, so that lanes meet again where their
// paths do; barriers; and what is wrong with either.
#include "block.h"

#include <algorithm>
#include <climits>

namespace flambeau::ptx {

namespace {

constexpr int barrierCount = 16;

void require(bool is, const std::string& why) {
  if (!is) throw Fault{launchFailed, why};
}

}  // namespace

Block::Block(Run& run)
    : run_(run),
      kernel_(run.kernel),
      threads_(static_cast<int>(run.launch.block[0] * run.launch.block[1] * run.launch.block[2])),
      warpCount_((threads_ + warpSize - 1) / warpSize),
      warps_(static_cast<size_t>(warpCount_)),
      shared_(static_cast<size_t>(kernel_.sharedBytes) + run.launch.dynamicShared),
      local_(static_cast<size_t>(threads_) * static_cast<size_t>(kernel_.localBytes)),
      localWritten_(local_.size()),
      barriers_(barrierCount) {
  int index = 0;
  for (Warp& w : warps_) {
    w.index = index++;
    w.file.assign(static_cast<size_t>(kernel_.slots) * 128, 0);
    w.constants = reinterpret_cast<const char*>(kernel_.constants.data() + kernel_.constants.size());
    w.written.resize(static_cast<size_t>(kernel_.slots));
    w.predicates.resize(static_cast<size_t>(kernel_.predicates));
    w.predicateWritten.resize(static_cast<size_t>(kernel_.predicates));
  }
}

void Block::fill(Warp& w, const Special& special, const uint32_t index[3]) {
  const Launch& launch = run_.launch;
  const std::string& name = special.name;
  const auto axis = static_cast<size_t>(name.back() - 'x');
  const bool isIndex = name.size() > 2 && name[name.size() - 2] == '.' && axis < 3;
  const std::string stem = isIndex ? name.substr(0, name.size() - 2) : name;
  for (int lane = 0; lane < warpSize; lane++) {
    const auto thread = static_cast<uint32_t>(w.index * warpSize + lane);
    const uint32_t bit = 1u << lane;
    uint64_t value = 0;
    if (stem == "%tid") {
      const uint32_t x = launch.block[0], y = launch.block[1];
      value = axis == 0 ? thread % x : axis == 1 ? thread / x % y : thread / x / y;
    } else if (stem == "%ntid") {
      value = launch.block[axis];
    } else if (stem == "%ctaid") {
      value = index[axis];
    } else if (stem == "%nctaid") {
      value = launch.grid[axis];
    } else if (name == "%laneid") {
      value = static_cast<uint64_t>(lane);
    } else if (name == "%warpid") {
      value = static_cast<uint64_t>(w.index);
    } else if (name == "%nwarpid") {
      value = 32;
    } else if (name == "%nsmid") {
      value = 1;
    } else if (name == "%lanemask_eq") {
      value = bit;
    } else if (name == "%lanemask_lt") {
      value = bit - 1;
    } else if (name == "%lanemask_le") {
      value = bit | (bit - 1);
    } else if (name == "%lanemask_gt") {
      value = ~(bit | (bit - 1));
    } else if (name == "%lanemask_ge") {
      value = ~(bit - 1);
    } else if (name == "%dynamic_smem_size") {
      value = launch.dynamicShared;
    } else if (name == "%total_smem_size") {
      value = shared_.size();
    }
    if (name == "%gridid") {
      w.at<uint64_t>(special.slot)[lane] = value;
    } else {
      w.at<uint32_t>(special.slot)[lane] = static_cast<uint32_t>(value);
    }
  }
  w.written[static_cast<size_t>(special.slot)] = allLanes;
}

void Block::start(Warp& w, const uint32_t index[3]) {
  const int lanes = std::min(warpSize, threads_ - w.index * warpSize);
  w.live = w.mask = lanes == warpSize ? allLanes : (1u << lanes) - 1;
  w.pc = 0;
  w.nextPc = INT_MAX;
  w.groups.clear();
  w.pending.clear();
  w.committed.assign(warpSize, 0);
  w.fenced = 0;
  w.carry = 0;
  w.clock.assign(static_cast<size_t>(warpCount_), 0);
  std::fill(w.written.begin(), w.written.end(), 0);
  std::fill(w.predicateWritten.begin(), w.predicateWritten.end(), 0);
  w.predicates[always] = allLanes;
  for (const Special& special : kernel_.specials) fill(w, special, index);
}

bool Block::canRun(const Warp& w) {
  if (w.mask != 0) return true;
  return std::any_of(w.groups.begin(), w.groups.end(), [](const Group& group) { return group.barrier < 0; });
}

bool Block::regroup(Warp& w) {
  if (w.mask != 0) w.groups.push_back({w.pc, w.mask, -1});
  w.mask = 0;
  w.nextPc = INT_MAX;
  int first = INT_MAX;
  for (const Group& group : w.groups) {
    if (group.barrier < 0) first = std::min(first, group.pc);
  }
  if (first == INT_MAX) return false;
  w.pc = first;
  size_t kept = 0;
  for (const Group& group : w.groups) {
    if (group.barrier < 0 && group.pc == first) {
      w.mask |= group.mask;
    } else {
      if (group.barrier < 0) w.nextPc = std::min(w.nextPc, group.pc);
      w.groups[kept++] = group;
    }
  }
  w.groups.resize(kept);
  return true;
}

void Block::run(const uint32_t index[3]) {
  std::copy(index, index + 3, index_);
  if (shared_.size() > 0) memset(shared_.written(), 0, shared_.size());
  std::fill(localWritten_.begin(), localWritten_.end(), 0);
  for (Warp& w : warps_) start(w, index);
  for (Barrier& barrier : barriers_) barrier = Barrier();
  seen_.clear();
  acquired_.clear();
  std::vector<Warp*> order;
  for (Warp& w : warps_) order.push_back(&w);
  if (run_.options.order == Order::reversed) std::reverse(order.begin(), order.end());
  const bool isRandom = run_.options.order == Order::random;
  while (!order.empty()) {
    if (isRandom) {
      for (size_t i = order.size(); i > 1; i--) std::swap(order[i - 1], order[run_.draw(i)]);
    }
    bool hasRun = false;
    for (Warp* w : order) {
      if (!canRun(*w)) continue;
      hasRun = true;
      step(*w, isRandom ? static_cast<int64_t>(1 + run_.draw(200)) : 1 << 16);
    }
    if (!hasRun) deadlock();
    order.erase(std::remove_if(order.begin(), order.end(), [](const Warp* w) { return w->live == 0; }), order.end());
  }
}

void Block::deadlock() {
  for (size_t id = 0; id < barriers_.size(); id++) {
    const Barrier& barrier = barriers_[id];
    if (barrier.waiting.empty()) continue;
    current_ = barrier.waiting[0].warp;
    instr_ = barrier.waiting[0].by;
    lane_ = lowest(barrier.waiting[0].mask);
    throw Fault{launchFailed, format("deadlock: %d of %d threads have reached barrier %zu, and no other will",
                                     barrier.arrived, barrier.expected, id)};
  }
  throw Fault{launchFailed, "deadlock"};
}

void Block::checkRegisters(const Warp& w, const Instr& in, uint32_t mask) {
  for (const int slot : in.reads) {
    if (const uint32_t missing = mask & ~w.written[static_cast<size_t>(slot)]) {
      lane_ = lowest(missing);
      throw Fault{launchFailed, "a register is read that was never written"};
    }
  }
  for (const int p : in.predicateReads) {
    if (p == in.guard) continue;
    if (const uint32_t missing = mask & ~w.predicateWritten[static_cast<size_t>(p)]) {
      lane_ = lowest(missing);
      throw Fault{launchFailed, "a predicate is read that was never written"};
    }
  }
}

void Block::step(Warp& w, int64_t budget) {
  const Instr* code = kernel_.code.data();
  const bool counts = run_.options.counts;
  current_ = &w;
  for (; budget > 0; budget--) {
    if ((w.pc >= w.nextPc || w.mask == 0) && !regroup(w)) break;
    const Instr& in = code[w.pc];
    instr_ = &in;
    lane_ = -1;
    uint32_t mask = w.mask;
    if (in.guard >= 0) {
      const auto guard = static_cast<size_t>(in.guard);
      if (in.guard > always && (mask & ~w.predicateWritten[guard])) {
        lane_ = lowest(mask & ~w.predicateWritten[guard]);
        throw Fault{launchFailed, "a predicate is read that was never written"};
      }
      const uint32_t holds = w.predicate(in.guard, in.guardNegated) & mask;
      if (counts) {
        in.counts.guardTrue += static_cast<uint64_t>(__builtin_popcount(holds));
        in.counts.guardFalse += static_cast<uint64_t>(__builtin_popcount(mask & ~holds));
      }
      mask = holds;
    }
    if (mask == 0) {
      w.pc++;
      continue;
    }
    run_.instructions++;
    in.counts.warps++;
    if (counts) in.counts.lanes += static_cast<uint64_t>(__builtin_popcount(mask));
    checkRegisters(w, in, mask);
    if (in.kind == Kind::compute) {
      in.run(w, in, mask);
      w.pc++;
    } else {
      control(w, in, mask);
    }
    for (const int slot : in.writes) w.written[static_cast<size_t>(slot)] |= mask;
    if (in.pdst[0] > always) w.predicateWritten[static_cast<size_t>(in.pdst[0])] |= mask;
    if (in.pdst[1] > always) w.predicateWritten[static_cast<size_t>(in.pdst[1])] |= mask;
  }
  if (run_.instructions > run_.options.limit) {
    throw Fault{launchTimeout, format("the launch ran %llu instructions of warps and did not end",
                                      static_cast<unsigned long long>(run_.instructions))};
  }
}

void Block::control(Warp& w, const Instr& in, uint32_t mask) {
  switch (in.kind) {
    case Kind::branch:
      if (mask == w.mask) {
        w.pc = in.target;
      } else {
        w.groups.push_back({in.target, mask, -1});
        w.nextPc = std::min(w.nextPc, in.target);
        w.mask &= ~mask;
        w.pc++;
      }
      return;
    case Kind::branchTable: {
      const auto* index = w.in<uint32_t>(in.src[0]);
      for (int l = 0; l < warpSize; l++) {
        if (!(mask >> l & 1)) continue;
        lane_ = l;
        require(index[l] < in.targets.size(), format("index %u of %zu labels", index[l], in.targets.size()));
        const int target = in.targets[index[l]];
        w.groups.push_back({target, 1u << l, -1});
        w.nextPc = std::min(w.nextPc, target);
      }
      w.mask &= ~mask;
      w.pc++;
      return;
    }
    case Kind::exit:
      // Copies that nobody waited for still happen.
      for (const Pending& copy : w.pending) {
        if (mask >> copy.lane & 1) complete(w, copy);
      }
      w.pending.erase(std::remove_if(w.pending.begin(), w.pending.end(),
                                     [&](const Pending& copy) { return (mask >> copy.lane & 1) != 0; }),
                      w.pending.end());
      w.live &= ~mask;
      w.mask &= ~mask;
      w.pc++;
      return;
    case Kind::trap:
      lane_ = lowest(mask);
      throw Fault{launchFailed, "trap"};
    case Kind::load:
      load(w, in, mask);
      break;
    case Kind::store:
      store(w, in, mask);
      break;
    case Kind::atomic:
      atomic(w, in, mask);
      break;
    case Kind::copyAsync:
      copyAsync(w, in, mask);
      break;
    case Kind::commitGroup:
      for (int l = 0; l < warpSize; l++) {
        if (mask >> l & 1) w.committed[static_cast<size_t>(l)]++;
      }
      break;
    case Kind::waitGroup:
      waitGroup(w, in, mask);
      break;
    case Kind::barrier:
      return arrive(w, in, mask);
    case Kind::warpBarrier:
      warpBarrier(w, in, mask);
      break;
    case Kind::fence:
      fence(mask, w);
      break;
    case Kind::clock: {
      // Time goes on with every instruction.
      const uint64_t now = run_.instructions;
      for (int l = 0; l < warpSize; l++) {
        if (!(mask >> l & 1)) continue;
        if (in.bytes == 8) {
          w.at<uint64_t>(in.dst[0])[l] = now;
        } else {
          w.at<uint32_t>(in.dst[0])[l] = static_cast<uint32_t>(now);
        }
      }
      break;
    }
    default:
      throw Fault{launchFailed, "an instruction that the interpreter lost"};
  }
  w.pc++;
}

// ---- barriers ----

void Block::arrive(Warp& w, const Instr& in, uint32_t mask) {
  enum { sync, arrives, redPopc };
  const auto *ids = w.in<uint32_t>(in.src[0]), *counts = w.in<uint32_t>(in.src[1]);
  const int first = lowest(mask);
  const uint32_t id = ids[first];
  for (int l = 0; l < warpSize; l++)
    require(!(mask >> l & 1) || ids[l] == id, "the lanes of a warp are at different barriers");
  require(id < barrierCount, format("barrier %u of %d", id, barrierCount));
  if ((in.flags & isAligned) && mask != w.live) {
    lane_ = lowest(w.live & ~mask);
    throw Fault{launchFailed,
                format("a barrier is reached by part of a warp only (lanes 0x%08x of 0x%08x)", mask, w.live)};
  }
  Barrier& barrier = barriers_[id];
  int expected = threads_, arriving = __builtin_popcount(mask);
  if (in.vector) {
    expected = static_cast<int>(counts[first]);
    require(expected > 0 && expected % warpSize == 0, format("a barrier counts whole warps, not %d threads", expected));
    if (in.flags & isAligned) arriving = warpSize;
  }
  require(barrier.arrived == 0 || barrier.expected == expected,
          format("barrier %u is for %d threads here and for %d elsewhere", id, expected, barrier.expected));
  barrier.expected = expected;
  barrier.arrived += arriving;
  require(barrier.arrived <= expected,
          format("%d threads have reached barrier %u, which is for %d", barrier.arrived, id, expected));
  if (in.op >= redPopc) {
    const uint32_t p = w.predicate(in.psrc, in.psrcNegated) & mask;
    barrier.popc += static_cast<uint32_t>(__builtin_popcount(p));
    barrier.isAll = barrier.isAll && p == mask;
    barrier.isAny = barrier.isAny || p != 0;
  }
  // What happened before belongs to an epoch that has ended.
  uint32_t& epoch = w.clock[static_cast<size_t>(w.index)];
  require(++epoch < epochMask, "a block has too many barriers for the race detector");
  barrier.joined.resize(static_cast<size_t>(warpCount_), 0);
  for (size_t v = 0; v < barrier.joined.size(); v++) barrier.joined[v] = std::max(barrier.joined[v], w.clock[v]);
  w.pc++;
  if (in.op != arrives) {
    barrier.waiting.push_back({&w, mask, &in});
    w.groups.push_back({w.pc, mask, static_cast<int>(id)});
    w.mask &= ~mask;
  }
  if (barrier.arrived == expected) release(barrier);
}

void Block::release(Barrier& barrier) {
  enum { redPopc = 2, redAnd, redOr };
  const auto id = static_cast<int>(&barrier - barriers_.data());
  for (const Barrier::Waiting& waiting : barrier.waiting) {
    Warp& w = *waiting.warp;
    for (size_t v = 0; v < barrier.joined.size(); v++) w.clock[v] = std::max(w.clock[v], barrier.joined[v]);
    const Instr& by = *waiting.by;
    if (by.op == redPopc) {
      for (int l = 0; l < warpSize; l++) {
        if (waiting.mask >> l & 1) w.at<uint32_t>(by.dst[0])[l] = barrier.popc;
      }
      w.written[static_cast<size_t>(by.dst[0])] |= waiting.mask;
    } else if (by.op >= redAnd) {
      w.setPredicate(by.pdst[0], (by.op == redAnd ? barrier.isAll : barrier.isAny) ? allLanes : 0, waiting.mask);
      w.predicateWritten[static_cast<size_t>(by.pdst[0])] |= waiting.mask;
    }
    for (Group& group : w.groups) {
      if (group.barrier != id) continue;
      group.barrier = -1;
      w.nextPc = std::min(w.nextPc, group.pc);
    }
  }
  barrier = Barrier();
}

void Block::warpBarrier(Warp& w, const Instr& in, uint32_t mask) {
  const auto* named = w.in<uint32_t>(in.src[0]);
  for (int l = 0; l < warpSize; l++) {
    if (!(mask >> l & 1)) continue;
    lane_ = l;
    require(named[l] >> l & 1, format("lane %d takes part but is not in the mask 0x%08x", l, named[l]));
    require((named[l] & w.live & ~mask) == 0, format("lane %d is in the mask 0x%08x but is not at this instruction",
                                                     lowest((named[l] & w.live & ~mask) | 1u << 31), named[l]));
  }
  // Lanes of a part of the warp stay unordered for the race detector.
  if (mask == w.live) w.clock[static_cast<size_t>(w.index)]++;
}

Fault Block::located(const Fault& fault) const {
  std::string text = "kernel '" + kernel_.name + "'";
  if (instr_ != nullptr && instr_->line > 0) {
    const std::string& source = kernel_.module->lines[static_cast<size_t>(instr_->line) - 1];
    const size_t from = source.find_first_not_of(" \t");
    text += format(", line %d, `%s`", instr_->line, from == std::string::npos ? "" : source.c_str() + from);
  }
  text += format(", block (%u, %u, %u)", index_[0], index_[1], index_[2]);
  if (current_ != nullptr) {
    const auto thread = static_cast<uint32_t>(current_->index * warpSize + (lane_ < 0 ? 0 : lane_));
    const uint32_t x = run_.launch.block[0], y = run_.launch.block[1];
    text += format(", %s (%u, %u, %u)", lane_ < 0 ? "warp of thread" : "thread", thread % x, thread / x % y,
                   thread / x / y);
  }
  return {fault.code, text + ": " + fault.text};
}

// ---- launches ----

uint64_t run(Kernel& kernel, const Launch& launch, Memory& memory, const Options& options) {
  // Serial numbers of blocks go on through the process, so that stamps of earlier launches are told apart.
  static uint32_t nextSerial = 1;
  const uint64_t blocks = uint64_t{launch.grid[0]} * launch.grid[1] * launch.grid[2];
  kernel.launches++;
  Run state{kernel, launch, memory, options, nextSerial, nextSerial, 0, options.seed * 2654435761u + kernel.launches,
            {}};
  if (nextSerial + blocks > UINT32_MAX)
    throw Fault{launchFailed, "more blocks than the race detector can number: start a new process"};
  nextSerial += static_cast<uint32_t>(blocks);
  for (const Instr& in : kernel.code) in.last = nullptr;
  std::vector<uint32_t> order;
  if (options.order == Order::random && blocks < (1u << 24)) {
    for (uint32_t i = 0; i < blocks; i++) order.push_back(i);
    for (size_t i = order.size(); i > 1; i--) std::swap(order[i - 1], order[state.draw(i)]);
  }
  Block block(state);
  try {
    for (uint64_t i = 0; i < blocks; i++) {
      const uint64_t at = !order.empty() ? order[i] : options.order == Order::reversed ? blocks - 1 - i : i;
      const uint32_t index[3] = {static_cast<uint32_t>(at % launch.grid[0]),
                                 static_cast<uint32_t>(at / launch.grid[0] % launch.grid[1]),
                                 static_cast<uint32_t>(at / launch.grid[0] / launch.grid[1])};
      block.run(index);
      state.serial++;
    }
  } catch (const Fault& fault) {
    throw block.located(fault);
  }
  return state.instructions;
}

}  // namespace flambeau::ptx
