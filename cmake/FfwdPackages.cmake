# Debian packages by `cpack -G DEB`: the command, the library, and what it takes to build with it.
# They need a build for /usr, as `make deb` configures it. FfwdDebian.cmake adds what Debian asks of
# each of them.

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME ffwd)
set(CPACK_PACKAGE_VENDOR "The ffwd authors")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "forward passes through dense neural networks")
# Whoever gives packages to others says who answers for them.
if(NOT DEFINED CPACK_PACKAGE_CONTACT)
  set(CPACK_PACKAGE_CONTACT "The ffwd authors <ffwd@example.org>")
endif()
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/FfwdDebian.cmake)

set(CPACK_COMPONENTS_ALL ffwd_library ffwd_development)
if(FFWD_COMMAND)
  list(APPEND CPACK_COMPONENTS_ALL ffwd_command)
endif()
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SOURCE ffwd)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
# Dependencies on other people's libraries are read from the files; on ours they are said below.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}/lib)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)

# The package of a component, its section, and the last paragraph of its description.
function(ffwd_package component name section text)
  string(TOUPPER CPACK_DEBIAN_${component} package)
  set(${package}_PACKAGE_NAME ${name} PARENT_SCOPE)
  set(${package}_PACKAGE_SECTION ${section} PARENT_SCOPE)
  set(${package}_DESCRIPTION
"ffwd runs dense neural networks forward over millions of rows, on any OpenCL
device or on the CPU where there is none, with the same bits everywhere.
.
${text}" PARENT_SCOPE)
endfunction()

ffwd_package(ffwd_command ffwd science
"This package holds the command, which scores files, times models against the
measured limit of the machine, and compares devices bit by bit.")
ffwd_package(ffwd_library libffwd${FFWD_ABI} libs
"This package holds the shared library.")
ffwd_package(ffwd_development libffwd-dev libdevel
"This package holds the headers, their manual, and the files by which CMake and
pkg-config find the library.")

set(same_library "libffwd${FFWD_ABI} (= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})")
set(CPACK_DEBIAN_FFWD_COMMAND_PACKAGE_DEPENDS "${same_library}")
set(CPACK_DEBIAN_FFWD_DEVELOPMENT_PACKAGE_DEPENDS "${same_library}")
# Without a loader there is the CPU.
set(CPACK_DEBIAN_FFWD_LIBRARY_PACKAGE_SUGGESTS "ocl-icd-libopencl1 | libopencl1")
file(WRITE ${PROJECT_BINARY_DIR}/debian/triggers "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_FFWD_LIBRARY_PACKAGE_CONTROL_EXTRA ${PROJECT_BINARY_DIR}/debian/triggers)

include(CPack)
