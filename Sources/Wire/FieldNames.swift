/// Finds a `FieldName` by its bytes: two folded words of the name are hashed into a flat table of 128 slots, so that an unknown
/// name costs one look at an empty slot and a known one a comparison of two words. The benchmark that wanted it: heads of
/// ten fields, where a walk over an array of candidates for each length was a third of the time.
@frozen @usableFromInline
package struct FieldNames {
    /// A known name: its folded first and last eight bytes and, for what lies between, its spelling.
    @frozen @usableFromInline
    struct Slot {
        @usableFromInline var first: UInt64
        @usableFromInline var last: UInt64
        @usableFromInline var spelling: UnsafePointer<UInt8>
        /// 0 marks an empty slot.
        @usableFromInline var count: UInt8
        @usableFromInline var name: FieldName
    }

    @usableFromInline let slots: UnsafePointer<Slot>

    /// The table. Built once, never freed, read by all threads. Take it once per head: the accessor costs a call.
    package nonisolated(unsafe) static let shared = FieldNames()

    private static let xEnvoyPrefix: StaticString = "x-envoy-"
    @inlinable static var slotMask: Int { 127 }
    /// The eight bytes of `x-envoy-`, little-endian.
    @inlinable static var xEnvoyWord: UInt64 { 0x2D79_6F76_6E65_2D78 }

    private init() {
        let slots = UnsafeMutablePointer<Slot>.allocate(capacity: Self.slotMask + 1)
        let empty = Slot(first: 0, last: 0, spelling: Self.xEnvoyPrefix.utf8Start, count: 0, name: .other)
        slots.initialize(repeating: empty, count: Self.slotMask + 1)
        for name in FieldName.allCases where name.spelling.utf8CodeUnitCount > 0 {
            let bytes = name.spelling.utf8Start
            let count = name.spelling.utf8CodeUnitCount
            let (first, last) = Self.words(bytes, count: count)
            var index = Self.index(first, last, count: count)
            while slots[index].count != 0 { index = (index + 1) & Self.slotMask }
            slots[index] = Slot(first: first, last: last, spelling: bytes, count: UInt8(count), name: name)
        }
        self.slots = UnsafePointer(slots)
    }

    /// The name that `bytes` spell, without regard to case. They must be token characters: a control byte could pass for a
    /// dash or a digit.
    @inlinable package func identify(_ bytes: UnsafePointer<UInt8>, count: Int) -> FieldName {
        if count < 2 || count > 32 { return Self.isXEnvoy(bytes, count: count) ? .xEnvoy : .other }
        let (first, last) = Self.words(bytes, count: count)
        var index = Self.index(first, last, count: count)
        while true {
            let slot = slots + index
            if slot.pointee.count == 0 { break }
            if slot.pointee.first == first, slot.pointee.last == last, Int(slot.pointee.count) == count,
                count <= 16 || equalIgnoringCase(bytes + 8, slot.pointee.spelling + 8, count: count - 16)
            {
                return slot.pointee.name
            }
            index = (index &+ 1) & Self.slotMask
        }
        return count >= 8 && first == Self.xEnvoyWord ? .xEnvoy : .other
    }

    /// The name that `bytes` spell. For callers that look at a single name.
    package static func identify(_ bytes: UnsafePointer<UInt8>, count: Int) -> FieldName {
        shared.identify(bytes, count: count)
    }

    @inlinable static func isXEnvoy(_ bytes: UnsafePointer<UInt8>, count: Int) -> Bool {
        count >= 8 && words(bytes, count: 8).0 == xEnvoyWord
    }

    /// The first and the last eight bytes (overlapping; four, or two, when there are fewer), upper case folded to lower.
    @inlinable @inline(__always)
    static func words(_ bytes: UnsafePointer<UInt8>, count: Int) -> (UInt64, UInt64) {
        let raw = UnsafeRawPointer(bytes)
        let fold: UInt64 = 0x2020_2020_2020_2020
        if count >= 8 {
            return (
                UInt64(littleEndian: raw.loadUnaligned(as: UInt64.self)) | fold,
                UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)) | fold
            )
        }
        if count >= 4 {
            return (
                UInt64(UInt32(littleEndian: raw.loadUnaligned(as: UInt32.self))) | fold,
                UInt64(UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self))) | fold
            )
        }
        return (
            UInt64(UInt16(littleEndian: raw.loadUnaligned(as: UInt16.self))) | fold,
            UInt64(UInt16(littleEndian: raw.loadUnaligned(fromByteOffset: count - 2, as: UInt16.self))) | fold
        )
    }

    @inlinable @inline(__always)
    static func index(_ first: UInt64, _ last: UInt64, count: Int) -> Int {
        let mixed =
            (first ^ (last &* 0x9E37_79B9_7F4A_7C15) &+ UInt64(truncatingIfNeeded: count)) &* 0xD6E8_FEB8_6659_FD93
        return Int(truncatingIfNeeded: mixed >> 57)
    }
}

/// Compares `count` bytes without regard to ASCII case. `lower` must be lower case already.
@inlinable
package func equalIgnoringCase(_ bytes: UnsafePointer<UInt8>, _ lower: UnsafePointer<UInt8>, count: Int) -> Bool {
    var index = 0
    while index < count {
        let byte = bytes[index]
        let folded = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
        if folded != lower[index] { return false }
        index += 1
    }
    return true
}
