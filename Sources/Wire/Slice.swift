/// A range of bytes inside a head's storage: where a name, a value or a path stands. Offsets survive the storage's growth.
@frozen @usableFromInline
package struct Slice: Equatable, Sendable {
    /// Bytes from the start of the storage.
    @usableFromInline package var offset: UInt32
    /// Bytes.
    @usableFromInline package var length: UInt32

    @inlinable package init(offset: Int, length: Int) {
        self.offset = UInt32(truncatingIfNeeded: offset)
        self.length = UInt32(truncatingIfNeeded: length)
    }

    @inlinable package static var empty: Slice { Slice(offset: 0, length: 0) }
    @inlinable package var isEmpty: Bool { length == 0 }
    @inlinable package var start: Int { Int(offset) }
    @inlinable package var count: Int { Int(length) }
    @inlinable package var end: Int { Int(offset) + Int(length) }
}
