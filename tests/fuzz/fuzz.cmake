# tests/fuzz/fuzz_<name>.c becomes the program fuzz_<name>, where the preset fuzz asks for it; its smoke test runs every
# seed of tests/fuzz/seeds/<name> and a bounded number of changes to them. `ctest -R fuzz` runs all of them.
function(build_fuzzers)
  target_compile_options(inkstone_flags INTERFACE -fsanitize=fuzzer-no-link) # it sees which branches were taken
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/fuzz_*.c)
  get_property(layers GLOBAL PROPERTY INKSTONE_LAYERS)
  add_custom_target(fuzzers)
  foreach(file ${files})
    get_filename_component(name ${file} NAME_WE)
    add_executable(${name} ${file})
    target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
    target_compile_options(${name} PRIVATE -fsanitize=fuzzer)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    target_link_libraries(${name} PRIVATE ink_serve)
    add_dependencies(fuzzers ${name})
    add_test(NAME ${name} COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/smoke.sh $<TARGET_FILE:${name}>
             ${CMAKE_CURRENT_SOURCE_DIR}/fuzz)
  endforeach()
endfunction()
if(INKSTONE_FUZZ)
  build_fuzzers()
endif()
