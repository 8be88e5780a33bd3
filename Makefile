# A thin face over the CMake presets. `make demo` and `make check` do all their own set-up.

all: configure
	cmake --build --preset release

demo: configure
	cmake --build --preset release --target ffwd_command
	build/release/bin/ffwd bench --device all

# Beside its peers, which this installs first; an hour. QUICK=--quick takes a tenth of the rows and a
# tenth of the time.
bench: packages
	python=$$(sh scripts/install-peers) && cmake --preset release && \
	    cmake --build --preset release && \
	    "$$python" bench/compare.py build/release --out build/bench $(QUICK)

check: all
	ctest --preset release

# All that check samples: every fault at every call, every shape; hours.
check-long: packages
	cmake --preset long
	cmake --build --preset long
	ctest --preset long

# Built again the packages are the same: their time is that of the last commit, and cpack writes the
# umask into them.
deb: packages
	cmake --preset deb
	cmake --build --preset deb
	rm -f build/deb/*.deb
	cd build/deb && umask 022 && \
	    SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct || date +%s)} cpack

# Lines and branches of host/ that the tests took.
coverage: packages
	scripts/coverage

configure: packages
	cmake --preset release

packages:
	sh scripts/install-packages packages.txt

clean:
	rm -rf build

.PHONY: all demo bench check check-long coverage deb configure packages clean
