import Glibc
import Wire

// Hosts and paths are hashed, compared and searched eight bytes at a time. Benchmark: `decide` took 1721 instructions
// for a Host of 37 bytes when it went byte by byte, half of them in the hash.

/// Eight bytes from `index` on as one number, the first byte lowest; fewer at the end, zeros above them.
@inline(__always)
func word(_ bytes: UnsafeRawBufferPointer, at index: Int) -> UInt64 {
    let count = bytes.count
    if index + 8 <= count { return UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)) }
    guard index < count else { return 0 }
    // The last whole word holds the rest in its upper bytes.
    if count >= 8 {
        let last = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self))
        return last >> UInt64((8 - (count - index)) * 8)
    }
    var word: UInt64 = 0
    var position = count
    while position > index {
        position -= 1
        word = word << 8 | UInt64(bytes[position])
    }
    return word
}

/// A word with its ASCII capitals made small.
@inline(__always)
func lowered(_ word: UInt64) -> UInt64 {
    let low = word & 0x7F7F_7F7F_7F7F_7F7F
    let fromA = low &+ 0x3F3F_3F3F_3F3F_3F3F
    let afterZ = low &+ 0x2525_2525_2525_2525
    let capitals = (fromA ^ afterZ) & ~word & 0x8080_8080_8080_8080
    return word | capitals >> 2
}

/// An ASCII capital as its small letter; every other byte as it is.
@inline(__always)
func lowered(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

/// The position of the first byte that is `first` or `second`; the count where there is none.
@inline(__always)
func firstIndex(of first: UInt8, or second: UInt8, in bytes: UnsafeRawBufferPointer, from start: Int = 0) -> Int {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let firsts = ones &* UInt64(first)
    let seconds = ones &* UInt64(second)
    var index = start
    while index < bytes.count {
        let word = word(bytes, at: index)
        // A byte that was equal is zero now, and the lowest zero byte is the lowest with its high bit set here.
        let one = word ^ firsts
        let other = word ^ seconds
        let found = ((one &- ones) & ~one | (other &- ones) & ~other) & 0x8080_8080_8080_8080
        if found != 0 { return min(index + found.trailingZeroBitCount / 8, bytes.count) }
        index += 8
    }
    return bytes.count
}

/// Whether `bytes`, at least as long as `expected`, begin with it.
@inline(__always)
func begins(_ bytes: UnsafeRawBufferPointer, _ expected: UnsafeRawBufferPointer) -> Bool {
    assert(bytes.count >= expected.count)
    guard let start = bytes.baseAddress, let other = expected.baseAddress else { return expected.isEmpty }
    return memcmp(start, other, expected.count) == 0
}

/// The same without regard to ASCII case; `expected` is lower case.
@inline(__always)
func beginsIgnoringCase(_ bytes: UnsafeRawBufferPointer, _ expected: UnsafeRawBufferPointer) -> Bool {
    assert(bytes.count >= expected.count)
    let bytes = UnsafeRawBufferPointer(rebasing: bytes[..<expected.count])
    var index = 0
    while index < expected.count {
        if lowered(word(bytes, at: index)) != word(expected, at: index) { return false }
        index += 8
    }
    return true
}

/// The hash of a byte string, fed word by word, so that longer and longer prefixes of one text share the work. The seed
/// keeps hashes from being known outside of the process.
struct WordHash {
    private var state: UInt64

    @inline(__always)
    init(seed: UInt64) { state = seed }

    /// Adds eight bytes.
    @inline(__always)
    mutating func add(_ word: UInt64) {
        state = (state ^ word) &* 0x9E37_79B9_7F4A_7C15
        state ^= state >> 32
    }

    /// The hash of the words so far and the bytes after them (fewer than eight, zeros above), `count` bytes in all.
    @inline(__always)
    func finish(_ rest: UInt64, count: Int) -> UInt32 {
        let mixed = (state ^ rest ^ UInt64(truncatingIfNeeded: count) << 56) &* 0xD6E8_FEB8_6659_FD93
        return UInt32(truncatingIfNeeded: (mixed ^ mixed >> 29) >> 16)
    }

    /// The hash of a whole text, as it is or with its capitals made small.
    @inline(__always)
    static func of(_ bytes: UnsafeRawBufferPointer, seed: UInt64, ignoringCase: Bool) -> UInt32 {
        var hash = WordHash(seed: seed)
        var index = 0
        while index + 8 <= bytes.count {
            let word = word(bytes, at: index)
            hash.add(ignoringCase ? lowered(word) : word)
            index += 8
        }
        let rest = word(bytes, at: index)
        return hash.finish(ignoringCase ? lowered(rest) : rest, count: bytes.count)
    }
}
