# The Python package against the shared library. Tests that need pytest skip where it is missing; what the package declares of
# inkstone.h is checked by any Python.
set(python_dir ${CMAKE_CURRENT_SOURCE_DIR}/python)
set(python_environment "INKSTONE_LIBRARY=$<TARGET_FILE:inkstone_shared>;PYTHONPATH=${PROJECT_SOURCE_DIR}/python;PYTHONDONTWRITEBYTECODE=1;CC=${CMAKE_C_COMPILER}")

add_test(NAME python_bindings COMMAND sh -c
  "command -v python3 >/dev/null || { echo 'SKIP: no python3'; exit 77; }; \
   exec python3 ${PROJECT_SOURCE_DIR}/scripts/python_bindings.py --check")
# pytest and mypy of an environment that INKSTONE_PYTHON names, or of the system.
add_test(NAME python_package COMMAND sh -c
  "[ -z '${INKSTONE_SANITIZE}' ] || { echo 'SKIP: built with a sanitizer'; exit 77; }; \
   for p in \"\$INKSTONE_PYTHON\" python3 /usr/bin/python3 ${PROJECT_SOURCE_DIR}/../dev/venv/bin/python; do \
     \"\$p\" -c 'import pytest' 2>/dev/null && exec \"\$p\" -m pytest -q -p no:cacheprovider ${python_dir}; \
   done; echo 'SKIP: no python3 with pytest'; exit 77")
add_test(NAME python_types COMMAND sh -c
  "for p in \"\$INKSTONE_PYTHON\" python3 /usr/bin/python3 ${PROJECT_SOURCE_DIR}/../dev/venv/bin/python; do \
     \"\$p\" -c 'import mypy' 2>/dev/null && exec \"\$p\" -m mypy --strict --cache-dir=/dev/null ${PROJECT_SOURCE_DIR}/python/inkstone \
       ${PROJECT_SOURCE_DIR}/examples/train_and_write.py; \
   done; echo 'SKIP: no python3 with mypy'; exit 77")
foreach(name bindings package types)
  set_tests_properties(python_${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT ${INKSTONE_TEST_SECONDS} ENVIRONMENT "${python_environment}")
endforeach()
