/* SPDX-License-Identifier: BSD-2-Clause */
/* Preloaded into a time daemon: the clock it reads, sets and steers is its
 * own, and never the machine's.  It lives in the file that PRIVATE_CLOCK names,
 * where a test may look at it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include <linux/errqueue.h>

#define S 1000000000ll

/* What the file holds: the private clock is `offset_ns` ahead of the machine's
 * at `since_ns` of that, and gains `rate_ppb` a second from there. */
struct private_clock {
    int64_t offset_ns, since_ns, rate_ppb, steps;
};

static struct private_clock *private_clock;
static struct timex kernel = {.tick = 10000,
                              .tolerance = 32768000,
                              .precision = 1,
                              .maxerror = 16000000,
                              .esterror = 16000000,
                              .status = STA_UNSYNC};

static int64_t real_ns(void)
{
    struct timespec ts;

    syscall(SYS_clock_gettime, CLOCK_REALTIME, &ts);
    return ts.tv_sec * S + ts.tv_nsec;
}

__attribute__((constructor)) static void open_clock(void)
{
    const char *path = getenv("PRIVATE_CLOCK");
    int fd = path ? open(path, O_RDWR) : -1;
    void *at = mmap(NULL, sizeof(*private_clock), PROT_READ | PROT_WRITE,
                    MAP_SHARED, fd, 0);

    if (at == MAP_FAILED)
        abort();
    private_clock = at;
    close(fd);
}

/* How far ahead the private clock is when the machine's says `real`. */
static int64_t ahead(int64_t real)
{
    const struct private_clock *c = private_clock;

    return c->offset_ns +
           (int64_t)((double)(real - c->since_ns) * (double)c->rate_ppb / 1e9);
}

/* From now on it is so far ahead and gains that much. */
static void set(int64_t offset_ns, int64_t real, int64_t rate_ppb)
{
    private_clock->offset_ns = offset_ns;
    private_clock->since_ns = real;
    private_clock->rate_ppb = rate_ppb;
}

static void step_to(int64_t ns)
{
    int64_t real = real_ns();

    set(ns - real, real, private_clock->rate_ppb);
    private_clock->steps++;
}

static void move(int64_t by_ns)
{
    int64_t real = real_ns();

    set(ahead(real) + by_ns, real, private_clock->rate_ppb);
}

static int64_t now(void)
{
    int64_t real = real_ns();

    return real + ahead(real);
}

/* Reading it. */

static int is_wall(clockid_t id)
{
    return id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE;
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
    if (!is_wall(id))
        return (int)syscall(SYS_clock_gettime, id, ts);

    int64_t ns = now();
    ts->tv_sec = ns / S;
    ts->tv_nsec = ns % S;
    return 0;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    int64_t ns = now();

    (void)zone;
    tv->tv_sec = ns / S;
    tv->tv_usec = ns % S / 1000;
    return 0;
}

time_t time(time_t *where)
{
    time_t seconds = now() / S;

    if (where)
        *where = seconds;
    return seconds;
}

/* Setting it. */

int clock_settime(clockid_t id, const struct timespec *ts)
{
    if (!is_wall(id)) {
        errno = EINVAL;
        return -1;
    }
    step_to(ts->tv_sec * S + ts->tv_nsec);
    return 0;
}

int settimeofday(const struct timeval *tv, const struct timezone *zone)
{
    (void)zone;
    if (tv)
        step_to(tv->tv_sec * S + tv->tv_usec * 1000);
    return 0;
}

/* What the kernel would slew is done at once. */
int adjtime(const struct timeval *delta, struct timeval *left)
{
    if (delta)
        move(delta->tv_sec * S + delta->tv_usec * 1000);
    if (left)
        memset(left, 0, sizeof(*left));
    return 0;
}

static void steer(const struct timex *tx)
{
    if (tx->modes == ADJ_OFFSET_SINGLESHOT) {
        move(tx->offset * 1000);
        return;
    }
    if (tx->modes & ADJ_STATUS)
        kernel.status = (tx->status & ~STA_NANO) | (kernel.status & STA_NANO);
    if (tx->modes & ADJ_NANO)
        kernel.status |= STA_NANO;
    if (tx->modes & ADJ_MICRO)
        kernel.status &= ~STA_NANO;

    int64_t unit = kernel.status & STA_NANO ? 1 : 1000;

    if (tx->modes & ADJ_TIMECONST)
        kernel.constant = tx->constant;
    if (tx->modes & ADJ_MAXERROR)
        kernel.maxerror = tx->maxerror;
    if (tx->modes & ADJ_ESTERROR)
        kernel.esterror = tx->esterror;
    if (tx->modes & ADJ_TICK)
        kernel.tick = tx->tick;
    if (tx->modes & ADJ_FREQUENCY)
        kernel.freq = tx->freq;
    if (tx->modes & (ADJ_TICK | ADJ_FREQUENCY)) {
        int64_t real = real_ns();
        int64_t ppb = (kernel.tick - 10000) * 100000 +
                      (int64_t)kernel.freq * 1000 / 65536;
        set(ahead(real), real, ppb);
    }
    if (tx->modes & ADJ_SETOFFSET) {
        move(tx->time.tv_sec * S + tx->time.tv_usec * unit);
        private_clock->steps++;
    } else if (tx->modes & ADJ_OFFSET) {
        move(tx->offset * unit);
    }
}

int adjtimex(struct timex *tx)
{
    unsigned modes = tx->modes;
    int64_t ns = now();

    steer(tx);
    *tx = kernel;
    tx->modes = modes;
    tx->time.tv_sec = ns / S;
    tx->time.tv_usec = ns % S / (kernel.status & STA_NANO ? 1 : 1000);
    return kernel.status & STA_UNSYNC ? TIME_ERROR : TIME_OK;
}

int ntp_adjtime(struct timex *tx)
{
    return adjtimex(tx);
}

int clock_adjtime(clockid_t id, struct timex *tx)
{
    if (!is_wall(id)) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return adjtimex(tx);
}

/* The kernel's own timestamps are by the machine's clock. */

static void convert(struct timespec *ts)
{
    int64_t real = ts->tv_sec * S + ts->tv_nsec;

    if (real == 0)
        return;
    real += ahead(real);
    ts->tv_sec = real / S;
    ts->tv_nsec = real % S;
}

static void convert_message(struct msghdr *msg)
{
    struct cmsghdr *c;

    for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level != SOL_SOCKET)
            continue;
        if (c->cmsg_type == SCM_TIMESTAMPNS ||
            c->cmsg_type == SCM_TIMESTAMPING) {
            struct timespec ts; /* of three, the software's is the first */

            memcpy(&ts, CMSG_DATA(c), sizeof(ts));
            convert(&ts);
            memcpy(CMSG_DATA(c), &ts, sizeof(ts));
        } else if (c->cmsg_type == SCM_TIMESTAMP) {
            struct timeval tv;

            memcpy(&tv, CMSG_DATA(c), sizeof(tv));
            struct timespec ts = {tv.tv_sec, tv.tv_usec * 1000};
            convert(&ts);
            tv.tv_sec = ts.tv_sec;
            tv.tv_usec = ts.tv_nsec / 1000;
            memcpy(CMSG_DATA(c), &tv, sizeof(tv));
        }
    }
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
    ssize_t len = syscall(SYS_recvmsg, fd, msg, flags);

    if (len >= 0)
        convert_message(msg);
    return len;
}

int recvmmsg(int fd, struct mmsghdr *msgs, unsigned count, int flags,
             struct timespec *timeout)
{
    int got = (int)syscall(SYS_recvmmsg, fd, msgs, count, flags, timeout);

    for (int i = 0; i < got; i++)
        convert_message(&msgs[i].msg_hdr);
    return got;
}
