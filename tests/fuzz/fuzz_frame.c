/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a frame: what is found lies in it, and an answer is right. */
#include "net/frame.h"
#include "net/neighbour.h"
#include "tests/frames.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define HOLDS(condition)                                                       \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

#define LEN_MAX 1518

static void check_neighbour(const uint8_t *data, size_t len)
{
    uint8_t answer[LEN_MAX + NEIGHBOUR_ANSWER_MAX];
    struct neighbour n;

    if (neighbour_parse(&n, data, len) != NEIGHBOUR_REQUEST)
        return;
    memcpy(answer, data, len);

    size_t answer_len = neighbour_answer(&n, answer, frames_ours);

    HOLDS(answer_len <= NEIGHBOUR_ANSWER_MAX);
    HOLDS(memcmp(answer, data + 6, 6) == 0);
    HOLDS(neighbour_parse(&n, answer, answer_len) == NEIGHBOUR_REPLY);
}

static void check_answer(const struct frame *f, uint8_t *data)
{
    struct frame_answer answer = {.dscp = 46, .payload_len = f->payload_len};
    size_t len = frame_answer(f, data, &answer);
    struct frame back;

    frame_seal(f, data, f->payload_len);
    data[6] &= 0xfe; /* it may have been sent to a group */
    HOLDS(frame_parse(&back, data, len) == NTP_OK);
    HOLDS(frame_checksum_ok(&back, data));
    HOLDS(ip_equal(&back.source, &f->destination));
    HOLDS(ip_equal(&back.destination, &f->source));
    HOLDS(back.source_port == f->destination_port);
    HOLDS(back.destination_port == f->source_port);
    HOLDS(back.payload_len == f->payload_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct frame f;

    if (len > LEN_MAX)
        return 0;

    /* Of exactly that size, so that a read past it is seen. */
    uint8_t *exact = malloc(len + 1);

    memcpy(exact, data, len);
    check_neighbour(exact, len);
    if (frame_parse(&f, exact, len) == NTP_OK) {
        HOLDS((size_t)f.udp_offset + FRAME_UDP_LEN + f.payload_len <= len);
        if (frame_checksum_ok(&f, exact)) {
            unsigned sum =
                frames_udp_sum(exact + 14, f.ipv6, exact + f.udp_offset);
            unsigned given = frames_get(exact + f.udp_offset + 6);

            HOLDS((given == 0 && !f.ipv6) || given == sum);
        }
        check_answer(&f, exact);
    }
    free(exact);
    return 0;
}
