# A thin face over the CMake presets. `make demo` and `make check` do all their own set-up.

all: configure
	cmake --build --preset release

demo: configure
	cmake --build --preset release --target ffwd_command
	build/release/bin/ffwd bench --device all

# Beside NumPy and ONNX Runtime, half an hour; QUICK=--quick takes a tenth of the rows.
bench: configure
	cmake --build --preset release --target ffwd_command
	"$$(sh scripts/install-peers)" bench/compare.py build/release/bin/ffwd --out build/bench $(QUICK)

check: all
	ctest --preset release

# All that check samples: every fault at every call, every shape; hours.
check-long: packages
	cmake --preset long
	cmake --build --preset long
	ctest --preset long

configure: packages
	cmake --preset release

packages:
	sh scripts/install-packages packages.txt

clean:
	rm -rf build

.PHONY: all demo bench check check-long configure packages clean
