/* Shake: threads that come late, or early, at any place.
 *
 * In the preset `shake` each of our functions calls the two below when it begins and when it ends
 * (-finstrument-functions), and scripts/shake loads them into every program. Now and then one sleeps,
 * mostly for less than a millisecond, sometimes for as long as a busy machine takes a thread off its
 * core. A thread is in a mood for a while: it sleeps at about every 200,000th, 3,000th, 300th or 30th
 * call. What a test takes for granted of another thread comes out within minutes.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))
#define MOOD_LASTS 64u     /* Sleeps, on average. */
#define ASLEEP_PERCENT 60u /* Of a thread's life at most, beyond the first of these: */
#define ASLEEP_MIN_NS UINT64_C(100000000)

struct thread {
    uint64_t random; /* 0: its first call is still to come. */
    uint64_t begun_ns, slept_ns;
    uint64_t calls_left; /* Until it sleeps next. */
    unsigned mood;
    bool is_inside;
};

/* In the memory that each thread begins with: nothing is allocated in a signal handler. */
static __thread struct thread self __attribute__((tls_model("initial-exec")));

static uint64_t
now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* xorshift64: Marsaglia, "Xorshift RNGs", 2003. Below `limit`. */
static uint64_t
random_below(uint64_t limit)
{
    self.random ^= self.random << 13;
    self.random ^= self.random >> 7;
    self.random ^= self.random << 17;
    return self.random % limit;
}

static void
choose_calls(void)
{
    static const uint64_t means[] = { 200000, 3000, 300, 30 };
    self.calls_left = 1 + random_below(2 * means[self.mood]);
}

/* Three in ten each, and one in ten sleeps all the time. */
static void
choose_mood(void)
{
    self.mood = (unsigned)(random_below(10) / 3);
}

static uint64_t
choose_sleep_us(void)
{
    uint64_t chance = random_below(1000);
    if (chance < 800)
        return 20 + random_below(200);
    if (chance < 970)
        return 500 + random_below(4000);
    if (chance < 998)
        return 5000 + random_below(30000);
    return 50000 + random_below(150000);
}

static void
begin(void)
{
    self.begun_ns = now_ns();
    self.random = (self.begun_ns ^ ((uint64_t)syscall(SYS_gettid) << 32)) | 1;
    choose_mood();
}

static void
sleep_a_while(void)
{
    uint64_t ns = 1000 * choose_sleep_us();
    uint64_t allowed_ns = (now_ns() - self.begun_ns) / 100 * ASLEEP_PERCENT + ASLEEP_MIN_NS;
    if (random_below(MOOD_LASTS) == 0)
        choose_mood();
    if (self.slept_ns > allowed_ns)
        return;
    self.slept_ns += ns;
    nanosleep(&(struct timespec){ .tv_nsec = (long)ns }, NULL);
}

/* Also on guests' stacks and in signal handlers, so only what may be called there. */
static void
count_call(void)
{
    if (self.is_inside || self.calls_left-- > 0)
        return;
    int kept = errno;
    self.is_inside = true;
    if (self.random == 0)
        begin();
    else
        sleep_a_while();
    choose_calls();
    self.is_inside = false;
    errno = kept;
}

SHOWN void __cyg_profile_func_enter(void *function, void *caller);
SHOWN void __cyg_profile_func_exit(void *function, void *caller);

void
__cyg_profile_func_enter(void *function, void *caller)
{
    (void)function, (void)caller;
    count_call();
}

void
__cyg_profile_func_exit(void *function, void *caller)
{
    (void)function, (void)caller;
    count_call();
}
