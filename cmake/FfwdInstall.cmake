# What `cmake --install` lays down, and how other projects find it.
include(CMakePackageConfigHelpers)

set(FFWD_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/ffwd)
set(FFWD_PC_DIR ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# The command.
if(FFWD_COMMAND)
  install(TARGETS ffwd_command COMPONENT ffwd_command DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(FILES man/ffwd.1 COMPONENT ffwd_command DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()
install(FILES LICENSE README.md CHANGELOG.md COMPONENT ffwd_command
  DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/ffwd)

# The library, and what it takes to build with it.
install(TARGETS ffwd EXPORT ffwd-targets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ffwd_library
          NAMELINK_COMPONENT ffwd_development
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ffwd_development)
set(headers include/ffwd/export.h include/ffwd/ffwd.h)
if(FFWD_FILE)
  list(APPEND headers include/ffwd/file.h)
endif()
if(FFWD_OPENCL)
  list(APPEND headers include/ffwd/opencl.h)
endif()
install(FILES ${headers} COMPONENT ffwd_development
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/ffwd)
install(FILES man/ffwd.3 COMPONENT ffwd_development DESTINATION ${CMAKE_INSTALL_MANDIR}/man3)

# A shared library knows what it needs; with a static one the user's link must name it.
get_target_property(type ffwd TYPE)
set(FFWD_STATIC OFF)
set(FFWD_PC_LIBS "")
set(FFWD_PC_REQUIRES "")
if(type STREQUAL STATIC_LIBRARY)
  set(FFWD_STATIC ON)
  set(FFWD_PC_LIBS "-lpthreadpool -lpthread -ldl -lm")
  if(FFWD_FILE)
    set(FFWD_PC_REQUIRES "libzip zlib")
    string(PREPEND FFWD_PC_LIBS "-lprotobuf-nanopb ")
  endif()
endif()

# By CMake: find_package(ffwd).
install(EXPORT ffwd-targets NAMESPACE ffwd:: COMPONENT ffwd_development
  DESTINATION ${FFWD_CMAKE_DIR})
configure_package_config_file(cmake/ffwd-config.cmake.in ${PROJECT_BINARY_DIR}/ffwd-config.cmake
  INSTALL_DESTINATION ${FFWD_CMAKE_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/ffwd-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/ffwd-config.cmake ${PROJECT_BINARY_DIR}/ffwd-config-version.cmake
  COMPONENT ffwd_development DESTINATION ${FFWD_CMAKE_DIR})
if(FFWD_STATIC)
  install(FILES cmake/FindPthreadpool.cmake COMPONENT ffwd_development
    DESTINATION ${FFWD_CMAKE_DIR})
endif()

# By pkg-config. The file finds its prefix from where it lies, so that a moved tree still works; with
# folders that lie outside of any prefix it names them.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  set(FFWD_PC_PREFIX ${CMAKE_INSTALL_PREFIX})
  set(FFWD_PC_LIBDIR ${CMAKE_INSTALL_FULL_LIBDIR})
  set(FFWD_PC_INCLUDEDIR ${CMAKE_INSTALL_FULL_INCLUDEDIR})
else()
  file(RELATIVE_PATH FFWD_PC_PREFIX /prefix/${FFWD_PC_DIR} /prefix)
  set(FFWD_PC_PREFIX "\${pcfiledir}/${FFWD_PC_PREFIX}")
  set(FFWD_PC_LIBDIR "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
  set(FFWD_PC_INCLUDEDIR "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
configure_file(cmake/ffwd.pc.in ${PROJECT_BINARY_DIR}/ffwd.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/ffwd.pc COMPONENT ffwd_development
  DESTINATION ${FFWD_PC_DIR})
