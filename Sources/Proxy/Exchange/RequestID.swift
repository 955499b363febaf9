/// A UUID of version 4 (RFC 9562 section 5.4) in its text form, as `x-request-id` carries it.
///
/// Eight digits at once: digit by digit it took 6 % of the user instructions of a keep-alive request.
enum RequestID {
    static let bytes = 36

    /// Writes the text of 122 random bits, taken from two words, to `bytes` bytes of memory.
    static func write(_ first: UInt64, _ second: UInt64, to text: UnsafeMutableRawBufferPointer) {
        let high = first & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
        let low = second & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        let inner = digits(high)
        let outer = digits(low >> 32)
        let dash = UInt8(ascii: "-")
        text.storeBytes(of: digits(high >> 32), as: UInt64.self)
        text[8] = dash
        text.storeBytes(of: UInt32(truncatingIfNeeded: inner), toByteOffset: 9, as: UInt32.self)
        text[13] = dash
        text.storeBytes(of: UInt32(truncatingIfNeeded: inner >> 32), toByteOffset: 14, as: UInt32.self)
        text[18] = dash
        text.storeBytes(of: UInt32(truncatingIfNeeded: outer), toByteOffset: 19, as: UInt32.self)
        text[23] = dash
        text.storeBytes(of: UInt32(truncatingIfNeeded: outer >> 32), toByteOffset: 24, as: UInt32.self)
        text.storeBytes(of: digits(low), toByteOffset: 28, as: UInt64.self)
    }

    /// The eight hexadecimal digits of a word's lower half, a byte each, the first one lowest.
    @inline(__always)
    private static func digits(_ word: UInt64) -> UInt64 {
        var x = UInt64(UInt32(truncatingIfNeeded: word).byteSwapped)
        x = (x | x << 16) & 0x0000_FFFF_0000_FFFF
        x = (x | x << 8) & 0x00FF_00FF_00FF_00FF
        x = (x >> 4 | x << 8) & 0x0F0F_0F0F_0F0F_0F0F
        // 1 in the bytes of 10 and above, which are letters.
        let letters = (x &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return x &+ 0x3030_3030_3030_3030 &+ letters &* 39
    }
}
