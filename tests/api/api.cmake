# What a program that uses the library has: the header in other languages, the examples, and the command built like them.
if(NOT TARGET inkstone_shared)
  return()
endif()
set(api_dir ${CMAKE_CURRENT_SOURCE_DIR}/api)

# The header alone, as strict C99 and as C++17.
set(strict "-Wall -Wextra -Wpedantic -Werror -fsyntax-only -I${PROJECT_SOURCE_DIR}/include ${api_dir}/header.c")
add_test(NAME api_header_c99 COMMAND sh -c "exec '${CMAKE_C_COMPILER}' -std=c99 ${strict}")
add_test(NAME api_header_cxx17 COMMAND sh -c
  "'${CMAKE_C_COMPILER}' -x c++ -std=c++17 -fsyntax-only /dev/null 2>/dev/null || { echo 'SKIP: no C++'; exit 77; }; \
   exec '${CMAKE_C_COMPILER}' -x c++ -std=c++17 ${strict}")
set_tests_properties(api_header_cxx17 PROPERTIES SKIP_RETURN_CODE 77)

# The examples, against the shared library, which shows nothing but inkstone.h.
file(GLOB examples CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/*.c)
foreach(file ${examples})
  get_filename_component(name ${file} NAME_WE)
  add_executable(example_${name} ${file})
  target_compile_options(example_${name} PRIVATE -Wall -Wextra -Wpedantic)
  target_link_libraries(example_${name} PRIVATE inkstone_shared inkstone_flags Threads::Threads)
  list(APPEND built $<TARGET_FILE:example_${name}>)
endforeach()
add_test(NAME api_examples COMMAND sh ${api_dir}/test_examples.sh ${built})
set_tests_properties(api_examples PROPERTIES TIMEOUT ${INKSTONE_TEST_SECONDS} ENVIRONMENT
  "INKSTONE=$<TARGET_FILE:inkstone>;SOURCE=${PROJECT_SOURCE_DIR};EXAMPLES=$<TARGET_FILE_DIR:example_write>")

# The command, against the shared library. Its own copy of base/ (strings, JSON, files) has lost whatever inkstone.h declares:
# what the command uses of the library, every program can.
set(own_base ${CMAKE_CURRENT_BINARY_DIR}/cli_base.o)
add_custom_command(OUTPUT ${own_base}
  COMMAND ${CMAKE_LINKER} -r -o ${own_base} $<TARGET_OBJECTS:ink_base>
  COMMAND ${CMAKE_OBJCOPY} --wildcard --localize-symbol=ink_* ${own_base}
  DEPENDS ink_base $<TARGET_OBJECTS:ink_base> COMMAND_EXPAND_LISTS VERBATIM)
file(GLOB cli_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/cli/*.c ${PROJECT_SOURCE_DIR}/src/serve/*.c)
add_executable(inkstone_linked ${cli_files} ${own_base})
target_include_directories(inkstone_linked PRIVATE ${MICROHTTPD_INCLUDE_DIRS} ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
target_link_libraries(inkstone_linked PRIVATE inkstone_shared inkstone_flags PkgConfig::JANSSON PkgConfig::YAML
                      PkgConfig::LIBEDIT Threads::Threads)
foreach(name usage write interrupt)
  add_test(NAME api_command_${name} COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/cli/test_${name}.sh
           $<TARGET_FILE:inkstone_linked>) # for sabotage.py, which builds what a test is given
  set_tests_properties(api_command_${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT ${INKSTONE_TEST_SECONDS} ENVIRONMENT
    "INKSTONE=$<TARGET_FILE:inkstone_linked>;SOURCE=${PROJECT_SOURCE_DIR};BUILD=${PROJECT_BINARY_DIR};CC=${CMAKE_C_COMPILER};SANITIZE=${INKSTONE_SANITIZE}")
endforeach()
