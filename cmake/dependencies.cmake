# The libraries of docs/decisions/0002-dependencies.md. scripts/deps.sh installs them on Debian.
find_package(PkgConfig REQUIRED)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson>=2.13)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(CURL REQUIRED libcurl>=7.85) # only its header: the library is loaded on first use
pkg_check_modules(MICROHTTPD REQUIRED libmicrohttpd>=0.9.71) # of the command only, and likewise
pkg_check_modules(LIBEDIT REQUIRED IMPORTED_TARGET libedit) # the command only

find_package(Threads REQUIRED)

# Not for the product: bench_gemm measures it beside our own products where it is installed.
find_library(ONEDNN_LIBRARY dnnl)
find_path(ONEDNN_INCLUDE oneapi/dnnl/dnnl.h)

# Everything the library links.
add_library(inkstone_needs INTERFACE)
target_link_libraries(inkstone_needs INTERFACE PkgConfig::JANSSON PkgConfig::YAML PkgConfig::PCRE2 PkgConfig::UTF8PROC
                      PkgConfig::ZLIB PkgConfig::ZSTD
                      Threads::Threads m)
