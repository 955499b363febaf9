import Wire

/// A request's body while somebody still needs its bytes: one list of chunks with a cursor for each reader (the primary attempt,
/// the replay of a retry, mirror copies). Bytes below the lowest cursor are dropped. Positions are counted from the body's start.
///
/// Shared by an exchange and its mirrors, all of one worker; a mirror may outlive the exchange.
final class BodyTee {
    private var first: Buffer?
    private var last: Buffer?
    /// The position of the first byte that is still held, and of the next one that arrives.
    private(set) var start: UInt64 = 0
    private(set) var end: UInt64 = 0
    /// The body is complete.
    private(set) var isComplete = false
    /// The body was cut off: readers must not end their copies as if it were complete.
    private(set) var isAborted = false
    private let pool: BufferPool
    /// A reader's cursor by its number; `UInt64.max` for one that left.
    private var cursors: [UInt64] = []

    init(pool: BufferPool) { self.pool = pool }

    deinit { dropAll() }

    /// Makes it new for another body; its memory stays.
    func reset() {
        dropAll()
        start = 0
        end = 0
        isComplete = false
        isAborted = false
        cursors.removeAll(keepingCapacity: true)
    }

    /// Bytes held.
    var count: Int { Int(end - start) }

    func append(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes
        while !rest.isEmpty {
            if last == nil || last!.room == 0 {
                let buffer = pool.take()
                if let tail = last { tail.next = buffer } else { first = buffer }
                last = buffer
            }
            let taken = last!.append(rest)
            end += UInt64(taken)
            rest = UnsafeRawBufferPointer(rebasing: rest[taken...])
        }
        trim()
    }

    func complete() { isComplete = true }
    func abort() { isAborted = true }

    // MARK: - Readers

    /// A new reader at the first byte that is held; its number.
    func addReader() -> Int {
        cursors.append(start)
        return cursors.count - 1
    }

    func removeReader(_ reader: Int) {
        cursors[reader] = .max
        trim()
    }

    /// How far a reader is behind, in bytes.
    func lag(_ reader: Int) -> Int { Int(end - min(cursors[reader], end)) }

    /// The next contiguous bytes for a reader, empty when it has all there is. Valid until the tee changes.
    func piece(_ reader: Int) -> UnsafeRawBufferPointer {
        var position = start
        var buffer = first
        let cursor = cursors[reader]
        while let current = buffer {
            let size = UInt64(current.count)
            if cursor < position + size {
                return UnsafeRawBufferPointer(rebasing: current.readable[Int(cursor - position)...])
            }
            position += size
            buffer = current.next
        }
        return UnsafeRawBufferPointer(start: nil, count: 0)
    }

    func advance(_ reader: Int, by count: Int) {
        cursors[reader] += UInt64(count)
        assert(cursors[reader] <= end, "a reader cannot pass the end")
        trim()
    }

    /// Sends a reader back to the body's first byte. Only while all of it is held.
    func rewind(_ reader: Int) {
        precondition(start == 0, "a body whose start was dropped cannot be sent again")
        cursors[reader] = 0
    }

    // MARK: - Holding

    private func trim() {
        var lowest = UInt64.max
        for cursor in cursors { lowest = min(lowest, cursor) }
        // Without a reader nothing is needed; with one at the end, whole buffers behind it go.
        let bound = min(lowest, end)
        while let buffer = first, start + UInt64(buffer.count) <= bound, buffer.count > 0 || buffer.room == 0 {
            start += UInt64(buffer.count)
            first = buffer.next
            if first == nil { last = nil }
            buffer.next = nil
            pool.give(buffer)
        }
    }

    private func dropAll() {
        while let buffer = first {
            first = buffer.next
            buffer.next = nil
            pool.give(buffer)
        }
        last = nil
    }
}
