# A library to be loaded before others lets calls of the system fail, and a script walks over commands with it. It takes the
# place of malloc, as the sanitizers do: not beside them.
if(NOT INKSTONE_SANITIZE)
  add_library(fault_shim MODULE ${CMAKE_CURRENT_SOURCE_DIR}/faults/shim.c)
  target_compile_definitions(fault_shim PRIVATE _GNU_SOURCE)
  target_compile_options(fault_shim PRIVATE -Wall -Wextra)
  target_link_libraries(fault_shim PRIVATE ${CMAKE_DL_LIBS})
  add_test(NAME faults_walk COMMAND sh -c
    "command -v python3 >/dev/null || { echo 'SKIP: no python3'; exit 77; }; exec python3 \"$@\"" sh
    ${CMAKE_CURRENT_SOURCE_DIR}/faults/walk.py $<TARGET_FILE:inkstone> $<TARGET_FILE:fault_shim>
    --kind alloc --kind open --kind read --kind write --kind fsync --kind rename)
  set_tests_properties(faults_walk PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT ${INKSTONE_TEST_SECONDS})
endif()
