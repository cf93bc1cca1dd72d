# The libraries of docs/decisions/0002-dependencies.md. scripts/deps.sh installs them on Debian.
find_package(PkgConfig REQUIRED)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson>=2.13)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)

if(INKSTONE_OPENMP)
  find_package(OpenMP REQUIRED COMPONENTS C)
  set(INKSTONE_THREADS OpenMP::OpenMP_C)
else()
  find_package(Threads REQUIRED)
  set(INKSTONE_THREADS Threads::Threads)
endif()

if(INKSTONE_ONEDNN)
  find_library(ONEDNN_LIBRARY dnnl)
  find_path(ONEDNN_INCLUDE oneapi/dnnl/dnnl.h)
  if(NOT ONEDNN_LIBRARY OR NOT ONEDNN_INCLUDE)
    message(STATUS "oneDNN not found: dense products use our own kernels")
  endif()
endif()

# Everything the library links.
add_library(inkstone_needs INTERFACE)
target_link_libraries(inkstone_needs INTERFACE PkgConfig::JANSSON PkgConfig::YAML PkgConfig::PCRE2 PkgConfig::UTF8PROC
                      ${INKSTONE_THREADS} m)
if(ONEDNN_LIBRARY AND ONEDNN_INCLUDE)
  target_link_libraries(inkstone_needs INTERFACE ${ONEDNN_LIBRARY})
endif()
