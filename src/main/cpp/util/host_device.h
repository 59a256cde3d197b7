// Macros for code that both the C++ compiler and nvcc compile, and the name of the instruction set that is being built.
#pragma once

// Inlining is forced, not just suggested: a loop with a call that is not inlined cannot be vectorised, and the linker
// must not keep a copy that was built for AVX-512 for all machines.
#if defined(__CUDACC__)
#define HOST_DEVICE __host__ __device__
#elif defined(__GNUC__)
#define HOST_DEVICE __attribute__((always_inline))
#else
#define HOST_DEVICE
#endif

#if defined(__CUDACC__)
#define CHAINRULE_INLINE __forceinline__
#elif defined(__GNUC__)
#define CHAINRULE_INLINE inline __attribute__((always_inline))
#elif defined(_MSC_VER)
#define CHAINRULE_INLINE __forceinline
#else
#define CHAINRULE_INLINE inline
#endif

// Kernel files are compiled once per instruction set with -DCHAINRULE_ISA=baseline|avx2|avx512. Code that these builds
// share is in an inline namespace of this name, so that its symbols differ between the builds.
#ifndef CHAINRULE_ISA
#define CHAINRULE_ISA plain
#endif
