// Kernels as users of CUDA write them, in which nvcc shows the PTX that it makes: kernels.ptx, committed beside this.
//   nvcc -arch=sm_80 -ptx -fmad=false -o kernels.ptx kernels.cu
#include <cstdint>

extern "C" __global__ void saxpy(float* y, const float* x, float a, int n) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) y[i] = a * x[i] + y[i];
}

// c = a b with tiles of 32 x 32 in shared memory; any sizes.
extern "C" __global__ void matmul(float* c, const float* a, const float* b, int m, int n, int k) {
  __shared__ float as[32][33], bs[32][33];
  const int x = threadIdx.x % 32, y = threadIdx.x / 32, column = blockIdx.x * 32 + x, rows = blockDim.x / 32;
  float sums[4] = {0, 0, 0, 0};
  for (int from = 0; from < k; from += 32) {
    for (int r = 0; r < 4; r++) {
      const int i = y + r * rows, row = blockIdx.y * 32 + i;
      as[i][x] = row < m && from + x < k ? a[row * k + from + x] : 0;
      bs[i][x] = from + i < k && column < n ? b[(from + i) * n + column] : 0;
    }
    __syncthreads();
    for (int j = 0; j < 32; j++) {
      for (int r = 0; r < 4; r++) sums[r] += as[y + r * rows][j] * bs[j][x];
    }
    __syncthreads();
  }
  for (int r = 0; r < 4; r++) {
    const int row = blockIdx.y * 32 + y + r * rows;
    if (row < m && column < n) c[row * n + column] = sums[r];
  }
}

// One row a block: softmax by shuffles and shared memory.
extern "C" __global__ void softmax(float* out, const float* in, int n) {
  extern __shared__ float parts[];
  const float* row = in + blockIdx.x * n;
  float most = -INFINITY;
  for (int i = threadIdx.x; i < n; i += blockDim.x) most = fmaxf(most, row[i]);
  for (int by = 16; by > 0; by /= 2) most = fmaxf(most, __shfl_xor_sync(~0u, most, by));
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = most;
  __syncthreads();
  for (int w = 0; w < blockDim.x / 32; w++) most = fmaxf(most, parts[w]);
  __syncthreads();
  float sum = 0;
  for (int i = threadIdx.x; i < n; i += blockDim.x) sum += expf(row[i] - most);
  for (int by = 16; by > 0; by /= 2) sum += __shfl_down_sync(~0u, sum, by);
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = sum;
  __syncthreads();
  sum = 0;
  for (int w = 0; w < blockDim.x / 32; w++) sum += parts[w];
  for (int i = threadIdx.x; i < n; i += blockDim.x) out[blockIdx.x * n + i] = expf(row[i] - most) / sum;
}

// Bitonic sort of one block's keys with their places, stable.
extern "C" __global__ void sort(float* values, int* places, int n) {
  __shared__ float v[1024];
  __shared__ int p[1024];
  const int t = threadIdx.x;
  v[t] = t < n ? values[t] : INFINITY;
  p[t] = t;
  for (int size = 2; size <= blockDim.x; size *= 2) {
    for (int step = size / 2; step > 0; step /= 2) {
      __syncthreads();
      const int other = t ^ step;
      if (other > t) {
        const bool isUp = (t & size) == 0;
        const bool isGreater = v[t] > v[other] || (v[t] == v[other] && p[t] > p[other]);
        if (isGreater == isUp) {
          const float a = v[t];
          const int b = p[t];
          v[t] = v[other], p[t] = p[other];
          v[other] = a, p[other] = b;
        }
      }
    }
  }
  __syncthreads();
  if (t < n) values[t] = v[t], places[t] = p[t];
}

extern "C" __global__ void histogram(int* counts, const uint8_t* x, int n) {
  __shared__ int own[256];
  own[threadIdx.x] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) atomicAdd(&own[x[i]], 1);
  __syncthreads();
  if (own[threadIdx.x] > 0) atomicAdd(&counts[threadIdx.x], own[threadIdx.x]);
}

// The last block to finish adds up what all have written: ordered by fences around an atomic.
extern "C" __global__ void total(float* out, float* parts, unsigned* done, const float* x, int n) {
  __shared__ bool isLast;
  float sum = 0;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) sum += x[i];
  for (int by = 16; by > 0; by /= 2) sum += __shfl_down_sync(~0u, sum, by);
  if (threadIdx.x == 0) {
    parts[blockIdx.x] = sum;
    __threadfence();
    isLast = atomicAdd(done, 1u) == gridDim.x - 1;
    __threadfence();
  }
  __syncthreads();
  if (isLast && threadIdx.x == 0) {
    sum = 0;
    for (int b = 0; b < gridDim.x; b++) sum += parts[b];
    *out = sum;
  }
}

// Functions of CUDA's library, with their slow paths, tables and calls.
extern "C" __global__ void singles(float* out, const float* x, int n) {
  const int i = threadIdx.x;
  if (i >= n) return;
  const float a = x[i], results[] = {sinf(a), cosf(a), expf(a), logf(a), tanhf(a), erff(a), powf(fabsf(a), 1.7f), fmodf(a, 0.7f),
                                     sqrtf(a), 1 / a, rsqrtf(a), rintf(a)};
  for (int k = 0; k < 12; k++) out[k * n + i] = results[k];
}
extern "C" __global__ void doubles(double* out, const double* x, int n) {
  const int i = threadIdx.x;
  if (i >= n) return;
  const double a = x[i], results[] = {sin(a), exp(a), log(a), pow(fabs(a), 1.7), fmod(a, 0.7), sqrt(a), 1 / a};
  for (int k = 0; k < 7; k++) out[k * n + i] = results[k];
}

extern "C" __global__ void integers(int64_t* out, const int64_t* x, const int64_t* y, int n) {
  const int i = threadIdx.x;
  if (i >= n) return;
  const int64_t a = x[i], b = y[i];
  const int32_t c = static_cast<int32_t>(a), d = static_cast<int32_t>(b);
  const uint32_t e = static_cast<uint32_t>(a), f = static_cast<uint32_t>(b);
  int local[8];
  for (int k = 0; k < 8; k++) local[k] = c * k;
  int64_t chosen = 0;
  switch (d & 7) {
    case 0: chosen = 11; break;
    case 1: chosen = c; break;
    case 2: chosen = __popcll(a); break;
    case 3: chosen = __clz(c); break;
    case 4: chosen = __brev(e); break;
    case 5: chosen = __mulhi(c, d); break;
    case 6: chosen = __ffs(c); break;
    default: chosen = __byte_perm(e, f, 0x6172);
  }
  const int64_t results[] = {a + b, a * b, b ? a / b : 0, b ? a % b : 0, a >> (b & 63), a << (b & 63), d ? c / d : 0, d ? c % d : 0,
                             f ? e / f : 0, f ? e % f : 0, __mul64hi(a, b), local[d & 7], chosen, static_cast<int8_t>(c), static_cast<uint16_t>(e), llabs(a)};
  for (int k = 0; k < 16; k++) out[k * n + i] = results[k];
}

// A tile by copies that go on while the block works.
extern "C" __global__ void staged(float* out, const float* in) {
  __shared__ __align__(16) float tile[256];
  const uint32_t to = static_cast<uint32_t>(__cvta_generic_to_shared(tile + 4 * threadIdx.x));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(in + 4 * threadIdx.x));
  asm volatile("cp.async.commit_group;");
  asm volatile("cp.async.wait_group 0;" ::: "memory");
  __syncthreads();
  for (int i = threadIdx.x; i < 256; i += blockDim.x) out[i] = tile[255 - i];
}
