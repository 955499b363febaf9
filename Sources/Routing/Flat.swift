/// An immutable array of plain records, read through a pointer: no reference counting, and indices still checked, since
/// a decision of another generation must never read past the end. Its owner frees it.
///
/// Inlinable, as are the getters of records above it: an exchange reads some for each request, and a call into this room would
/// count a reference to a table that all workers share.
@usableFromInline
struct Flat<Element: BitwiseCopyable>: @unchecked Sendable {
    @usableFromInline let base: UnsafePointer<Element>
    @usableFromInline let count: Int

    init(_ elements: [Element]) {
        let memory = UnsafeMutablePointer<Element>.allocate(capacity: max(elements.count, 1))
        elements.withUnsafeBufferPointer {
            if let source = $0.baseAddress { memory.initialize(from: source, count: $0.count) }
        }
        base = UnsafePointer(memory)
        count = elements.count
    }

    @inlinable @inline(__always)
    subscript(index: Int32) -> Element {
        precondition(UInt(bitPattern: Int(index)) < UInt(bitPattern: count), "the index belongs to another table")
        return base[Int(index)]
    }

    /// A record in place, for those too large to copy.
    @inline(__always)
    func at(_ index: Int32) -> UnsafePointer<Element> {
        precondition(UInt(bitPattern: Int(index)) < UInt(bitPattern: count), "the index belongs to another table")
        return base + Int(index)
    }

    func free() { base.deallocate() }
}

/// A run of records in a `Flat`.
package struct Run: BitwiseCopyable, Sendable {
    package var start: Int32
    package var count: Int32

    static let empty = Run(start: 0, count: 0)

    package var indices: Range<Int32> { start..<(start + count) }
    package var isEmpty: Bool { count == 0 }
}
