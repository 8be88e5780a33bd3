# What `cmake --install` lays down, and how other projects find it.
include(CMakePackageConfigHelpers)

set(FFWD_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/ffwd)

install(TARGETS ffwd EXPORT ffwd-targets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES include/ffwd/export.h include/ffwd/ffwd.h DESTINATION
        ${CMAKE_INSTALL_INCLUDEDIR}/ffwd)
if(FFWD_FILE)
  install(FILES include/ffwd/file.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/ffwd)
endif()

install(EXPORT ffwd-targets NAMESPACE ffwd:: DESTINATION ${FFWD_CMAKE_DIR})
configure_package_config_file(cmake/ffwd-config.cmake.in ${PROJECT_BINARY_DIR}/ffwd-config.cmake
  INSTALL_DESTINATION ${FFWD_CMAKE_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/ffwd-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/ffwd-config.cmake ${PROJECT_BINARY_DIR}/ffwd-config-version.cmake
              cmake/FindPthreadpool.cmake
  DESTINATION ${FFWD_CMAKE_DIR})

# The .pc file finds its prefix from where it lies, so that a moved tree still works.
file(RELATIVE_PATH FFWD_PC_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
set(FFWD_PC_REQUIRES "")
if(FFWD_FILE)
  set(FFWD_PC_REQUIRES libzip)
endif()
configure_file(cmake/ffwd.pc.in ${PROJECT_BINARY_DIR}/ffwd.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/ffwd.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(FILES LICENSE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
