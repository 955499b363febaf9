import Synchronization
import Wire

/// Bytes of log lines on their way from one worker to the writer thread: a ring with one producer and one consumer, without locks.
///
/// @unchecked Sendable: each end is touched by one thread; the counts are atomic.
package final class LogRing: @unchecked Sendable {
    private let memory: UnsafeMutableRawPointer
    private let capacity = Limits.logRingBytes
    /// Bytes ever written and ever taken.
    private let written = Atomic<UInt64>(0)
    private let taken = Atomic<UInt64>(0)

    package init() { memory = .allocate(byteCount: Limits.logRingBytes, alignment: 64) }

    deinit { memory.deallocate() }

    /// Adds a whole line, or nothing when there is no room. The worker's end.
    func put(_ line: UnsafeRawBufferPointer) -> Bool {
        let start = written.load(ordering: .relaxed)
        guard let source = line.baseAddress,
            line.count <= capacity - Int(start - taken.load(ordering: .acquiring))
        else { return false }
        let position = Int(start % UInt64(capacity))
        let first = min(line.count, capacity - position)
        (memory + position).copyMemory(from: source, byteCount: first)
        memory.copyMemory(from: source + first, byteCount: line.count - first)
        written.store(start + UInt64(line.count), ordering: .sequentiallyConsistent)
        return true
    }

    /// Whether bytes wait. The writer's end.
    var hasBytes: Bool { written.load(ordering: .sequentiallyConsistent) != taken.load(ordering: .relaxed) }

    /// Gives the waiting bytes to `body`, in one or two pieces; false when none wait. The writer's end.
    func drain(_ body: (UnsafeRawBufferPointer) -> Void) -> Bool {
        let start = taken.load(ordering: .relaxed)
        let count = Int(written.load(ordering: .acquiring) - start)
        guard count > 0 else { return false }
        let position = Int(start % UInt64(capacity))
        let first = min(count, capacity - position)
        body(UnsafeRawBufferPointer(start: memory + position, count: first))
        if first < count { body(UnsafeRawBufferPointer(start: memory, count: count - first)) }
        taken.store(start + UInt64(count), ordering: .releasing)
        return true
    }
}
