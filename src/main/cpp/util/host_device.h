// Marks code that serves both the C++ compiler and nvcc, and names the instruction set being built.
#pragma once

// Inlining is a promise, not a hint: a loop over an out-of-line call cannot be vectorised, and an
// out-of-line copy built for AVX-512 must never be the one the linker keeps for every machine.
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

// Kernel files are compiled once per instruction set with -DCHAINRULE_ISA=baseline|avx2|avx512. Code
// shared by those builds lives in an inline namespace of this name, so their symbols never meet.
#ifndef CHAINRULE_ISA
#define CHAINRULE_ISA plain
#endif
