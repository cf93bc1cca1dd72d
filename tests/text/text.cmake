# Against Hugging Face tokenizers: skips where Python, the package or the shared corpora are absent. Every eighth line of
# the corpora, in about a minute; all of them, in four: INKSTONE_EVERY=1 ctest -R text_hf
if(TARGET inkstone)
  python_test(text_hf text/test_hf.py $<TARGET_FILE:inkstone> $<TARGET_FILE:inkstone_shared> ${PROJECT_SOURCE_DIR}/../shared)
  # Every kind of step (some minutes); added tokens, byte tokens and vocabularies of unusual kinds (a second).
  python_test(text_hf_kinds text/test_hf_kinds.py $<TARGET_FILE:inkstone_shared> ${PROJECT_SOURCE_DIR}/../shared)
  python_test(text_peer_files text/test_peer_files.py $<TARGET_FILE:inkstone_shared> ${PROJECT_SOURCE_DIR}/../shared)
  python_test(text_gguf_pre text/test_gguf_pre.py $<TARGET_FILE:inkstone_shared> ${PROJECT_SOURCE_DIR}/../shared)
  python_test(text_hf_classes text/test_hf_classes.py $<TARGET_FILE:inkstone_shared>)
  python_test(text_hf_parts text/test_hf_parts.py $<TARGET_FILE:inkstone_shared>)
  # Against sacrebleu and rouge-score: every printed digit, in some minutes, most of them theirs.
  python_test(text_metric_peers text/test_metric_peers.py $<TARGET_FILE:inkstone> ${PROJECT_SOURCE_DIR}/../shared)
endif()
