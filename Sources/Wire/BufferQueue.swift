/// Bytes that wait for a peer, first in, first out, in buffers of a pool. Empty, it holds none.
@usableFromInline
package struct BufferQueue {
    package private(set) var head: Buffer?
    private var tail: Buffer?
    /// Bytes that wait.
    @usableFromInline package private(set) var count = 0

    package init() {}

    @inlinable package var isEmpty: Bool { count == 0 }

    /// Copies all bytes to the end.
    package mutating func append(_ bytes: UnsafeRawBufferPointer, pool: BufferPool) {
        var rest = bytes
        while !rest.isEmpty {
            if tail == nil || tail!.room == 0 {
                let buffer = pool.take()
                if let last = tail { last.next = buffer } else { head = buffer }
                tail = buffer
            }
            let taken = tail!.append(rest)
            count += taken
            rest = UnsafeRawBufferPointer(rebasing: rest[taken...])
        }
    }

    /// Takes `taken` bytes off the front; emptied buffers go back to the pool.
    package mutating func consume(_ taken: Int, pool: BufferPool) {
        precondition(taken <= count, "only waiting bytes can be taken")
        count -= taken
        var left = taken
        while left > 0, let first = head {
            let step = min(left, first.count)
            first.consume(step)
            left -= step
            if first.isEmpty { dropFirst(pool) }
        }
    }

    /// Drops everything.
    package mutating func clear(pool: BufferPool) {
        while head != nil { dropFirst(pool) }
        count = 0
    }

    private mutating func dropFirst(_ pool: BufferPool) {
        guard let first = head else { return }
        head = first.next
        if head == nil { tail = nil }
        first.next = nil
        pool.give(first)
    }
}
