import Wire

/// A UUID of version 4 (RFC 9562 section 5.4) in its text form, as `x-request-id` carries it.
///
/// Sixteen digits at once: digit by digit it took 6 % of the instructions of a keep-alive request.
enum RequestID {
    static let bytes = 36

    /// Writes the text of 122 random bits, taken from two words, to `bytes` bytes of memory.
    static func write(_ first: UInt64, _ second: UInt64, to text: UnsafeMutableRawBufferPointer) {
        let high = digits(first & 0xFFFF_FFFF_FFFF_0FFF | 0x4000)
        let low = digits(second & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000)
        let dash = UInt8(ascii: "-")
        text[8] = dash
        text[13] = dash
        text[18] = dash
        text[23] = dash
        text.storeBytes(of: high[0], as: UInt64.self)
        text.storeBytes(of: UInt32(truncatingIfNeeded: high[1]), toByteOffset: 9, as: UInt32.self)
        text.storeBytes(of: UInt32(truncatingIfNeeded: high[1] >> 32), toByteOffset: 14, as: UInt32.self)
        text.storeBytes(of: UInt32(truncatingIfNeeded: low[0]), toByteOffset: 19, as: UInt32.self)
        text.storeBytes(of: UInt32(truncatingIfNeeded: low[0] >> 32), toByteOffset: 24, as: UInt32.self)
        text.storeBytes(of: low[1], toByteOffset: 28, as: UInt64.self)
    }

    /// The hexadecimal digits of a word, in the order of memory.
    private static func digits(_ word: UInt64) -> SIMD2<UInt64> {
        let bytes = unsafeBitCast(word.bigEndian, to: SIMD8<UInt8>.self)
        var digits = SIMD16<UInt8>()
        digits.evenHalf = bytes &>> 4
        digits.oddHalf = bytes & 15
        let letters = digits &+ (UInt8(ascii: "a") - 10)
        return unsafeBitCast(
            (digits &+ UInt8(ascii: "0")).replacing(with: letters, where: digits .> 9), to: SIMD2<UInt64>.self)
    }
}
