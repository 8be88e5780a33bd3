# A thin face over the CMake presets. `make demo` and `make check` do all their own set-up.

all: configure
	cmake --build --preset release

demo: configure
	cmake --build --preset release --target ffwd_command
	build/release/bin/ffwd bench --device all

check: all
	ctest --preset release

configure: packages
	cmake --preset release

packages:
	sh scripts/install-packages packages.txt

clean:
	rm -rf build

.PHONY: all demo check configure packages clean
