# Debian packages: inkstone (the command), libinkstone0 (the library, named by its SONAME) and libinkstone-dev.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_POST_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/package_deb_policy.cmake)
set(CPACK_COMPONENTS_ALL command library development)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)

# The revision, lower than any of Debian's own, and the maintainer are those of the changelog.
file(STRINGS ${packaging}/debian/changelog lines REGEX "^(inkstone \\(| -- )" LIMIT_COUNT 2)
string(REGEX MATCH "^inkstone \\(([0-9.]+)-([a-z0-9.]+)\\).* -- (.*>)  " entry "${lines}")
if(NOT CMAKE_MATCH_1 STREQUAL PROJECT_VERSION)
  message(FATAL_ERROR "packaging/debian/changelog begins with version ${CMAKE_MATCH_1}: add an entry for ${PROJECT_VERSION}")
endif()
set(CPACK_DEBIAN_PACKAGE_RELEASE ${CMAKE_MATCH_2})
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${CMAKE_MATCH_3})

# ---- what each package is ----
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "") # the first line of each description
set(library libinkstone${INKSTONE_ABI})
set(about "Inkstone trains language models on a user's own text and runs them, and models
that others published (Hugging Face directories, GGUF files): they write,
translate, summarize and reply. It uses the processor only.")
set(downloads "libcurl4 (>= 7.85) | libcurl4t64 | libcurl3-gnutls (>= 7.85) | libcurl3t64-gnutls")

set(CPACK_DEBIAN_COMMAND_PACKAGE_NAME inkstone)
set(CPACK_DEBIAN_COMMAND_PACKAGE_SECTION science)
set(CPACK_DEBIAN_COMMAND_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_COMMAND_PACKAGE_RECOMMENDS "${downloads}, ca-certificates, libmicrohttpd12 | libmicrohttpd12t64")
set(CPACK_COMPONENT_COMMAND_DESCRIPTION "deep-learning text generator that trains and runs models
${about}

This package contains the command, which covers the life of a model:
tokenizer, training, evaluation, quantization and generation.")

set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME ${library})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_RECOMMENDS "${downloads}, ca-certificates")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${packaging}/debian/symbols ${packaging}/debian/triggers)
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION "library that trains and runs text-generating models
${about}

This package contains the shared library.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libinkstone-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
string(CONCAT CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "${library} (= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}), libjansson-dev, libpcre2-dev, "
       "libutf8proc-dev, libyaml-dev, libzstd-dev, zlib1g-dev")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "library that trains and runs text-generating models (development)
${about}

This package contains the header, the static library, and what pkg-config and
CMake need to find both.")

# ---- files that Debian wants of each package ----
function(compressed source name)
  add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/debian/${name} DEPENDS ${source} VERBATIM
                     COMMAND gzip -9nc ${source} > ${PROJECT_BINARY_DIR}/debian/${name})
endfunction()
compressed(${packaging}/debian/changelog changelog.Debian.gz)
compressed(${PROJECT_SOURCE_DIR}/CHANGELOG.md changelog.gz)
add_custom_target(inkstone_changelogs ALL
                  DEPENDS ${PROJECT_BINARY_DIR}/debian/changelog.Debian.gz ${PROJECT_BINARY_DIR}/debian/changelog.gz)
foreach(component command library development)
  string(TOUPPER ${component} upper)
  set(doc ${CMAKE_INSTALL_DATADIR}/doc/${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
  install(FILES ${packaging}/debian/copyright ${PROJECT_BINARY_DIR}/debian/changelog.Debian.gz
          ${PROJECT_BINARY_DIR}/debian/changelog.gz DESTINATION ${doc} COMPONENT ${component})
endforeach()
install(FILES README.md README.zh.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/inkstone COMPONENT command)
install(FILES docs/manual.md docs/manual.zh.md docs/demo.en.svg docs/demo.zh.svg
        DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/inkstone/docs COMPONENT command)
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/libinkstone-dev COMPONENT development)

# Man pages are compressed, and the static library has no sections that linking does not need.
install(CODE "file(GLOB_RECURSE pages \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_MANDIR}/*.1\")
  execute_process(COMMAND gzip -9nf \${pages} COMMAND_ERROR_IS_FATAL ANY)" COMPONENT command)
install(CODE "execute_process(COMMAND ${CMAKE_STRIP} --strip-debug --remove-section=.comment --remove-section=.note
  \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/libinkstone.a\" COMMAND_ERROR_IS_FATAL ANY)"
        COMPONENT development)
