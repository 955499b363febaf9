/// Makes one change of many: a save, a checkout or a ConfigMap swap shows as a burst of events. It is over when nothing
/// happened for a while, and is not waited for longer than a limit.
package struct Settling: Sendable {
    /// Nothing for so long ends a burst.
    package static let quietMilliseconds: UInt64 = 50
    /// No burst is waited for longer.
    package static let burstMilliseconds: UInt64 = 500

    private var first: UInt64?
    private var last: UInt64 = 0

    package init() {}

    /// Something changed.
    package mutating func changed(at now: UInt64) {
        if first == nil { first = now }
        last = now
    }

    /// When to look again, nil while nothing is pending. Monotonic milliseconds.
    package var deadline: UInt64? {
        first.map { min(last + Self.quietMilliseconds, $0 + Self.burstMilliseconds) }
    }

    /// Whether the burst is over; then it is forgotten.
    package mutating func isOver(at now: UInt64) -> Bool {
        guard let deadline, now >= deadline else { return false }
        first = nil
        return true
    }
}
