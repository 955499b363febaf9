import CEventLoop

/// The clocks, for threads that have no loop. On a loop's thread use `EventLoop.now`, which costs nothing.
package enum Clock {
    /// Monotonic milliseconds: the time of `EventLoop.now`.
    package static var monotonicMilliseconds: UInt64 { read().monotonic_ns / 1_000_000 }
    /// Monotonic nanoseconds.
    package static var monotonicNanoseconds: UInt64 { read().monotonic_ns }
    /// Milliseconds since 1970, by the calendar.
    package static var realtimeMilliseconds: UInt64 { read().realtime_ms }

    private static func read() -> outrider_clocks {
        var clocks = outrider_clocks()
        outrider_read_clocks(&clocks)
        return clocks
    }
}
