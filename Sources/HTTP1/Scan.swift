import Wire

/// Searches over bytes, sixteen at a time. Each has a scalar twin that says the same and that tests hold it to; the twin also
/// finishes the last bytes. A browser's head of 703 bytes parses in 265 ns so, and in 310 ns with words of eight bytes.
///
/// Operands are vectors on both sides: with a scalar on one, the operator is a generic one that goes lane by lane, and the same
/// head took 7,900 ns.
package enum Scan {
    /// The position of the first byte in `start..<limit` that may not stand in a field value, or `limit`. Behind a well-formed
    /// value that is its CR.
    @inline(__always)
    package static func valueEnd(
        _ bytes: UnsafePointer<UInt8>, from start: Int, limit: Int, classes: UnsafePointer<UInt8>
    )
        -> Int
    {
        let spaces = SIMD16<UInt8>(repeating: 0x20)
        let deletes = SIMD16<UInt8>(repeating: 0x7F)
        var index = start
        while index &+ 16 <= limit {
            let block = UnsafeRawPointer(bytes + index).loadUnaligned(as: SIMD16<UInt8>.self)
            let hit = (block .< spaces) .| (block .== deletes)
            guard let offset = firstSet(hit) else {
                index &+= 16
                continue
            }
            index &+= offset
            if bytes[index] != 0x09 { return index }
            index &+= 1
        }
        return valueEndScalar(bytes, from: index, limit: limit, classes: classes)
    }

    /// The scalar twin of `valueEnd`.
    @inline(__always)
    package static func valueEndScalar(
        _ bytes: UnsafePointer<UInt8>, from start: Int, limit: Int, classes: UnsafePointer<UInt8>
    ) -> Int {
        run(bytes, of: ByteClass.value, from: start, limit: limit, classes: classes)
    }

    /// The position of the first byte that is not visible ASCII, or `limit`. Behind a target that is its space.
    @inline(__always)
    package static func targetEnd(
        _ bytes: UnsafePointer<UInt8>, from start: Int, limit: Int, classes: UnsafePointer<UInt8>
    )
        -> Int
    {
        let first = SIMD16<UInt8>(repeating: 0x21)
        let span = SIMD16<UInt8>(repeating: 0x5D)
        var index = start
        while index &+ 16 <= limit {
            let block = UnsafeRawPointer(bytes + index).loadUnaligned(as: SIMD16<UInt8>.self)
            // Subtracting makes the bytes below 0x21 wrap round to the top.
            if let offset = firstSet((block &- first) .> span) { return index &+ offset }
            index &+= 16
        }
        return targetEndScalar(bytes, from: index, limit: limit, classes: classes)
    }

    /// The scalar twin of `targetEnd`.
    @inline(__always)
    package static func targetEndScalar(
        _ bytes: UnsafePointer<UInt8>, from start: Int, limit: Int, classes: UnsafePointer<UInt8>
    ) -> Int {
        run(bytes, of: ByteClass.target, from: start, limit: limit, classes: classes)
    }

    /// The position of the first LF, or `limit`.
    @inline(__always)
    package static func lineFeed(_ bytes: UnsafePointer<UInt8>, from start: Int, limit: Int) -> Int {
        let lineFeeds = SIMD16<UInt8>(repeating: 0x0A)
        var index = start
        while index &+ 16 <= limit {
            let block = UnsafeRawPointer(bytes + index).loadUnaligned(as: SIMD16<UInt8>.self)
            if let offset = firstSet(block .== lineFeeds) { return index &+ offset }
            index &+= 16
        }
        return lineFeedScalar(bytes, from: index, limit: limit)
    }

    /// The scalar twin of `lineFeed`.
    @inline(__always)
    package static func lineFeedScalar(_ bytes: UnsafePointer<UInt8>, from start: Int, limit: Int) -> Int {
        var index = start
        while index < limit, bytes[index] != 0x0A { index &+= 1 }
        return index
    }

    /// The position of the first byte outside a class, or `limit`.
    @inline(__always)
    static func run(
        _ bytes: UnsafePointer<UInt8>, of byteClass: UInt8, from start: Int, limit: Int, classes: UnsafePointer<UInt8>
    ) -> Int {
        var index = start
        while index < limit, classes[Int(bytes[index])] & byteClass != 0 { index &+= 1 }
        return index
    }

    /// The first lane that is set.
    @inline(__always)
    private static func firstSet(_ mask: SIMDMask<SIMD16<Int8>>) -> Int? {
        let words = unsafeBitCast(mask, to: SIMD2<UInt64>.self)
        if words[0] != 0 { return words[0].trailingZeroBitCount >> 3 }
        if words[1] != 0 { return 8 &+ words[1].trailingZeroBitCount >> 3 }
        return nil
    }

    // MARK: - The end of a head

    /// What a search for the empty line found.
    package enum HeadEnd: Equatable {
        /// The head ends before this position.
        case at(Int)
        case missing
        case bareLineFeed
    }

    /// Looks for the empty line that ends a head or trailers of which at least one line precedes it. A quick look at each line's
    /// end and at nothing else, so that a head that arrives in pieces is parsed once.
    package static func headEnd(_ bytes: UnsafePointer<UInt8>, limit: Int) -> HeadEnd {
        // Most requests have no body and come alone: the end of the head is the end of what was read.
        if limit >= 4,
            UnsafeRawPointer(bytes + limit - 4).loadUnaligned(as: UInt32.self) == UInt32(littleEndian: 0x0A0D_0A0D)
        {
            return .at(limit)
        }
        var index = 0
        while true {
            index = lineFeed(bytes, from: index, limit: limit)
            if index == limit { return .missing }
            if index == 0 || bytes[index - 1] != 0x0D { return .bareLineFeed }
            if index + 2 < limit, bytes[index + 1] == 0x0D, bytes[index + 2] == 0x0A { return .at(index + 3) }
            index += 1
        }
    }
}
