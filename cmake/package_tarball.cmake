# An archive with the command, statically linked, and its pages, to be unpacked anywhere.
set(CPACK_GENERATOR TXZ)
set(CPACK_ARCHIVE_COMPONENT_INSTALL ON)
set(CPACK_COMPONENT_INCLUDE_TOPLEVEL_DIRECTORY ON)
set(CPACK_COMPONENTS_ALL command)
set(name inkstone-${PROJECT_VERSION}-linux-${CMAKE_SYSTEM_PROCESSOR})
set(CPACK_PACKAGE_FILE_NAME ${name})
set(CPACK_ARCHIVE_COMMAND_FILE_NAME ${name})
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON) # the libraries are not in it

install(FILES LICENSE README.md README.zh.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/inkstone COMPONENT command)
install(FILES docs/manual.md docs/manual.zh.md docs/demo.en.svg docs/demo.zh.svg
        DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/inkstone/docs COMPONENT command)
# Of the libraries that are linked in.
install(DIRECTORY ${INKSTONE_LICENSES}/ DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/inkstone/licenses COMPONENT command)
