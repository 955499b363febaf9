/// The streams of a session by number: open addressing over a power of two, linear probing, deletion by moving back. Stream
/// numbers are odd and consecutive, so halved they spread by themselves.
struct StreamTable {
    private var slots: ContiguousArray<HTTP2Stream?> = []
    private(set) var count = 0

    private var mask: Int { slots.count &- 1 }

    private func home(_ id: UInt32) -> Int { Int(id >> 1) & mask }

    subscript(_ id: UInt32) -> HTTP2Stream? {
        guard count > 0 else { return nil }
        var index = home(id)
        while let stream = slots[index] {
            if stream.id == id { return stream }
            index = (index &+ 1) & mask
        }
        return nil
    }

    /// Adds a stream whose number is not in the table.
    mutating func insert(_ stream: HTTP2Stream) {
        if (count + 1) * 2 > slots.count { grow() }
        place(stream)
        count += 1
    }

    /// Takes a stream out.
    mutating func remove(_ id: UInt32) -> HTTP2Stream? {
        guard count > 0 else { return nil }
        var index = home(id)
        while let stream = slots[index], stream.id != id { index = (index &+ 1) & mask }
        guard let found = slots[index] else { return nil }
        slots[index] = nil
        count -= 1
        var next = (index &+ 1) & mask
        while let stream = slots[next] {
            // A stream may move into the gap unless its home lies behind the gap.
            let distance = (next &- home(stream.id)) & mask
            if distance >= (next &- index) & mask {
                slots[index] = stream
                slots[next] = nil
                index = next
            }
            next = (next &+ 1) & mask
        }
        return found
    }

    /// Every stream, in no order. Cost: the table's size.
    func forEach(_ body: (HTTP2Stream) -> Void) {
        for case let stream? in slots { body(stream) }
    }

    private mutating func grow() {
        let old = slots
        slots = ContiguousArray(repeating: nil, count: max(8, old.count * 2))
        for case let stream? in old { place(stream) }
    }

    private mutating func place(_ stream: HTTP2Stream) {
        var index = home(stream.id)
        while slots[index] != nil { index = (index &+ 1) & mask }
        slots[index] = stream
    }
}
