# SPDX-License-Identifier: BSD-2-Clause
# Gnomon: the image, its tests and its tools.  `make help` lists the targets.

COMPILER ?= gcc
B ?= build$(if $(filter clang,$(COMPILER)),/clang)
PYTHON := /usr/bin/python3

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

# What the image is made of: a file is in it because its folder's list names it.

arch-y := \
    cpu \
    vectors \
    irq \
    apic \
    mmu \
    mem \
    tsc \
    entropy \
    log \
    panic \
    libc

boot-y := \
    entry \
    main \
    loop \
    config

drivers-y := \
    netdev \
    pci \
    acpi \
    virtq \
    virtio_pci \
    virtio_net \
    uart \
    rtc \
    kvmclock

net-y := \
    frame \
    fastpath \
    lwip_port \
    upstream

ntp-y := \
    packet \
    server \
    limit \
    clock \
    source \
    peer \
    filter \
    select \
    discipline \
    leap \
    client

nts-y :=

# What runs at interrupt level has no vector registers to spoil.
irq-y := \
    net/frame \
    net/fastpath \
    ntp/packet \
    ntp/server \
    ntp/limit \
    ntp/clock

# What also builds on the host, unchanged, beside all of ntp/ and nts/.
portable-y := \
    net/frame \
    net/http \
    $(filter boot/config%,$(boot-y:%=boot/%))

# Several people are filling these lists in; names without a file are dropped.
present = $(foreach f,$(1),$(if $(wildcard $(f).c $(f).S),$(f)))
image-y := $(call present,\
    $(boot-y:%=boot/%) $(arch-y:%=arch/%) $(drivers-y:%=drivers/%) \
    $(net-y:%=net/%) $(ntp-y:%=ntp/%) $(nts-y:%=nts/%))
portable-y := $(call present,$(portable-y) $(ntp-y:%=ntp/%) $(nts-y:%=nts/%))

# The image.

gcc-cc := gcc
clang-cc := clang
CC := $($(COMPILER)-cc)

warnings := -Wall -Wextra -Werror -Wshadow -Wundef -Wvla \
    -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
    -Wpointer-arith -Wcast-qual -Wwrite-strings
same-bytes := -ffile-prefix-map=$(CURDIR)/= -ffile-prefix-map=$(CURDIR)=.

machine := -m64 -mno-red-zone -mcmodel=small -fno-pic -fno-pie \
    -ffreestanding -fno-common -fcf-protection=none \
    -fstack-protector-strong -mstack-protector-guard=global \
    -fno-omit-frame-pointer -fno-asynchronous-unwind-tables \
    -ffunction-sections -fdata-sections -O2 -g

CPPFLAGS := -iquote .
CFLAGS = -std=gnu11 $(warnings) $(machine) $(same-bytes)
LDFLAGS := -nostdlib -static -no-pie -Wl,--gc-sections -Wl,--build-id=none \
    -Wl,-z,noexecstack -Wl,-z,max-page-size=4096 -Wl,--no-warn-rwx-segments

image-objects := $(image-y:%=$(B)/%.o)

$(B)/arch/%.o $(B)/drivers/%.o $(irq-y:%=$(B)/%.o): \
    CFLAGS += -mgeneral-regs-only

all: $(B)/gnomon.elf ## the image, build/gnomon.elf

objects: $(image-objects) ## compile every file of the image, link nothing

$(B)/gnomon.elf: $(B)/gnomon.debug
	objcopy --strip-all $< $@

$(B)/gnomon.debug: linker/image.ld $(image-objects)
	$(CC) $(LDFLAGS) -T linker/image.ld -o $@ $(image-objects) -lgcc

$(B)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/%.o: %.S Makefile
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(machine) $(same-bytes) -MMD -MP -c -o $@ $<

# Host builds of the portable files: for unit tests with sanitizers, for the
# simulation and the bench as fast as the image, for the fuzzers with clang.

sanitize := -fsanitize=address,undefined -fno-sanitize-recover=all
host-cc := gcc -O1 $(sanitize)
native-cc := gcc -O2
fuzz-cc := clang -O1 -fsanitize=fuzzer-no-link $(sanitize)
host-flags := -std=gnu11 -g $(warnings) -iquote . -MMD -MP

define host-flavour
$(B)/$(1)/%.o: %.c Makefile
	@mkdir -p $$(@D)
	$$($(1)-cc) $$(host-flags) -c -o $$@ $$<

$(B)/$(1)/libgnomon.a: $$(portable-y:%=$(B)/$(1)/%.o)
	rm -f $$@
	ar rcsD $$@ $$^
endef
$(foreach flavour,host native fuzz,$(eval $(call host-flavour,$(flavour))))

# A test that needs more than the portable library says so in one line:
# /* links: drivers/virtq tests/fake/device */
links = $(shell sed -n 's,^/\* links: \(.*\) \*/$$,\1,p' $(1).c)

define host-program
$(B)/$(1)/$(2): $$(patsubst %,$(B)/$(1)/%.o,$(2) $$(call links,$(2))) \
    $(B)/$(1)/libgnomon.a
	$$($(1)-cc) $(4) -o $$@ $$^ $(3)
endef

unit-tests := $(basename $(wildcard tests/unit/test_*.c))
$(foreach t,$(unit-tests),$(eval $(call host-program,host,$(t),-lcmocka)))

unit: $(unit-tests:%=$(B)/host/%) ## unit tests, on the host with sanitizers
	$(PYTHON) tests/run_unit.py $^

fuzzers := $(basename $(wildcard tests/fuzz/fuzz_*.c))
$(foreach t,$(fuzzers),$(eval \
    $(call host-program,fuzz,$(t),,-fsanitize=fuzzer)))
FUZZ_SECONDS ?= 60

fuzz: $(fuzzers:%=$(B)/fuzz/%) ## each fuzzer for FUZZ_SECONDS (60)
	$(PYTHON) tests/run_fuzz.py --seconds $(FUZZ_SECONDS) --out $(B)/fuzz $^

sims := $(basename $(wildcard tests/sim/sim*.c))
$(foreach t,$(sims),$(eval $(call host-program,native,$(t),-lm)))

sim: $(sims:%=$(B)/native/%) ## the discipline on invented clocks and networks
	@$(if $(sims),,echo "make sim: no tests/sim/sim*.c yet" >&2; exit 1)
	set -e; for s in $^; do $$s; done

benches := $(basename $(wildcard tests/bench/bench*.c))
$(foreach t,$(benches),$(eval $(call host-program,native,$(t),-lm)))

bench: $(benches:%=$(B)/native/%) ## what one reading of the clock costs
	@$(if $(benches),,echo "make bench: no tests/bench/bench*.c yet" >&2; exit 1)
	set -e; for s in $^; do $$s; done

boot-test: $(B)/gnomon.elf ## the image under QEMU, with real peers
	$(PYTHON) -m pytest -p no:cacheprovider tests/boot

run test lint prove soak:
	@echo "make $@: not possible yet" >&2; exit 1

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 14

clean: ## remove what was built, keep what was downloaded
	rm -rf $(B)/gnomon.* $(addprefix $(B)/,arch boot drivers net ntp nts \
	    host native fuzz gen)

.PHONY: all objects unit fuzz sim bench boot-test run test lint prove soak \
    help clean

-include $(shell find $(B) -name '*.d' 2>/dev/null)
