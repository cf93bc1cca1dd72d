# tests/serve/test_<name>.py becomes the CTest test serve_<name>: the server as its clients meet it. Standard library only, so
# that these run under sanitizers, too; serve_client uses the official client of OpenAI where it is installed.
if(NOT TARGET inkstone)
  return()
endif()
foreach(name http api life)
  add_test(NAME serve_${name} COMMAND sh -c
    "command -v python3 >/dev/null || { echo 'SKIP: no python3'; exit 77; }; exec python3 \"$@\"" sh
    ${CMAKE_CURRENT_SOURCE_DIR}/serve/test_${name}.py $<TARGET_FILE:inkstone>)
  set_tests_properties(serve_${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT ${INKSTONE_TEST_SECONDS} ENVIRONMENT
                       "SANITIZE=${INKSTONE_SANITIZE}")
endforeach()
python_test(serve_client serve/test_client.py $<TARGET_FILE:inkstone>)
