# kernels_for_each_isa(target): compiles isa/kernels.inc once per instruction set into `target`.
# To add an instruction set: one line in the list below and one in kernels.c's table.
function(kernels_for_each_isa target)
  if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/kernels/isa/scalar.c)
    return()
  endif()
  target_sources(${target} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/kernels/isa/scalar.c)
  if(INKSTONE_SANITIZE AND CMAKE_C_COMPILER_ID STREQUAL "GNU") # -g would take gcc most of the time
    target_compile_options(${target} PRIVATE -fno-var-tracking-assignments)
  endif()
  if(INKSTONE_FUZZ) # vector kernels take minutes to compile with sanitizers and process no untrusted bytes
    target_compile_definitions(${target} PRIVATE KERNELS_SCALAR_ONLY)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    target_sources(${target} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/kernels/isa/avx2.c
                                     ${CMAKE_CURRENT_SOURCE_DIR}/kernels/isa/avx512.c
                                     ${CMAKE_CURRENT_SOURCE_DIR}/kernels/isa/avx512bf16.c
                                     ${CMAKE_CURRENT_SOURCE_DIR}/kernels/isa/amx.c)
    set_source_files_properties(${CMAKE_CURRENT_SOURCE_DIR}/kernels/isa/avx2.c TARGET_DIRECTORY ${target}
      PROPERTIES COMPILE_OPTIONS "-march=haswell")
    set_source_files_properties(${CMAKE_CURRENT_SOURCE_DIR}/kernels/isa/avx512.c TARGET_DIRECTORY ${target}
      PROPERTIES COMPILE_OPTIONS "-march=skylake-avx512;-mprefer-vector-width=512")
    set_source_files_properties(${CMAKE_CURRENT_SOURCE_DIR}/kernels/isa/avx512bf16.c TARGET_DIRECTORY ${target}
      PROPERTIES COMPILE_OPTIONS "-march=skylake-avx512;-mavx512bf16;-mavx512vnni;-mprefer-vector-width=512")
    set_source_files_properties(${CMAKE_CURRENT_SOURCE_DIR}/kernels/isa/amx.c TARGET_DIRECTORY ${target}
      PROPERTIES COMPILE_OPTIONS "-march=skylake-avx512;-mavx512bf16;-mavx512vnni;-mamx-tile;-mamx-bf16;-mprefer-vector-width=512")
  endif()
endfunction()
