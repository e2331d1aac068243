# airs: the two commands are `make run` and `make test`; the rest is for those who change it.
# Thin, over scripts/ and CMakePresets.json.

.PHONY: all run test test-dev asan tsan bench seeds fuzz shake mutants fmt bindings setup clean

all: setup
	@scripts/build dev

setup:
	@scripts/setup
	@scripts/engine-build

run: all
	build/airs up -f examples/shop/airs.yaml

test: test-dev asan tsan

test-dev: all
	@scripts/test build

asan: setup
	@scripts/build asan
	@scripts/test build-asan

tsan: setup
	@scripts/build tsan
	@scripts/test build-tsan

bench: all
	@bench/run build

seeds: all
	@build/tests/sim/simulator --seeds 10000

fuzz: setup
	@scripts/build fuzz
	@scripts/fuzz build-fuzz

shake: setup
	@scripts/build shake
	@scripts/shake build-shake

mutants: setup
	@scripts/mutants

fmt:
	@git ls-files '*.c' '*.h' | grep -v '/gen/' | xargs clang-format-19 -i

bindings:
	@scripts/make-bindings

clean:
	rm -rf build build-asan build-tsan build-fuzz build-shake
