# Install rules: the command, libraries, header, pkg-config and CMake files, man pages (English, Chinese), completions. The
# components are the packages of packages.cmake.
include(CMakePackageConfigHelpers)

# ---- libraries and what finds them ----
set_target_properties(inkstone_shared PROPERTIES EXPORT_NAME inkstone)
set_target_properties(inkstone_static PROPERTIES EXPORT_NAME static)
install(TARGETS inkstone RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT command)
install(TARGETS inkstone_static inkstone_shared EXPORT inkstoneTargets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library NAMELINK_COMPONENT development
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
        PUBLIC_HEADER DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)

# Paths are relative to the installed file: `cmake --install --prefix ELSEWHERE` works, and so does moving it.
file(RELATIVE_PATH INKSTONE_PC_TO_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
set(INKSTONE_PC_REQUIRES "jansson yaml-0.1 libpcre2-8 libutf8proc zlib libzstd")
set(INKSTONE_PC_LIBS "-lm -pthread")
configure_file(cmake/inkstone.pc.in inkstone.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/inkstone.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
        COMPONENT development)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/inkstone)
configure_package_config_file(cmake/inkstoneConfig.cmake.in inkstoneConfig.cmake INSTALL_DESTINATION ${package})
write_basic_package_version_file(inkstoneConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/inkstoneConfig.cmake ${PROJECT_BINARY_DIR}/inkstoneConfigVersion.cmake
        DESTINATION ${package} COMPONENT development)
install(EXPORT inkstoneTargets NAMESPACE inkstone:: DESTINATION ${package} COMPONENT development)

# ---- generated from the command tables by the command itself ----
function(generated language file destination name) # ... is the output of `inkstone help ARGN` in this language
  add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/${file} DEPENDS inkstone VERBATIM
                     COMMAND ${CMAKE_COMMAND} -E env INKSTONE_LANG=${language} $<TARGET_FILE:inkstone> help ${ARGN}
                             > ${PROJECT_BINARY_DIR}/${file})
  install(FILES ${PROJECT_BINARY_DIR}/${file} DESTINATION ${destination} RENAME ${name} COMPONENT command)
  set_property(GLOBAL APPEND PROPERTY INKSTONE_GENERATED ${PROJECT_BINARY_DIR}/${file})
endfunction()

file(STRINGS src/cli/commands.def commands REGEX "^COMMAND")
list(TRANSFORM commands REPLACE "^COMMAND\\((.*)\\)$" "-\\1")
foreach(suffix "" ${commands})
  string(REPLACE "_" "-" page "inkstone${suffix}")
  string(REGEX REPLACE "^-" "" command "${suffix}")
  string(REPLACE "_" "-" command "${command}")
  if(NOT command)
    set(command inkstone)
  endif()
  generated(en ${page}.1 ${CMAKE_INSTALL_MANDIR}/man1 ${page}.1 --man ${command})
  generated(zh ${page}.zh.1 ${CMAKE_INSTALL_MANDIR}/zh_CN/man1 ${page}.1 --man ${command})
endforeach()
set(INKSTONE_ZSH_FUNCTIONS ${CMAKE_INSTALL_DATADIR}/zsh/site-functions CACHE STRING "where zsh looks for completions")
generated(en inkstone.bash ${CMAKE_INSTALL_DATADIR}/bash-completion/completions inkstone --completion bash)
generated(en inkstone.zsh ${INKSTONE_ZSH_FUNCTIONS} _inkstone --completion zsh)
generated(en inkstone.fish ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d inkstone.fish --completion fish)
get_property(files GLOBAL PROPERTY INKSTONE_GENERATED)
add_custom_target(inkstone_pages ALL DEPENDS ${files})
