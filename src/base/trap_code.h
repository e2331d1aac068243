/* Trap codes: why a guest's instance trapped.
 *
 * Numbers and names are Wasmtime 48's (wasmtime/trap.h), the names in kebab-case; only
 * UNREACHABLE_CODE_REACHED has the shorter name by which rules and events know it.
 * The last two are ours: a panic inside the engine, and a failure without a code.
 */
#ifndef BASE_TRAP_CODE_H
#define BASE_TRAP_CODE_H

#include <stdbool.h>

/* X(NAME, number, "name") */
#define TRAP_CODE_LIST(X)                                                                 \
    X(STACK_OVERFLOW, 0, "stack-overflow")                                                \
    X(MEMORY_OUT_OF_BOUNDS, 1, "memory-out-of-bounds")                                    \
    X(HEAP_MISALIGNED, 2, "heap-misaligned")                                              \
    X(TABLE_OUT_OF_BOUNDS, 3, "table-out-of-bounds")                                      \
    X(INDIRECT_CALL_TO_NULL, 4, "indirect-call-to-null")                                  \
    X(BAD_SIGNATURE, 5, "bad-signature")                                                  \
    X(INTEGER_OVERFLOW, 6, "integer-overflow")                                            \
    X(INTEGER_DIVISION_BY_ZERO, 7, "integer-division-by-zero")                            \
    X(BAD_CONVERSION_TO_INTEGER, 8, "bad-conversion-to-integer")                          \
    X(UNREACHABLE, 9, "unreachable")                                                      \
    X(INTERRUPT, 10, "interrupt")                                                         \
    X(OUT_OF_FUEL, 11, "out-of-fuel")                                                     \
    X(ATOMIC_WAIT_NON_SHARED_MEMORY, 12, "atomic-wait-non-shared-memory")                 \
    X(NULL_REFERENCE, 13, "null-reference")                                               \
    X(ARRAY_OUT_OF_BOUNDS, 14, "array-out-of-bounds")                                     \
    X(ALLOCATION_TOO_LARGE, 15, "allocation-too-large")                                   \
    X(CAST_FAILURE, 16, "cast-failure")                                                   \
    X(CANNOT_ENTER_COMPONENT, 17, "cannot-enter-component")                               \
    X(NO_ASYNC_RESULT, 18, "no-async-result")                                             \
    X(UNHANDLED_TAG, 19, "unhandled-tag")                                                 \
    X(CONTINUATION_ALREADY_CONSUMED, 20, "continuation-already-consumed")                 \
    X(DISABLED_OPCODE, 21, "disabled-opcode")                                             \
    X(ASYNC_DEADLOCK, 22, "async-deadlock")                                               \
    X(CANNOT_LEAVE_COMPONENT, 23, "cannot-leave-component")                               \
    X(CANNOT_BLOCK_SYNC_TASK, 24, "cannot-block-sync-task")                               \
    X(INVALID_CHAR, 25, "invalid-char")                                                   \
    X(DEBUG_ASSERT_STRING_ENCODING_FINISHED, 26, "debug-assert-string-encoding-finished") \
    X(DEBUG_ASSERT_EQUAL_CODE_UNITS, 27, "debug-assert-equal-code-units")                 \
    X(DEBUG_ASSERT_POINTER_ALIGNED, 28, "debug-assert-pointer-aligned")                   \
    X(DEBUG_ASSERT_UPPER_BITS_UNSET, 29, "debug-assert-upper-bits-unset")                 \
    X(STRING_OUT_OF_BOUNDS, 30, "string-out-of-bounds")                                   \
    X(LIST_OUT_OF_BOUNDS, 31, "list-out-of-bounds")                                       \
    X(INVALID_DISCRIMINANT, 32, "invalid-discriminant")                                   \
    X(UNALIGNED_POINTER, 33, "unaligned-pointer")                                         \
    X(TASK_CANCEL_NOT_CANCELLED, 34, "task-cancel-not-cancelled")                         \
    X(TASK_CANCEL_OR_RETURN_TWICE, 35, "task-cancel-or-return-twice")                     \
    X(SUBTASK_CANCEL_AFTER_TERMINAL, 36, "subtask-cancel-after-terminal")                 \
    X(TASK_RETURN_INVALID, 37, "task-return-invalid")                                     \
    X(WAITABLE_SET_DROP_HAS_WAITERS, 38, "waitable-set-drop-has-waiters")                 \
    X(SUBTASK_DROP_NOT_RESOLVED, 39, "subtask-drop-not-resolved")                         \
    X(THREAD_NEW_INDIRECT_INVALID_TYPE, 40, "thread-new-indirect-invalid-type")           \
    X(THREAD_NEW_INDIRECT_UNINITIALIZED, 41, "thread-new-indirect-uninitialized")         \
    X(BACKPRESSURE_OVERFLOW, 42, "backpressure-overflow")                                 \
    X(UNSUPPORTED_CALLBACK_CODE, 43, "unsupported-callback-code")                         \
    X(CANNOT_RESUME_THREAD, 44, "cannot-resume-thread")                                   \
    X(CONCURRENT_FUTURE_STREAM_OP, 45, "concurrent-future-stream-op")                     \
    X(REFERENCE_COUNT_OVERFLOW, 46, "reference-count-overflow")                           \
    X(STREAM_OP_TOO_BIG, 47, "stream-op-too-big")                                         \
    X(WAITABLE_SYNC_AND_ASYNC, 48, "waitable-sync-and-async")                             \
    X(UNCAUGHT_EXCEPTION, 49, "uncaught-exception")                                       \
    X(ENGINE_PANIC, 254, "engine-panic")                                                  \
    X(UNKNOWN, 255, "unknown")

enum trap_code {
#define TRAP_CODE_ENUM(name, number, text) TRAP_##name = number,
    TRAP_CODE_LIST(TRAP_CODE_ENUM)
#undef TRAP_CODE_ENUM
};

/** The constant name of `code`, "unknown" for a number that has none. Thread: any. */
const char *trap_code_name(int code);
/** Finds a code by its name; false when there is none, and then *code_out is untouched. */
bool trap_code_find(const char *name, enum trap_code *code_out);

#endif
