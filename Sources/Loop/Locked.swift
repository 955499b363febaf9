import CEventLoop

/// A value behind a lock that threads share, for what is rare; nothing on the request path takes a lock.
///
/// It stands on a POSIX mutex rather than on Synchronization's `Mutex`, because the thread sanitizer cannot see the slow
/// path of the latter and takes every contended access for a race (6.3.1: 34 false reports in this room's tests).
///
/// Unchecked: the value is reached with the lock held only.
package final class Locked<Value>: @unchecked Sendable {
    private var value: Value
    private let mutex: OpaquePointer

    package init(_ value: sending Value) {
        self.value = value
        guard let mutex = outrider_mutex_create() else { fatalError("no memory for a lock") }
        self.mutex = mutex
    }

    deinit { outrider_mutex_destroy(mutex) }

    /// Runs `body` with the value. It must neither wait for anything nor take this lock again.
    package func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        outrider_mutex_lock(mutex)
        defer { outrider_mutex_unlock(mutex) }
        return try body(&value)
    }
}
