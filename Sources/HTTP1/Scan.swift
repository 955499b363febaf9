import Wire

/// Searches over bytes, eight at a time in a plain word. Each has a scalar twin that says the same and that tests hold it to; the
/// twin also finishes the last bytes.
///
/// Not SIMD16: Swift 6.3 compiles a comparison of its lanes to a loop over bytes in memory, which took a tenth of a request.
/// In a word, a byte's high bit marks a hit. Borrows and carries spoil marks only above a hit, so the lowest one is exact.
package enum Scan {
    /// The position of the first byte in `start..<limit` that may not stand in a field value, or `limit`. Behind a well-formed
    /// value that is its CR.
    @inline(__always)
    package static func valueEnd(
        _ bytes: UnsafePointer<UInt8>, from start: Int, limit: Int, classes: UnsafePointer<UInt8>
    )
        -> Int
    {
        var index = start
        while index &+ 8 <= limit {
            let word = Self.word(bytes + index)
            let hit = below(0x20, word) | zero(word ^ (ones &* 0x7F))
            guard hit != 0 else {
                index &+= 8
                continue
            }
            index &+= hit.trailingZeroBitCount &>> 3
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
        var index = start
        while index &+ 8 <= limit {
            let word = Self.word(bytes + index)
            let hit = below(0x21, word) | ((word &+ ones) | word) & highs
            if hit != 0 { return index &+ hit.trailingZeroBitCount &>> 3 }
            index &+= 8
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
        var index = start
        while index &+ 8 <= limit {
            let hit = zero(word(bytes + index) ^ (ones &* 0x0A))
            if hit != 0 { return index &+ hit.trailingZeroBitCount &>> 3 }
            index &+= 8
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

    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highs: UInt64 = 0x8080_8080_8080_8080

    /// Eight bytes, the first lowest.
    @inline(__always)
    private static func word(_ bytes: UnsafePointer<UInt8>) -> UInt64 {
        UInt64(littleEndian: UnsafeRawPointer(bytes).loadUnaligned(as: UInt64.self))
    }

    /// Marks the bytes that are zero.
    @inline(__always)
    private static func zero(_ word: UInt64) -> UInt64 { (word &- ones) & ~word & highs }

    /// Marks the bytes below a bound that is at most 0x80.
    @inline(__always)
    private static func below(_ bound: UInt64, _ word: UInt64) -> UInt64 { (word &- ones &* bound) & ~word & highs }

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
            if index == 0 || bytes[index &- 1] != 0x0D { return .bareLineFeed }
            if index &+ 2 < limit, bytes[index &+ 1] == 0x0D, bytes[index &+ 2] == 0x0A { return .at(index &+ 3) }
            index &+= 1
        }
    }
}
