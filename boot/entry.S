/* SPDX-License-Identifier: BSD-2-Clause */
/* From the loader to long mode, a page table and a stack. */

#include "boot/loader.h"

        .set    MULTIBOOT2_HEADER_MAGIC, 0xe85250d6
        .set    PAGE, 4096

        .set    CR0_MP, 1 << 1
        .set    CR0_EM, 1 << 2
        .set    CR0_TS, 1 << 3
        .set    CR0_NE, 1 << 5
        .set    CR0_WP, 1 << 16
        .set    CR0_PG, 1 << 31
        .set    CR4_PAE, 1 << 5
        .set    CR4_OSFXSR, 1 << 9
        .set    CR4_OSXMMEXCPT, 1 << 10
        .set    EFER, 0xc0000080
        .set    EFER_LME, 1 << 8
        .set    CPUID_LONG_MODE, 1 << 29        /* 0x80000001, EDX */

        .set    PTE_PRESENT_WRITABLE, 3
        .set    PTE_LARGE, 1 << 7

        .set    COM1, 0x3f8

/*
 * Multiboot2 2.0, 3.1: within the first 32 KiB of the file, 8-byte aligned.
 */
        .section .boot.header, "a"
        .balign 8
multiboot2_header:
        .long   MULTIBOOT2_HEADER_MAGIC
        .long   0                               /* i386 protected mode */
        .set    HEADER_LEN, multiboot2_end - multiboot2_header
        .long   HEADER_LEN
        .long   -(MULTIBOOT2_HEADER_MAGIC + HEADER_LEN)

        .balign 8                               /* information request */
1:      .short  1, 0
        .long   2f - 1b
        .long   1, 3, 6                         /* command line, modules, map */
2:
        .balign 8                               /* welcome, not needed */
1:      .short  1, 1
        .long   2f - 1b
        .long   2, 14, 15                       /* loader's name, ACPI */
2:
        .balign 8                               /* modules on whole pages */
        .short  6, 0
        .long   8

        .balign 8                               /* end */
        .short  0, 0
        .long   8
multiboot2_end:

/* PVH: the 32-bit entry point as a Xen note, XEN_ELFNOTE_PHYS32_ENTRY. */
        .section .note.pvh, "a", @note
        .balign 4
        .long   4, 8, 18
        .asciz  "Xen"
        .quad   entry_pvh

/*
 * Both protocols enter in 32-bit protected mode, flat segments, paging and
 * interrupts off, EBX the address of their information.
 */
        .section .boot.text, "ax"
        .code32
        .globl  entry_pvh, entry_multiboot2
entry_pvh:
        movl    $LOADER_PVH, %eax
entry_multiboot2:
        movl    %eax, %esi                      /* the protocol */
        rdtsc                                   /* zero of all time stamps */
        movl    %eax, %ebp
        movl    %edx, %esp                      /* there is no stack yet */
        cli
        cld

        movl    %ebx, %edi                      /* CPUID spoils EBX */
        movl    $0x80000000, %eax
        cpuid
        cmpl    $0x80000001, %eax
        jb      no_long_mode
        movl    $0x80000001, %eax
        cpuid
        testl   $CPUID_LONG_MODE, %edx
        jz      no_long_mode
        movl    %edi, %ebx

        /* Identity map of the first 4 GiB, in pages of 2 MiB. */
        movl    $early_pml4, %edi
        xorl    %eax, %eax
        movl    $(2 * PAGE / 4), %ecx
        rep stosl                               /* early_pml4, early_pdpt */
        movl    $(early_pdpt + PTE_PRESENT_WRITABLE), early_pml4
        movl    $early_pdpt, %edi
        movl    $(early_pd + PTE_PRESENT_WRITABLE), %eax
        movl    $4, %ecx
1:      movl    %eax, (%edi)
        addl    $PAGE, %eax
        addl    $8, %edi
        loop    1b
        movl    $early_pd, %edi
        movl    $(PTE_LARGE | PTE_PRESENT_WRITABLE), %eax
        movl    $(4 * 512), %ecx
1:      movl    %eax, (%edi)
        movl    $0, 4(%edi)
        addl    $(2 << 20), %eax
        addl    $8, %edi
        loop    1b

        movl    $early_pml4, %eax
        movl    %eax, %cr3
        movl    $(CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT), %eax
        movl    %eax, %cr4
        movl    $EFER, %ecx
        rdmsr
        orl     $EFER_LME, %eax
        wrmsr
        movl    %cr0, %eax
        andl    $~(CR0_EM | CR0_TS), %eax
        orl     $(CR0_PG | CR0_WP | CR0_NE | CR0_MP), %eax
        movl    %eax, %cr0
        lgdt    early_gdt_pointer
        ljmp    $8, $long_mode

no_long_mode:
        movl    $no_long_mode_text, %esi
1:      movw    $(COM1 + 5), %dx                /* line status: room? */
        movl    $100000, %ecx
2:      inb     %dx, %al
        testb   $0x20, %al
        loopz   2b
        lodsb
        testb   %al, %al
        jz      3f
        movw    $COM1, %dx
        outb    %al, %dx
        jmp     1b
3:      hlt
        jmp     3b

        .code64
long_mode:
        xorl    %eax, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        movl    %eax, %fs
        movl    %eax, %gs
        movl    %esp, %edx
        shlq    $32, %rdx
        movl    %ebp, %ebp
        orq     %rbp, %rdx                      /* third: entry_ticks */
        movl    $stack_main_top, %esp
        fninit
        pushq   $0x1f80
        ldmxcsr (%rsp)

        movl    %esi, %r8d
        movl    $bss_start, %edi
        movl    $bss_quads, %ecx
        xorl    %eax, %eax
        rep stosq

        movl    %r8d, %edi                      /* first: the protocol */
        movl    %ebx, %esi                      /* second: its information */
        pushq   $0                              /* where back traces end */
        xorl    %ebp, %ebp
        call    boot_main
        ud2

        .section .boot.rodata, "a"
        .balign 8
early_gdt:
        .quad   0
        .quad   0x00209b0000000000              /* 64-bit code */
early_gdt_pointer:
        .short  . - early_gdt - 1
        .long   early_gdt
no_long_mode_text:
        .asciz  "gnomon: this processor has no 64-bit mode\r\n"

        .section .pages, "aw", @nobits
        .balign PAGE
early_pml4:
        .skip   PAGE
early_pdpt:
        .skip   PAGE
early_pd:
        .skip   4 * PAGE

        .section .note.GNU-stack, "", @progbits
