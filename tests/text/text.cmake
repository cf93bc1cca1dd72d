# Against Hugging Face tokenizers: skips where Python, the package or the shared corpora are absent. Every eighth line of
# the corpora, in about a minute; all of them, in four: INKSTONE_EVERY=1 ctest -R text_hf
# Python cannot load a library that wants a sanitizer's runtime: skipped there.
if(TARGET inkstone)
  add_test(NAME text_hf COMMAND sh -c
    "[ -z '${INKSTONE_SANITIZE}' ] || { echo 'SKIP: built with a sanitizer'; exit 77; }; \
     : \${INKSTONE_EVERY:=8}; export INKSTONE_EVERY; \
     for p in \"\$INKSTONE_PYTHON\" ${PROJECT_SOURCE_DIR}/../dev/venv/bin/python python3; do \
       command -v \"\$p\" >/dev/null && exec \"\$p\" ${CMAKE_CURRENT_SOURCE_DIR}/text/test_hf.py \"\$@\"; \
     done; echo 'SKIP: no python3'; exit 77" sh
    $<TARGET_FILE:inkstone> $<TARGET_FILE:inkstone_shared> ${PROJECT_SOURCE_DIR}/../shared)
  set_tests_properties(text_hf PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 1200)
endif()
