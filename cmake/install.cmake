# Filled by the install rules: libraries, header, pkg-config and CMake files, man pages, completion.
