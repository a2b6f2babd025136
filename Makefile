# SPDX-License-Identifier: BSD-2-Clause
# Gnomon: the image, its tests and its tools.  `make help` lists the targets.

COMPILER ?= gcc
B ?= build$(if $(filter clang,$(COMPILER)),/clang)
PYTHON := /usr/bin/python3

# Tests leave nothing outside of build/.
export PYTHONDONTWRITEBYTECODE := 1

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

# `make V=1` shows the commands whole.
show = $(if $(V),,@echo "  $(1) $@"; )

# What the image is made of: a file is in it because its folder's list names it.

arch-y := \
    cpu \
    vectors \
    budget \
    irq \
    apic \
    timer \
    mmu \
    mem \
    tsc \
    tsc_measure \
    tsc_watch \
    rng \
    entropy \
    fmt \
    logring \
    log \
    panic \
    selftest \
    libc

boot-y := \
    entry \
    loader \
    main \
    loop \
    recover \
    away \
    generation \
    settings \
    ke_service \
    nts_sources \
    stats \
    gpt \
    state \
    state_find \
    state_image \
    rate \
    refclocks \
    remember \
    nts \
    leaps \
    clock_cost \
    nts_cost \
    cpio \
    config \
    config_access \
    config_check \
    config_chrony \
    config_cmdline \
    config_dialect \
    config_directive \
    config_files \
    config_keys \
    config_lexer \
    config_ntpconf \
    config_nts \
    config_own \
    config_pem \
    config_report \
    config_slip \
    config_refclock \
    config_source \
    config_text \
    config_value

drivers-y := \
    netdev \
    pci \
    acpi \
    aml \
    hypervisor_pages \
    vmclock \
    kvm_pairing \
    vmware \
    hyperv \
    virtq \
    virtio_pci \
    virtio_net \
    blk \
    virtio_blk \
    virtio_rng \
    fw_cfg \
    uart \
    rtc \
    rtc_edge \
    disruption \
    kvmclock \
    steal \
    hpet \
    pmtimer \
    pit

net-y := \
    addr_text \
    addresses \
    dns \
    fastpath \
    frame \
    gone \
    ke_client \
    ke_listener \
    ke_queue \
    lwip_port \
    lwip_timers \
    neighbour \
    resolve \
    sieve \
    slowpath \
    tls \
    tls_config \
    tls_heap \
    tls_hello \
    tls_link \
    tls_memory \
    tls_trouble \
    tls_verify \
    upstream

ntp-y := \
    packet \
    server \
    access \
    limit \
    interleave \
    mac \
    clock \
    source \
    refclock \
    peer \
    real \
    delay \
    track \
    filter \
    select \
    poll \
    look \
    follow \
    served \
    client_report \
    discipline \
    leap \
    leap_list \
    smear \
    client

nts-y := \
    aead \
    aes_ct \
    aes_ni \
    gcm_siv \
    p256 \
    siv \
    record \
    ke \
    ke_ask \
    cert \
    keys \
    cookie \
    fields \
    server \
    client \
    x25519 \
    x25519_psa

# What runs at interrupt level has no vector registers to spoil.
irq-y := \
    drivers/disruption \
    drivers/rtc \
    drivers/rtc_edge \
    net/frame \
    net/fastpath \
    ntp/packet \
    ntp/server \
    ntp/mac \
    ntp/access \
    ntp/limit \
    ntp/interleave \
    ntp/clock \
    nts/aead \
    nts/aes_ct \
    nts/gcm_siv \
    nts/siv \
    nts/keys \
    nts/cookie \
    nts/fields \
    nts/server

# What also builds on the host, unchanged, beside all of ntp/ and nts/.
portable-y := \
    arch/budget \
    arch/fmt \
    arch/logring \
    arch/rng \
    boot/cpio \
    boot/gpt \
    boot/loader \
    boot/state_image \
    net/addr_text \
    net/dns \
    net/frame \
    net/gone \
    net/neighbour \
    net/sieve \
    net/tls_heap \
    net/tls_hello \
    net/tls_verify \
    $(filter boot/config%,$(boot-y:%=boot/%)) \
    $(ntp-y:%=ntp/%) \
    $(nts-y:%=nts/%)

image-y := $(boot-y:%=boot/%) $(arch-y:%=arch/%) $(drivers-y:%=drivers/%) \
    $(net-y:%=net/%) $(ntp-y:%=ntp/%) $(nts-y:%=nts/%)

# The image.

gcc-cc := gcc
clang-cc := clang
CC := $($(COMPILER)-cc)
gcc-include = $(shell gcc -print-file-name=include)
clang-include = $(shell clang -print-resource-dir)/include
compiler-include := $($(COMPILER)-include)

warnings := -Wall -Wextra -Werror -Wshadow -Wundef -Wvla \
    -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
    -Wpointer-arith -Wcast-qual -Wwrite-strings
same-bytes := -ffile-prefix-map=$(CURDIR)/= -ffile-prefix-map=$(CURDIR)=.

machine := -m64 -mno-red-zone -mcmodel=small -fno-pic -fno-pie \
    -ffreestanding -fno-common -fcf-protection=none \
    -fstack-protector-strong -mstack-protector-guard=global \
    -fstack-clash-protection -fno-omit-frame-pointer \
    -fno-asynchronous-unwind-tables \
    -ffunction-sections -fdata-sections -O2 -g

T := build/third_party
bearssl-include := -isystem $(T)/bearssl/inc -isystem $(T)/bearssl/src
CPPFLAGS := -iquote . -nostdinc -isystem $(compiler-include) \
    -isystem $(B)/gen/newlib -isystem $(T)/newlib/newlib/libc/include \
    -isystem $(T)/lwip/src/include -idirafter net/lwip_arch -idirafter net \
    -isystem $(T)/mbedtls/include $(bearssl-include) \
    -DMBEDTLS_CONFIG_FILE='"nts/mbedtls_config.h"'
CFLAGS = -std=gnu11 $(warnings) $(machine) $(same-bytes)
# What is wrapped: see net/lwip_hooks.h and nts/x25519_psa.h.
LDFLAGS := -nostdlib -static -Wl,--gc-sections -Wl,--build-id=none \
    -Wl,--wrap=nd6_input \
    -Wl,--wrap=mbedtls_psa_ecp_export_public_key \
    -Wl,--wrap=mbedtls_psa_key_agreement_ecdh \
    -Wl,-z,noexecstack -Wl,-z,max-page-size=4096 -Wl,--no-warn-rwx-segments

image-objects := $(image-y:%=$(B)/%.o)

$(B)/arch/%.o $(B)/drivers/%.o $(irq-y:%=$(B)/%.o): \
    CFLAGS += -mgeneral-regs-only

all: $(B)/gnomon.elf ## the image, build/gnomon.elf

objects: $(image-objects) ## compile every file of the image, link nothing

$(B)/gnomon.elf: $(B)/gnomon.debug
	$(call show,cp)objcopy --strip-all $< $@

# Linked twice: the second time with the names of the functions of the first,
# whose addresses must not have moved.
image-libraries := $(addprefix $(B)/lib,bearssl.a lwip.a mbedtls.a mbedx509.a \
    mbedcrypto.a c.a)

define link-image
$(call show,ld)$(CC) $(LDFLAGS) -T linker/image.ld -o $@ $(filter %.o,$^) \
    -Wl,--start-group $(image-libraries) -lgcc -Wl,--end-group
endef

$(B)/gen/unnamed: linker/image.ld $(image-objects) $(image-libraries) \
    $(B)/gen/manifest.o $(B)/gen/leap_list.o $(B)/gen/no_symbols.o
	$(link-image)

$(B)/gnomon.debug: linker/image.ld $(image-objects) $(image-libraries) \
    $(B)/gen/manifest.o $(B)/gen/leap_list.o $(B)/gen/symbols.o
	$(link-image)
	@nm -n $(B)/gen/unnamed | grep ' [tT] ' > $(B)/gen/unnamed.text
	@nm -n $@ | grep ' [tT] ' | cmp - $(B)/gen/unnamed.text

$(B)/gen/no_symbols.S: tools/symbols
	@mkdir -p $(@D)
	@tools/symbols < /dev/null > $@

$(B)/gen/symbols.S: $(B)/gen/unnamed tools/symbols
	@nm -n $< | tools/symbols > $@

$(B)/gen/manifest.c: build/manifest FORCE
	@mkdir -p $(@D)
	@new=$@.$$$$; tools/manifest_c $(CC) < build/manifest > $$new && \
	    if cmp -s $$new $@; then rm $$new; else mv $$new $@; fi

# Compiled in, and replaced by `leapseclist`.
zoneinfo := $(T)/tzdata/usr/share/zoneinfo

$(B)/gen/leap_list.c: tools/leap_list_c $(T)/tzdata.stamp
	@mkdir -p $(@D)
	@tools/leap_list_c < $(zoneinfo)/leap-seconds.list > $@

$(B)/gen/%.o: $(B)/gen/%.S $(B)/flags
	$(call show,as)$(CC) $(machine) $(same-bytes) -c -o $@ $<

$(B)/gen/%.o: $(B)/gen/%.c $(B)/flags
	$(call show,cc)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(B)/%.o: %.c $(B)/flags | third-party
	@mkdir -p $(@D)
	$(call show,cc)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/%.o: %.S $(B)/flags | third-party
	@mkdir -p $(@D)
	$(call show,as)$(CC) $(CPPFLAGS) $(machine) $(same-bytes) -MMD -MP -c -o $@ $<

# What others wrote: Debian packages, fetched and checked by tools/third_party,
# and built from their sources with the flags of the image.

libraries := bearssl lwip mbedtls newlib tzdata

$(T)/checked: tools/third_party.lock
	@tools/third_party $(libraries)
	@touch $@

$(libraries:%=$(T)/%.stamp) build/manifest: $(T)/checked
	@test -e $@ || tools/third_party $(libraries)

third-party: $(libraries:%=$(T)/%.stamp) $(B)/gen/newlib/newlib.h

lwip-y := $(addprefix core/, \
    def dns inet_chksum init ip mem memp netif pbuf raw stats sys \
    tcp tcp_in tcp_out timeouts udp \
    $(addprefix ipv4/,dhcp etharp icmp ip4 ip4_addr ip4_frag) \
    $(addprefix ipv6/,dhcp6 ethip6 icmp6 inet6 ip6 ip6_addr ip6_frag mld6 \
        nd6)) netif/ethernet

mbedcrypto-y := aes aesni asn1parse asn1write base64 bignum bignum_core \
    block_cipher chacha20 chachapoly constant_time ecdh ecdsa ecp ecp_curves \
    gcm hkdf md md5 oid pem pk pk_ecc pk_wrap pkparse pkwrite platform_util \
    poly1305 psa_crypto psa_crypto_aead psa_crypto_cipher psa_crypto_client \
    psa_crypto_driver_wrappers_no_static psa_crypto_ecp psa_crypto_hash \
    psa_crypto_mac psa_crypto_rsa psa_crypto_slot_management psa_util rsa \
    rsa_alt_helpers sha1 sha256 sha512
mbedx509-y := x509 x509_create x509_crt x509write x509write_crt
mbedtls-y := ssl_ciphersuites ssl_client ssl_msg ssl_tls ssl_tls13_client \
    ssl_tls13_generic ssl_tls13_keys ssl_tls13_server

# Constant time without vector registers, for any level.
bearssl-y := hash/ghash_ctmul64 hash/sha2small mac/hmac rand/hmac_drbg \
    symcipher/aes_ct64 symcipher/aes_ct64_enc \
    $(addprefix codec/,ccopy dec32be dec32le enc32be enc32le) \
    $(addprefix ec/,ec_c25519_m31 ec_curve25519 ec_p256_m31 ec_secp256r1 \
    ec_secp384r1 ec_secp521r1 ecdsa_i31_bits \
    ecdsa_i31_sign_raw ecdsa_i31_vrfy_raw) \
    $(addprefix int/,i31_add i31_bitlen i31_decmod i31_decode i31_encode \
    i31_fmont i31_iszero i31_modpow i31_montmul i31_muladd i31_ninv31 \
    i31_rshift i31_sub i31_tmont i32_div32)

# Tuned for a copy of a frame or less: words, and no vector registers.
newlib-y := $(addprefix string/, \
    memchr memcmp memcpy memmove memrchr memset strcasecmp strchr strcmp \
    strcpy strcspn strlcat strlcpy strlen strncasecmp strncmp strncpy strnlen \
    strrchr strspn strstr strpbrk) \
    $(addprefix ctype/,ctype_ isalnum isalpha isdigit islower isprint isspace \
    isupper isxdigit tolower toupper) search/qsort search/bsearch

others = $(CC) $(CPPFLAGS) -std=gnu11 -w $(machine) $(same-bytes) -MMD -MP

$(B)/lwip/%.o: $(T)/lwip.stamp $(B)/flags net/lwipopts.h \
    net/lwip_arch/arch/cc.h | third-party
	@mkdir -p $(@D)
	$(call show,cc)$(others) -c -o $@ $(T)/lwip/src/$*.c

# Hashes and ciphers that interrupt level calls.  Only aesni has vector code,
# reached behind simd_begin().
$(B)/mbedtls/aesni.o: simd :=
simd := -mgeneral-regs-only

$(B)/mbedtls/%.o: $(T)/mbedtls.stamp $(B)/flags nts/mbedtls_config.h \
    | third-party
	@mkdir -p $(@D)
	$(call show,cc)$(others) $(simd) -c -o $@ $(T)/mbedtls/library/$*.c

$(B)/bearssl/%.o: $(T)/bearssl.stamp $(B)/flags | third-party
	@mkdir -p $(@D)
	$(call show,cc)$(others) -mgeneral-regs-only -c -o $@ \
	    $(T)/bearssl/src/$*.c

# The functions must not be turned into calls of themselves.
$(B)/newlib/%.o: $(T)/newlib.stamp $(B)/flags | third-party
	@mkdir -p $(@D)
	$(call show,cc)$(others) -mgeneral-regs-only -fno-builtin $(no-idioms) \
	    -fno-stack-protector -c -o $@ $(T)/newlib/newlib/libc/$*.c

gcc-no-idioms := -fno-tree-loop-distribute-patterns
no-idioms := $($(COMPILER)-no-idioms)

# What newlib's configure would have found out.
$(B)/gen/newlib/newlib.h: $(B)/flags
	@mkdir -p $(@D)
	@printf '#define __NEWLIB__ 4\n#define __NEWLIB_MINOR__ 5\n' \
	    > $(@D)/_newlib_version.h
	@printf '#include <_newlib_version.h>\n' > $@

define library
$(call show,ar)rm -f $@ && ar rcsD $@ $^
endef

$(B)/libbearssl.a: $(bearssl-y:%=$(B)/bearssl/%.o)
	$(library)
$(B)/liblwip.a: $(lwip-y:%=$(B)/lwip/%.o)
	$(library)
$(foreach l,mbedcrypto mbedx509 mbedtls,$(eval \
    $(B)/lib$(l).a: $($(l)-y:%=$(B)/mbedtls/%.o) ; $$(library)))
$(B)/libc.a: $(newlib-y:%=$(B)/newlib/%.o)
	$(library)

libs: $(image-libraries) ## newlib, lwIP, mbedTLS, BearSSL for the image

# Host builds of the portable files: for unit tests with sanitizers, for the
# simulation and the bench as fast as the image, for the fuzzers with clang.

sanitize := -fsanitize=address,undefined -fno-sanitize-recover=all
host-cc := gcc -O1 $(sanitize)
native-cc := gcc -O2
fuzz-cc := clang -O1 -fsanitize=fuzzer-no-link $(sanitize)
host-mbedtls := -isystem $(T)/mbedtls/include \
    -DMBEDTLS_CONFIG_FILE='"nts/mbedtls_config.h"' -iquote .
# Tests bring their own ports, counter and model-specific registers.
host-flags := -std=gnu11 -g $(warnings) -iquote tests/fake $(host-mbedtls) \
    -isystem $(T)/lwip/src/include -idirafter net/lwip_arch -idirafter net \
    $(bearssl-include) -MMD -MP
host-mbedtls-lib := $(B)/host-mbedtls/libmbedtls.a

$(B)/host-mbedtls/%.o: $(T)/mbedtls.stamp $(B)/flags nts/mbedtls_config.h
	@mkdir -p $(@D)
	$(call show,cc)gcc -std=gnu11 -O2 -w $(host-mbedtls) -MMD -MP -c -o $@ \
	    $(T)/mbedtls/library/$*.c

host-bearssl := $(B)/host-bearssl/libbearssl.a

$(B)/host-bearssl/%.o: $(T)/bearssl.stamp $(B)/flags
	@mkdir -p $(@D)
	$(call show,cc)gcc -std=gnu11 -O2 -w $(bearssl-include) -MMD -MP -c -o $@ \
	    $(T)/bearssl/src/$*.c

$(host-bearssl): $(bearssl-y:%=$(B)/host-bearssl/%.o)
	$(library)
$(host-mbedtls-lib): $(patsubst %,$(B)/host-mbedtls/%.o, \
    $(mbedcrypto-y) $(mbedx509-y) $(mbedtls-y) psa_random)
	$(library)

# What net/tls.c gives mbedTLS in the image.
$(B)/host-mbedtls/psa_random.o: tests/fake/psa_random.c $(T)/mbedtls.stamp
	@mkdir -p $(@D)
	$(call show,cc)gcc -O2 $(host-mbedtls) -c -o $@ $<

define host-flavour
$(B)/$(1)/%.o: %.c $(B)/flags | \
    $(T)/mbedtls.stamp $(T)/lwip.stamp $(T)/bearssl.stamp
	@mkdir -p $$(@D)
	$$(call show,cc)$$($(1)-cc) $$(host-flags) -c -o $$@ $$<

$(B)/$(1)/libgnomon.a: $$(portable-y:%=$(B)/$(1)/%.o)
	$$(library)
endef
$(foreach flavour,host native fuzz,$(eval $(call host-flavour,$(flavour))))

# A test that needs more than the portable library says so in a comment:
# /* links: drivers/virtq tests/fake/device */
links = $(shell awk '/^\/\* links: / { on = 1; $$2 = "" } \
    on { end = /\*\//; gsub(/[*\/]+( |$$)|^ *\//, ""); print } \
    end { on = end = 0 }' $(1).c)

define host-program
$(B)/$(1)/$(2): $$(patsubst %,$(B)/$(1)/%.o,$(2) $$(call links,$(2))) \
    $(B)/$(1)/libgnomon.a $(host-mbedtls-lib) $(host-bearssl)
	$$(call show,ld)$$($(1)-cc) $(4) -o $$@ $$(filter %.o,$$^) \
	    -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $(3)
endef

unit-tests := $(basename $(wildcard tests/unit/test_*.c))
$(foreach t,$(unit-tests),$(eval $(call host-program,host,$(t),-lcmocka -lm)))

unit: $(unit-tests:%=$(B)/host/%) ## unit tests, on the host with sanitizers
	@$(PYTHON) tests/run_unit.py $^

fuzzers := $(basename $(wildcard tests/fuzz/fuzz_*.c))
$(foreach t,$(fuzzers),$(eval \
    $(call host-program,fuzz,$(t),,-fsanitize=fuzzer)))
FUZZ_SECONDS ?= 60

fuzz: $(fuzzers:%=$(B)/fuzz/%) ## each fuzzer for FUZZ_SECONDS (60)
	@$(BESIDE) $(PYTHON) tests/run_fuzz.py --seconds $(FUZZ_SECONDS) \
	    --out $(B)/fuzz $^

sims := $(basename $(wildcard tests/sim/sim*.c))
$(foreach t,$(sims),$(eval $(call host-program,native,$(t),-lm)))

sim: $(sims:%=$(B)/native/%) ## the discipline on invented clocks and networks
	@$(if $(sims),,echo "make sim: no tests/sim/sim*.c yet" >&2; exit 1)
	set -e; for s in $^; do $$s; done

benches := $(basename $(wildcard tests/bench/bench*.c))
$(foreach t,$(benches),$(eval $(call host-program,native,$(t),-lm)))

# The load generator: no part of the image, as fast as the host can.
$(B)/host/loadgen: \
    $(patsubst %,$(B)/native/tests/bench/%.o,loadgen exchange link)
	@mkdir -p $(@D)
	$(native-cc) -o $@ $^ -lm

$(B)/host/host_rate: $(B)/native/tests/bench/host_rate.o
	@mkdir -p $(@D)
	$(native-cc) -o $@ $^

# What a daemon under test is preloaded with.
$(B)/host/private_clock.so: tests/boot/private_clock.c
	@mkdir -p $(@D)
	$(call show,ld)gcc -O2 -Wall -Wextra -Werror -shared -fPIC -o $@ $<

loadgen: $(B)/host/loadgen ## the load generator, build/host/loadgen

prove: | build/peers/bin/cbmc ## packet parsers, from any state, with CBMC
	OUT=$(B)/proof $(BESIDE) tests/proof/run.sh

# In namespaces of their own: no packet leaves this machine, and no process
# outlives the tests.
namespaces := unshare --net --pid --fork --kill-child --mount-proc \
    $(if $(filter-out 0,$(shell id -u)),--map-root-user)

pytest = GNOMON_IMAGE=$(abspath $(B)/gnomon.elf) $(namespaces) \
    $(PYTHON) -m pytest -p no:cacheprovider -q -rs \
    --basetemp=$(abspath $(or $(TMP),build/tmp)) $(PYTEST_FLAGS)

host-tools := $(addprefix $(B)/host/,loadgen host_rate private_clock.so)

run-boot = GNOMON_IMAGE=$(abspath $(B)/gnomon.elf) $(PYTHON) \
    tests/run_boot.py --tmp $(abspath $(or $(TMP),build/tmp)) \
    --enter "$(namespaces)" $(PYTEST_FLAGS)

boot-test: all $(host-tools) ## the image under QEMU, with real peers
	@$(run-boot)

# What may have company, and what measures and may not.
boot-beside boot-alone: all $(host-tools)
	@$(run-boot) --only $(@:boot-%=%)

# BENCH_FLAGS="--form long", "--suites boot,load".
bench = GNOMON_IMAGE=$(abspath $(B)/gnomon.elf) $(namespaces) $(PYTHON) \
    tests/bench/bench.py
bench-programs := $(host-tools) $(benches:%=$(B)/native/%)

bench: all $(bench-programs) ## figures of the image under QEMU, in 6 minutes
	$(bench) $(BENCH_FLAGS)

bench-peer: build/bench-linux/initrd.img ## the same, in turns with Linux
bench-peer: all $(bench-programs)
	$(bench) --linux build/bench-linux $(BENCH_FLAGS)

build/bench-linux/initrd.img: tests/bench/linux_guest tools/third_party.lock
	tools/third_party linux busybox-static chrony-4.6
	tests/bench/linux_guest $(@D)

bench-short: all $(bench-programs) ## the same in half a minute, roughly
	$(bench) --form short

soak: all $(host-tools) ## floods, pauses, leap seconds: hour and a half
	@ls tests/soak/test_*.py >/dev/null
	$(pytest) tests/soak

iso: $(B)/gnomon.elf ## build/gnomon.iso, a CD and disk image with GRUB
	tools/mkimage.sh -i $< $(B)/gnomon.iso

# selftest spoils vector registers on purpose.
low-objects := $(filter-out $(B)/arch/selftest.o,$(filter \
    $(B)/arch/% $(B)/drivers/% $(irq-y:%=$(B)/%.o),$(image-objects)))
irq-objects := $(filter $(irq-y:%=$(B)/%.o),$(image-objects))

lint: export COMPILE = $(subst ',,$(CC) $(CPPFLAGS) $(CFLAGS))
lint: export IRQ_OBJECTS = $(irq-objects)
lint: export LOW_OBJECTS = $(low-objects)
lint: objects ## what a script can check of the style
	@tests/lint/run.sh

both-compilers: ## the image with gcc and with clang, without a warning
	@tests/both_compilers.sh

same-bytes: third-party ## the image twice, in two folders: the same bytes?
	@tests/same_bytes.sh

# The booted tests mostly wait; fuzzers and proofs get what time they leave.
# Unit tests draw the same here each time; `make unit` draws anew.
test: ## set up, then everything, the long parts short
	@tools/setup test
	@exec env FUZZ_SECONDS=$(or $(TEST_FUZZ_SECONDS),3) PLANTED=1 \
	    CHECK_SEED=$(or $(CHECK_SEED),8915) BESIDE="chrt --idle 0" \
	    $(PYTHON) tests/run_all.py unit lint both-compilers same-bytes sim \
	    boot-beside+fuzz+prove boot-alone bench-short

# SERVER=ADDRESS is followed, APPEND=WORDS are more configuration.  Several may
# run; they are built one after the other.
run: ## set up, boot the image and serve; SERVER=ADDRESS is followed
	@flock $(B)/lock tools/setup run
	@flock $(B)/lock $(MAKE) --no-print-directory -j$(shell nproc) all
	@exec tools/run --image $(B)/gnomon.elf --append "$(APPEND)" \
	    --server "$(SERVER)"

build/peers/bin/%:
	tools/third_party $*

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

clean: ## remove what was built, keep what was downloaded
	rm -rf $(B)/gnomon.* $(addprefix $(B)/,arch boot drivers net ntp nts \
	    host native fuzz gen bearssl lwip mbedtls newlib host-bearssl \
    host-mbedtls lib*.a)

# What was built with other flags is built again.
flags := $(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) \
    $(host-cc) $(native-cc) $(fuzz-cc) $(host-flags)
$(shell mkdir -p $(B))
ifneq ($(file <$(B)/flags),$(flags))
$(file >$(B)/flags,$(flags))
endif

FORCE:

.PHONY: FORCE all objects libs third-party unit fuzz sim bench bench-peer \
    bench-short loadgen boot-test boot-beside boot-alone iso run test lint \
    prove soak help clean both-compilers same-bytes

-include $(shell find $(wildcard $(addprefix $(B)/,arch boot drivers net ntp \
    nts host native fuzz bearssl lwip mbedtls newlib host-bearssl \
    host-mbedtls) /dev/null) \
    -name '*.d' 2>/dev/null)
