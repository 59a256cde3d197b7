# Cross compiling for linux-x86_64, with Debian's g++-x86-64-linux-gnu or with the compiler that CXX names.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
if(NOT CMAKE_CXX_COMPILER)
  set(CMAKE_CXX_COMPILER x86_64-linux-gnu-g++)
endif()
