/// The streams of a session by number: open addressing over a power of two, linear probing, deletion by moving back. Stream
/// numbers are odd and consecutive, so halved they spread by themselves. Numbers stand apart from the streams, so that a search
/// touches nothing else.
struct StreamTable: ~Copyable {
    private var ids: ContiguousArray<UInt32> = []
    private var slots: ContiguousArray<HTTP2Stream?> = []
    private(set) var count = 0

    private var mask: Int { ids.count &- 1 }

    private func home(_ id: UInt32) -> Int { Int(id >> 1) & mask }

    /// Where a stream stands; -1: nowhere.
    private func position(_ id: UInt32) -> Int {
        guard count > 0 else { return -1 }
        var index = home(id)
        while ids[index] != 0 {
            if ids[index] == id { return index }
            index = (index &+ 1) & mask
        }
        return -1
    }

    subscript(_ id: UInt32) -> HTTP2Stream? {
        let index = position(id)
        return index < 0 ? nil : slots[index]
    }

    /// Adds a stream whose number is not in the table.
    mutating func insert(_ stream: HTTP2Stream) {
        if (count + 1) * 2 > ids.count { grow() }
        place(stream.id, stream)
        count += 1
    }

    /// Takes a stream out.
    mutating func remove(_ id: UInt32) -> HTTP2Stream? {
        var index = position(id)
        guard index >= 0, let found = slots[index] else { return nil }
        ids[index] = 0
        slots[index] = nil
        count -= 1
        var next = (index &+ 1) & mask
        while ids[next] != 0 {
            // A stream may move into the gap unless its home lies behind the gap.
            let distance = (next &- home(ids[next])) & mask
            if distance >= (next &- index) & mask {
                ids[index] = ids[next]
                slots[index] = slots[next]
                ids[next] = 0
                slots[next] = nil
                index = next
            }
            next = (next &+ 1) & mask
        }
        return found
    }

    /// Every stream, in no order. Cost: the table's size.
    func forEach(_ body: (HTTP2Stream) -> Void) {
        for slot in slots { if let slot { body(slot) } }
    }

    private mutating func grow() {
        let (oldIDs, oldSlots) = (ids, slots)
        ids = ContiguousArray(repeating: 0, count: max(8, oldIDs.count * 2))
        slots = ContiguousArray(repeating: nil, count: ids.count)
        for (id, slot) in zip(oldIDs, oldSlots) where id != 0 { place(id, slot) }
    }

    private mutating func place(_ id: UInt32, _ stream: HTTP2Stream?) {
        var index = home(id)
        while ids[index] != 0 { index = (index &+ 1) & mask }
        ids[index] = id
        slots[index] = stream
    }
}
