import Wire

/// Events that wait to be taken, first in, first out. The array is kept; it grows to the busiest turn.
struct EventQueue {
    private struct Entry {
        let event: HTTP2Event
        var head: Head?
    }

    private var entries: ContiguousArray<Entry> = []
    private var first = 0

    var isEmpty: Bool { first == entries.count }

    mutating func append(_ event: HTTP2Event, head: Head? = nil) {
        entries.append(Entry(event: event, head: head))
    }

    /// The next event, and the head that goes with it.
    mutating func next() -> (HTTP2Event, Head?)? {
        guard first < entries.count else { return nil }
        let event = entries[first].event
        let head = entries[first].head
        entries[first].head = nil
        first += 1
        if first == entries.count {
            entries.removeAll(keepingCapacity: entries.capacity <= 4096)
            first = 0
        }
        return (event, head)
    }

    /// Says of the last event that its message is over, if it is a part of this stream's body.
    mutating func endLast(_ stream: UInt32) -> Bool {
        guard let last = entries.indices.last, last >= first,
            case .data(stream, let bytes, _) = entries[last].event
        else { return false }
        entries[last] = Entry(event: .data(stream: stream, bytes: bytes, end: true), head: nil)
        return true
    }
}
