# tests/cli/test_<name>.sh becomes the CTest test cli_<name>: the command as its users meet it.
if(NOT TARGET inkstone)
  return()
endif()
file(GLOB scripts CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/cli/test_*.sh)
foreach(script ${scripts})
  get_filename_component(name ${script} NAME_WE)
  string(REGEX REPLACE "^test_" "cli_" name ${name})
  add_test(NAME ${name} COMMAND sh ${script})
  set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT ${INKSTONE_TEST_SECONDS} ENVIRONMENT
    "INKSTONE=$<TARGET_FILE:inkstone>;SOURCE=${PROJECT_SOURCE_DIR};BUILD=${PROJECT_BINARY_DIR};CC=${CMAKE_C_COMPILER};SANITIZE=${INKSTONE_SANITIZE}")
endforeach()

add_executable(cli_glyph ${CMAKE_CURRENT_SOURCE_DIR}/cli/test_glyph.c ${PROJECT_SOURCE_DIR}/src/cli/glyph.c)
target_link_libraries(cli_glyph PRIVATE ink_base PkgConfig::CMOCKA)
add_test(NAME cli_glyph COMMAND cli_glyph)
python_test(cli_explain_page cli/test_explain_page.py $<TARGET_FILE:inkstone>)
python_test(cli_chat_keys cli/test_chat_keys.py $<TARGET_FILE:inkstone>)
