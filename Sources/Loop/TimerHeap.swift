/// A binary heap of deadlines with at most one entry a handler, which knows its place: removal and advancing need no
/// search. Entries are retained. A handler's deadline may be later than its entry's (see `EventLoop.arm`), never earlier.
struct TimerHeap {
    private struct Entry {
        var deadline: UInt64
        var handler: Unmanaged<EventHandler>
    }

    private var entries: [Entry] = []

    var count: Int { entries.count }

    /// The earliest entry's deadline, or `.max`.
    @inline(__always) var nextDeadline: UInt64 { entries.isEmpty ? .max : entries[0].deadline }

    /// The deadline of the handler's entry, or `.max` when it has none.
    @inline(__always)
    func entryDeadline(of handler: EventHandler) -> UInt64 {
        handler.heapIndex < 0 ? .max : entries[Int(handler.heapIndex)].deadline
    }

    /// Adds an entry for the handler, or makes the one it has earlier. O(log n).
    mutating func insertOrAdvance(_ handler: EventHandler, deadline: UInt64) {
        var index = Int(handler.heapIndex)
        if index < 0 {
            index = entries.count
            entries.append(Entry(deadline: deadline, handler: Unmanaged.passRetained(handler)))
        } else {
            entries[index].deadline = deadline
        }
        siftUp(index)
    }

    /// Takes the handler's entry out and hands its reference to the caller. O(log n).
    mutating func remove(_ handler: EventHandler) -> Unmanaged<EventHandler>? {
        guard handler.heapIndex >= 0 else { return nil }
        return remove(at: Int(handler.heapIndex))
    }

    /// Looks at the first entry, which is due. When the handler's deadline has moved on, the entry follows it and nil is
    /// returned; otherwise the entry is taken out and its reference is the caller's.
    mutating func settleFirst(now: UInt64) -> Unmanaged<EventHandler>? {
        let deadline = entries[0].handler._withUnsafeGuaranteedRef { $0.deadline }
        guard deadline > now, deadline != .max else { return remove(at: 0) }
        entries[0].deadline = deadline
        siftDown(0)
        return nil
    }

    /// Gives up every entry and its reference.
    mutating func removeAll() {
        for entry in entries {
            entry.handler._withUnsafeGuaranteedRef { $0.heapIndex = -1 }
            entry.handler.release()
        }
        entries.removeAll()
    }

    // MARK: Keeping order

    private mutating func remove(at index: Int) -> Unmanaged<EventHandler> {
        let removed = entries[index].handler
        removed._withUnsafeGuaranteedRef { $0.heapIndex = -1 }
        let last = entries.removeLast()
        if index < entries.count {
            entries[index] = last
            siftUp(index)
            siftDown(Int(last.handler._withUnsafeGuaranteedRef { $0.heapIndex }))
        }
        return removed
    }

    private mutating func siftUp(_ start: Int) {
        var index = start
        let entry = entries[index]
        while index > 0 {
            let parent = (index - 1) / 2
            guard entry.deadline < entries[parent].deadline else { break }
            place(entries[parent], at: index)
            index = parent
        }
        place(entry, at: index)
    }

    private mutating func siftDown(_ start: Int) {
        var index = start
        let entry = entries[index]
        while true {
            var child = index * 2 + 1
            guard child < entries.count else { break }
            if child + 1 < entries.count, entries[child + 1].deadline < entries[child].deadline { child += 1 }
            guard entries[child].deadline < entry.deadline else { break }
            place(entries[child], at: index)
            index = child
        }
        place(entry, at: index)
    }

    private mutating func place(_ entry: Entry, at index: Int) {
        entries[index] = entry
        entry.handler._withUnsafeGuaranteedRef { $0.heapIndex = Int32(truncatingIfNeeded: index) }
    }
}
