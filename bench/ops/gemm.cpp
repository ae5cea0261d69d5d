// Products of other libraries as subjects: `gemm openblas`, `gemm onednn` through their C interfaces if they are
// installed, `gemm eigen` if its headers are. A product is named `gemm float32 nt M K N`: which factors are transposed,
// and the sizes.
#include <dlfcn.h>

#include <cstdint>
#include <memory>
#include <sstream>

#include "../floors/cpp/serve.hpp"

#if __has_include(<eigen3/Eigen/Core>)
#include <eigen3/Eigen/Core>
#define HAS_EIGEN
#endif

template <class T> struct Product {
  std::string turned;
  int m, k, n;
  std::vector<T> a, b, c;

  bool isTurned(int of) const { return turned[of] == 't'; }
  std::vector<Floats> results() const { return {Floats(c.begin(), c.end())}; }
};

/** A function of a library that may be installed under one of these names. */
template <class F> F* symbol(std::initializer_list<const char*> files, const char* name) {
  for (const char* file : files)
    if (void* library = dlopen(file, RTLD_NOW | RTLD_GLOBAL))
      if (void* found = dlsym(library, name)) return reinterpret_cast<F*>(found);
  return nullptr;
}

template <class T> std::function<void()> openblas(std::shared_ptr<Product<T>> p) {
  using Gemm = void(int, int, int, int, int, int, T, const T*, int, const T*, int, T, T*, int);
  const auto gemm = symbol<Gemm>({"libopenblas.so.0"}, sizeof(T) == 4 ? "cblas_sgemm" : "cblas_dgemm");
  if (gemm == nullptr) return {};
  constexpr int rows = 101, plain = 111, turned = 112;
  return [=] {
    gemm(rows, p->isTurned(0) ? turned : plain, p->isTurned(1) ? turned : plain, p->m, p->n, p->k, 1, p->a.data(),
         p->isTurned(0) ? p->m : p->k, p->b.data(), p->isTurned(1) ? p->k : p->n, 0, p->c.data(), p->n);
  };
}

template <class T> std::function<void()> onednn(std::shared_ptr<Product<T>> p) {
  if constexpr (sizeof(T) != 4) {
    return {};  // the library has no such product
  } else {
    using Gemm = int(char, char, int64_t, int64_t, int64_t, float, const float*, int64_t, const float*, int64_t, float,
                     float*, int64_t);
    const auto gemm = symbol<Gemm>({"libdnnl.so.3", "libdnnl.so.2"}, "dnnl_sgemm");
    if (gemm == nullptr) return {};
    return [=] {
      gemm(p->isTurned(0) ? 'T' : 'N', p->isTurned(1) ? 'T' : 'N', p->m, p->n, p->k, 1, p->a.data(),
           p->isTurned(0) ? p->m : p->k, p->b.data(), p->isTurned(1) ? p->k : p->n, 0, p->c.data(), p->n);
    };
  }
}

#ifdef HAS_EIGEN
template <class T> std::function<void()> eigen(std::shared_ptr<Product<T>> p) {
  using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
  return [=] {
    // By columns, which is Eigen's default: the same numbers seen as transposed, so c' = b' a'.
    const int m = p->m, k = p->k, n = p->n;
    Eigen::Map<Matrix> a(p->a.data(), p->isTurned(0) ? m : k, p->isTurned(0) ? k : m);
    Eigen::Map<Matrix> b(p->b.data(), p->isTurned(1) ? k : n, p->isTurned(1) ? n : k);
    Eigen::Map<Matrix> c(p->c.data(), n, m);
    if (p->isTurned(0))
      c.noalias() = b * a.transpose();
    else if (p->isTurned(1))
      c.noalias() = b.transpose() * a;
    else
      c.noalias() = b * a;
  };
}
#endif

template <class T>
Ready product(Inputs& in, const std::string& library, const std::string& turned, int m, int k, int n) {
  const Floats &a = in["a"], &b = in["b"];
  const auto p = std::make_shared<Product<T>>(
      Product<T>{turned, m, k, n, {a.begin(), a.end()}, {b.begin(), b.end()}, std::vector<T>(m * n)});
  std::function<void()> step;
  if (library == "openblas") step = openblas(p);
  if (library == "onednn") step = onednn(p);
#ifdef HAS_EIGEN
  if (library == "eigen") step = eigen(p);
#endif
  return {step, [=] { return p->results(); }};
}

int main(int, char** words) {
  serve([&](const std::string& name, Inputs& in) {
    std::string kind, dtype, turned;
    int m, k, n;
    std::istringstream(name) >> kind >> dtype >> turned >> m >> k >> n;
    return dtype == "float32" ? product<float>(in, words[1], turned, m, k, n)
                              : product<double>(in, words[1], turned, m, k, n);
  });
}
