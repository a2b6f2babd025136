/* SPDX-License-Identifier: BSD-2-Clause */
/* Entry stubs of exceptions and interrupts; the stacks. */

        .set    PAGE, 4096
        .set    FIRST_IRQ, 32
        .set    ERROR_CODES, 0x60227d00 /* exceptions that push one, by bit */

        .section .text.vectors, "ax"

/* Exceptions: 32 stubs, 16 bytes apart. */
        .balign 16
        .globl  vector_exceptions
vector_exceptions:
        .set    vector, 0
        .rept   FIRST_IRQ
        .balign 16
        .if     !((ERROR_CODES >> vector) & 1)
        pushq   $0
        .endif
        pushq   $vector
        jmp     exception_entry
        .set    vector, vector + 1
        .endr

/* The order is that of struct cpu_frame. */
        .balign 16
exception_entry:
        pushq   %rax
        pushq   %rbx
        pushq   %rcx
        pushq   %rdx
        pushq   %rsi
        pushq   %rdi
        pushq   %rbp
        pushq   %r8
        pushq   %r9
        pushq   %r10
        pushq   %r11
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        cld
        movq    %rsp, %rdi
        call    panic_exception         /* does not return */
        ud2

/*
 * Interrupts: 224 stubs, 8 bytes apart.  The vector less 128 fits the short
 * form of push.
 */
        .balign 8
        .globl  vector_interrupts
vector_interrupts:
        .set    vector, FIRST_IRQ
        .rept   256 - FIRST_IRQ
        .balign 8
        pushq   $(vector - 128)
        jmp     irq_entry
        .set    vector, vector + 1
        .endr

        .balign 16
irq_entry:
        pushq   %rax
        pushq   %rdx
        lfence
        rdtsc
        shlq    $32, %rdx
        orq     %rax, %rdx
        pushq   %rcx
        pushq   %rsi
        pushq   %rdi
        pushq   %r8
        pushq   %r9
        pushq   %r10
        pushq   %r11
        movq    %rdx, %rsi              /* second: the counter on entry */
        movslq  72(%rsp), %rdi
        subq    $-128, %rdi             /* first: the vector */
        pushq   80(%rsp)                /* a frame for back traces: RIP, */
        pushq   %rbp                    /* RBP */
        movq    %rsp, %rbp
        subq    $8, %rsp
        cld
        call    irq_dispatch
        addq    $8, %rsp
        popq    %rbp
        addq    $8, %rsp
        popq    %r11
        popq    %r10
        popq    %r9
        popq    %r8
        popq    %rdi
        popq    %rsi
        popq    %rcx
        popq    %rdx
        popq    %rax
        addq    $8, %rsp
        iretq

/* Each with a page below it that mmu_init() leaves unmapped. */
        .section .pages, "aw", @nobits
        .macro  stack name, pages
        .balign PAGE
        .globl  stack_\name\()_guard, stack_\name\()_top
stack_\name\()_guard:
        .skip   PAGE
        .skip   \pages * PAGE
stack_\name\()_top:
        .endm

        stack   main, 16
        stack   double_fault, 2
        stack   nmi, 2
        stack   machine_check, 2
        stack   interrupt, 8

        .section .note.GNU-stack, "", @progbits
