import Wire

/// The end of a process, in order: readiness fails while accepting goes on (who sends traffic needs a moment to notice), every
/// answer says `connection: close`, and when nothing is open any more, or time is up, the listeners close. A machine: inputs are
/// signals, the clock and the number of open connections.
package struct Drain: Sendable {
    package enum Phase: Equatable, Sendable {
        case serving
        /// Not ready any more; accepts and answers, every connection for the last time.
        case draining
        /// The listeners are to close and the process is to end.
        case over
    }

    /// Times of a drain, in milliseconds.
    package struct Times: Equatable, Sendable {
        /// Accepting goes on for at least so long, even with nothing open.
        package var least: UInt64
        /// Whatever is open after so long is cut.
        package var most: UInt64

        package init(least: UInt64 = 1000, most: UInt64 = UInt64(Limits.drainTimeoutMilliseconds)) {
            self.least = least
            self.most = most
        }
    }

    package private(set) var phase = Phase.serving
    private var since: UInt64 = 0
    private var times = Times()

    package init() {}

    /// A signal to end. A second one ends at once.
    package mutating func begin(at now: UInt64, times: Times) {
        switch phase {
        case .serving:
            phase = .draining
            since = now
            self.times = times
        case .draining, .over:
            phase = .over
        }
    }

    /// Looks again. `open` is the number of client connections.
    package mutating func look(at now: UInt64, open: Int) {
        guard phase == .draining else { return }
        let elapsed = now - min(now, since)
        if elapsed >= times.most || (open <= 0 && elapsed >= times.least) { phase = .over }
    }

    /// When to look again; nil while serving.
    package func nextLook(at now: UInt64) -> UInt64? { phase == .draining ? now + 50 : nil }
}
