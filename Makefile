# RLKD: `make help` lists the targets.

RECIPE ?= trainer/recipes/quickstart.yaml
ARGS   ?=

RLKD_CACHE ?= $(CURDIR)/.cache
CACHE      := $(abspath $(RLKD_CACHE))
FETCHED    := $(CACHE)/libtorch/torch
LIBTORCH   ?= $(FETCHED)
STUDENT    := $(CACHE)/student/SmolLM2-135M-Instruct.Q4_1.gguf
MODEL      ?=
DATA       ?=
OUT        ?=

# One libtorch is in the cache: its CPU parts, or all of it, which serves the CPU too and stays once it is there.
CUDA      ?= $(if $(wildcard $(FETCHED)/lib/libtorch_cuda.so),1)
WITH_CUDA := $(filter-out 0,$(CUDA))
PARTS     := libtorch$(if $(WITH_CUDA),-cuda)

TORCH  := $(abspath $(LIBTORCH))
NEEDED := $(TORCH)/lib/$(if $(WITH_CUDA),libtorch_cuda.so,libtorch_cpu.so)
export RLKD_CACHE := $(CACHE)

# Recipes name the student as it is in .cache/.
ifneq ($(CACHE),$(CURDIR)/.cache)
ifeq ($(RECIPE),trainer/recipes/quickstart.yaml)
MODEL := $(or $(MODEL),$(STUDENT))
override ARGS += --set structure.decomposer.model=$(STUDENT)
endif
endif
SETS := $(foreach s,$(if $(MODEL),model=$(MODEL)) $(if $(DATA),dataset=$(DATA)) $(if $(OUT),output_dir=$(OUT)),--set $(s))

.PHONY: help libtorch student build train gsrm test plan-check lint clean interop bench bench-peer bench-scaling docker docker-check test-cuda bench-cuda
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  make train:    RECIPE=file.yaml MODEL=dir-or-gguf DATA=rows.jsonl OUT=dir ARGS='--set key=value'"
	@echo "  all:           LIBTORCH=dir with lib/ and include/  RLKD_CACHE=where downloads go  CUDA=1"

libtorch: $(NEEDED) ## fetch libtorch, unless LIBTORCH names one: its CPU parts, with CUDA=1 all of it

$(FETCHED)/lib/libtorch_%.so: scripts/$(PARTS).txt
	python3 scripts/fetch.py $(PARTS) $(CACHE)/libtorch
	@touch $@

ifneq ($(TORCH),$(FETCHED))
$(TORCH)/lib/libtorch_cpu.so $(TORCH)/lib/libtorch_cuda.so:
	$(error LIBTORCH=$(LIBTORCH) has no lib/$(@F); it must be a directory with lib/ and include/ of libtorch 2.15)
endif

student: $(STUDENT) ## fetch the default student, SmolLM2-135M-Instruct

$(STUDENT): scripts/student.txt
	python3 scripts/fetch.py student $(CACHE)/student
	@touch $@

# What is linked to libtorch is C++ in libraries that are opened when they are needed: the shim, and the pretend
# device of tests. Each says which sources it was built from, its header's checksum first.
FILES_torch   := cgo/shim.h $(sort $(wildcard cgo/shim/*))
FILES_pretend := cgo/pretend/device/device.h $(sort $(wildcard cgo/pretend/device/*))
COMPILE := $(CXX) -std=c++20 -O2 -g0 -fopenmp -fPIC -fvisibility=hidden -DAT_PER_OPERATOR_HEADERS -iquote cgo -isystem $(TORCH)/include
LINK    := $(CXX) -shared -fPIC -L$(TORCH)/lib -Wl,-rpath,$(TORCH)/lib -Wl,--allow-shlib-undefined
LIBS    := -ltorch_cpu -lc10 -l:libgomp.so.1
objects  = $(patsubst %.cc,bin/obj/%.o,$(filter %.cc,$(FILES_$1))) bin/obj/$1_built_from.cc
sum      = $(shell cat $1 | sha256sum | cut -c 1-64)
update   = @mkdir -p $(@D); echo '$1' | cmp -s - $@ || echo '$1' > $@

.PHONY: library libraries always
library: $(NEEDED)
	@$(MAKE) --no-print-directory $(parallel) bin/librlkd_torch.so
libraries: $(NEEDED) ## build what is linked to libtorch: go test by hand needs it
	@$(MAKE) --no-print-directory $(parallel) bin/librlkd_torch.so bin/librlkd_pretend.so
parallel = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

bin/librlkd_torch.so: $(call objects,torch)
bin/librlkd_pretend.so: $(call objects,pretend)
bin/librlkd_%.so:
	$(LINK) -o $@ $^ $(LIBS)

bin/obj/%.o: %.cc bin/obj/flags $(NEEDED)
	@mkdir -p $(@D)
	$(COMPILE) -MMD -MP -c -o $@ $<

bin/obj/flags: always
	$(call update,$(COMPILE); $(LINK) $(LIBS))

bin/obj/%_built_from.cc: always
	$(call update,extern "C" const char *$*_built_from() { return "$(call sum,$(firstword $(FILES_$*))) $(call sum,$(FILES_$*))"; })

-include $(wildcard bin/obj/cgo/*/*.d bin/obj/cgo/*/*/*.d)

build: library ## build bin/rlkd and the library it opens
	go build -o bin/rlkd ./trainer/cmd/rlkd

train: build student ## run RECIPE (default: the quick start), or go on with it where it stopped
	bin/rlkd train --resume --config $(RECIPE) $(SETS) $(ARGS)

GSRM := trainer/recipes/gsrm

gsrm: build student ## train the default reward model again (adapter in trainer/recipes/gsrm/adapter)
	go run ./scripts/gsrmdata --out $(CACHE)/gsrm
	bin/rlkd sft --resume --config trainer/recipes/gsrm.yaml --set sft.dataset=$(CACHE)/gsrm/train.jsonl --set model=$(STUDENT) $(ARGS)
	mkdir -p $(GSRM)/adapter
	cp $(addprefix runs/gsrm/final/,adapter_config.json adapter_model.safetensors gsrm.json) $(GSRM)/adapter

test: libraries student ## all tests; pure-Go packages with the race detector, those with libtorch one at a time
	go test -race $(shell go list ./... | grep -E '/(reward|model/(tokenizer|chat|files|rng)|trainer/recipes)(/|$$)')
	go test -p 1 -timeout 20m $(shell go list ./... | grep -vE '/(reward|model/(tokenizer|chat|files|rng)|trainer/recipes)(/|$$)')

plan-check: libraries student ## compare rlkd plan with the peaks of real steps, some minutes (ARGS="-run 'PlanAgrees/reward_model'": some of them)
	RLKD_PLAN=all go test ./trainer -run PlanAgrees -v -count=1 -timeout 60m $(ARGS)

lint: ## gofmt, go vet, the build's module file
	@out=$$(gofmt -l $$(git ls-files "*.go")); if [ -n "$$out" ]; then echo "gofmt would change: $$out"; exit 1; fi
	go vet ./...
	go mod verify >/dev/null && go mod tidy -diff

interop: build student ## check against Python peers (transformers), in an environment of its own
	scripts/interop/run.sh

bin/bench: library
	go build -buildvcs=auto -o $@ ./bench

.PHONY: bin/bench

bench: bin/bench student ## speed and memory of rollouts and training beside the machine's limits (ARGS='--quick')
	bin/bench --json bench/bench.json $(ARGS)

bench-peer: bin/bench student ## the same work by TRL and llama.cpp, in turns with ours
	scripts/interop/setup.sh
	scripts/interop/setup_llamacpp.sh
	bin/bench peer --json bench/peer.json $(ARGS)

bench-scaling: bin/bench student ## cost against group size, length, width and depth
	bin/bench scaling --json bench/scaling.json $(ARGS)

DEVICE ?= cuda
REPORT ?= runs/report-$(DEVICE).txt

test-cuda: build student ## all tests on DEVICE (default: cuda; make libtorch CUDA=1 first), into REPORT; ARGS are those of go test
	scripts/gpu/report.sh test $(DEVICE) $(REPORT) $(ARGS)

bench-cuda: build bin/bench student ## the benchmarks on DEVICE, to the end of REPORT; ARGS are bench's
	scripts/gpu/report.sh bench $(DEVICE) $(REPORT) $(ARGS)

IMAGE ?= rlkd

docker: ## build the image of Dockerfile.cuda as IMAGE (default: rlkd)
	docker build -f Dockerfile.cuda -t $(IMAGE) --build-arg CUDA=$(or $(CUDA),1) $(ARGS) .

docker-check: $(TORCH)/lib/libtorch_cpu.so student ## build the image without a Docker engine (buildah, as root) and run what is in it
	STUDENT=$(STUDENT) scripts/docker/check.sh $(or $(CUDA),1)

clean: ## remove bin/; runs and downloads stay
	rm -rf bin
