import Synchronization

/// A span of memory that is filled at its end and emptied at its start. It belongs to one worker's pool.
@usableFromInline
package final class Buffer {
    @usableFromInline package let base: UnsafeMutablePointer<UInt8>
    @usableFromInline package let capacity: Int
    /// The first byte not taken yet, and the first free one.
    @usableFromInline package var start = 0
    @usableFromInline package var end = 0
    /// The next buffer in a queue or in the pool's free list.
    @usableFromInline package var next: Buffer?

    package init(capacity: Int) {
        self.capacity = capacity
        base = .allocate(capacity: capacity)
    }

    deinit { base.deallocate() }

    /// Bytes that wait to be taken.
    @inlinable package var count: Int { end - start }
    @inlinable package var isEmpty: Bool { end == start }
    /// Bytes that can be added without moving anything.
    @inlinable package var room: Int { capacity - end }

    /// What waits.
    @inlinable package var readable: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base + start, count: end - start)
    }

    /// Where more can go.
    @inlinable package var writable: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: base + end, count: capacity - end)
    }

    /// Takes `count` bytes off the start.
    @inlinable package func consume(_ count: Int) {
        precondition(count >= 0 && count <= end - start, "only waiting bytes can be taken")
        start += count
        if start == end {
            start = 0
            end = 0
        }
    }

    /// Adds bytes at the end as far as they fit; returns how many.
    @inlinable package func append(_ bytes: UnsafeRawBufferPointer) -> Int {
        let count = min(bytes.count, room)
        if count > 0, let source = bytes.baseAddress {
            UnsafeMutableRawPointer(base + end).copyMemory(from: source, byteCount: count)
            end += count
        }
        return count
    }

    /// Moves what waits to the front.
    @inlinable package func compact() {
        guard start > 0 else { return }
        let count = end - start
        UnsafeMutableRawPointer(base).copyMemory(from: base + start, byteCount: count)
        start = 0
        end = count
    }
}

/// One worker's buffers: taken when bytes wait, given back when none do, so that an idle connection holds none.
@usableFromInline
package final class BufferPool {
    private var free: Buffer?
    private var freeCount = 0
    /// Where other threads read `bytesOut`, and who owns that memory.
    private let gauge: UnsafeMutablePointer<Atomic<UInt64>>?
    private let owner: AnyObject?
    /// Bytes of all buffers that are out, of any size. The base of memory limits.
    package private(set) var bytesOut = 0 {
        didSet { gauge?.pointee.store(UInt64(bytesOut), ordering: .relaxed) }
    }

    package init(gauge: UnsafeMutablePointer<Atomic<UInt64>>? = nil, of owner: AnyObject? = nil) {
        self.gauge = gauge
        self.owner = owner
    }

    /// A buffer of at least `capacity` bytes; of `Limits.bufferBytes` when less is asked for.
    package func take(capacity: Int = Limits.bufferBytes) -> Buffer {
        if capacity <= Limits.bufferBytes, let buffer = free {
            free = buffer.next
            buffer.next = nil
            freeCount -= 1
            bytesOut += buffer.capacity
            return buffer
        }
        let buffer = Buffer(capacity: max(capacity, Limits.bufferBytes))
        bytesOut += buffer.capacity
        return buffer
    }

    /// Takes a buffer back, empty or not.
    package func give(_ buffer: Buffer) {
        bytesOut -= buffer.capacity
        buffer.start = 0
        buffer.end = 0
        guard buffer.capacity == Limits.bufferBytes, freeCount < Limits.pooledBuffersMax else { return }
        buffer.next = free
        free = buffer
        freeCount += 1
    }
}
