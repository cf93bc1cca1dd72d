# Against Python's re and jsonschema: random patterns and schemas, texts that match and do not.
add_executable(grammar_matcher grammar/matcher.c)
target_include_directories(grammar_matcher PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/grammar)
target_link_libraries(grammar_matcher PRIVATE ink_grammar)
python_test(grammar_peers grammar/test_peers.py $<TARGET_FILE:grammar_matcher>)
