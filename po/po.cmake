# Makes C source of po/LANGUAGE.po: `mo_inc(zh_CN FILE)` writes the bytes of its catalogue as a list for an array.
# PRId64 is "ld" and PRId32 "d" wherever this program is built (LP64); gettext writes <PRId64>.
find_program(MSGFMT msgfmt REQUIRED)
function(mo_inc language file)
  set(po ${PROJECT_SOURCE_DIR}/po/${language}.po)
  add_custom_command(OUTPUT ${file} DEPENDS ${po} ${PROJECT_SOURCE_DIR}/cmake/bytes.cmake VERBATIM
    COMMAND sed "s/<PRI\\([a-z]\\)64>/l\\1/g;s/<PRI\\([a-z]\\)32>/\\1/g" ${po} > ${file}.po
    COMMAND ${MSGFMT} --no-hash -o ${file}.mo ${file}.po
    COMMAND ${CMAKE_COMMAND} -DIN=${file}.mo -DOUT=${file} -P ${PROJECT_SOURCE_DIR}/cmake/bytes.cmake
    COMMENT "Translating messages: ${language}")
endfunction()
