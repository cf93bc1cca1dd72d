# What cpack makes of the components of install.cmake: Debian packages, or an archive of the command. scripts/package.sh
# configures, makes and tests them.
set(INKSTONE_PACKAGES "" CACHE STRING "what cpack makes: deb, tarball")
if(NOT INKSTONE_PACKAGES)
  return()
endif()

set(packaging ${PROJECT_SOURCE_DIR}/packaging)
set(CPACK_PACKAGE_VENDOR "the Inkstone developers")
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
    WORLD_EXECUTE)
set(CPACK_VERBATIM_VARIABLES ON)

include(${CMAKE_CURRENT_LIST_DIR}/package_${INKSTONE_PACKAGES}.cmake)
include(CPack)
