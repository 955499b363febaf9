import Wire

/// Reads a chunk's size line: digits, maybe extensions, CR and LF (RFC 9112 section 7.1). No white space may stand before the size
/// or before the line's end, and no LF without CR may end it: there parsers differ, and requests are smuggled.
enum ChunkLine {
    enum Result: Equatable {
        /// The chunk's size, and the length of the line.
        case complete(size: Int, length: Int)
        case partial
        case failure(BodyFault)
    }

    /// Reads the line at the start of `bytes`.
    static func parse(_ bytes: UnsafePointer<UInt8>, count: Int) -> Result {
        var index = 0
        var size: UInt64 = 0
        while index < count, let digit = hexadecimal(bytes[index]) {
            guard index < 16, size <= UInt64(Int64.max) >> 4 else { return .failure(.chunkTooLarge) }
            size = size << 4 | UInt64(digit)
            index += 1
        }
        guard index < count else { return .partial }
        guard index > 0 else { return .failure(.badChunkSize) }
        if bytes[index] == 0x0D { return lineEnd(bytes, at: index, count: count, size: Int(size)) }
        return extensions(bytes, from: index, count: count, size: Int(size))
    }

    @inline(__always)
    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        let decimal = byte &- 0x30
        if decimal <= 9 { return decimal }
        let letter = (byte | 0x20) &- 0x61
        return letter <= 5 ? letter + 10 : nil
    }

    @inline(__always)
    private static func lineEnd(_ bytes: UnsafePointer<UInt8>, at index: Int, count: Int, size: Int) -> Result {
        guard index + 1 < count else { return .partial }
        return bytes[index + 1] == 0x0A ? .complete(size: size, length: index + 2) : .failure(.badChunkSize)
    }

    // MARK: - Extensions

    /// Where in `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )` the reader stands.
    private enum Place { case beforeSemicolon, beforeName, name, afterName, beforeValue, value, quoted, escaped }

    /// Passes over extensions, which are never forwarded.
    private static func extensions(_ bytes: UnsafePointer<UInt8>, from start: Int, count: Int, size: Int) -> Result {
        let classes = ByteClass.table
        var place = Place.beforeSemicolon
        // White space is legal only in front of a semicolon, so the line's end must not follow it.
        var afterSpace = false
        for index in start..<count {
            guard index < Limits.chunkLineBytesMax else { return .failure(.chunkLineTooLong) }
            let byte = bytes[index]
            if byte == 0x0D {
                let mayEnd = place == .beforeSemicolon || place == .name || place == .value
                guard mayEnd, !afterSpace else { return .failure(.badChunkExtension) }
                return lineEnd(bytes, at: index, count: count, size: size)
            }
            guard let next = step(place, byte, classes[Int(byte)]) else {
                return .failure(place == .beforeSemicolon && index == start ? .badChunkSize : .badChunkExtension)
            }
            place = next
            afterSpace = (byte == 0x20 || byte == 0x09) && place == .beforeSemicolon
        }
        return .partial
    }

    private static func step(_ place: Place, _ byte: UInt8, _ classes: UInt8) -> Place? {
        let isToken = classes & ByteClass.token != 0
        let isSpace = byte == 0x20 || byte == 0x09
        switch place {
        case .beforeSemicolon: return byte == 0x3B ? .beforeName : isSpace ? place : nil
        case .beforeName: return isToken ? .name : isSpace ? place : nil
        case .name, .afterName:
            if byte == 0x3D { return .beforeValue }
            if byte == 0x3B { return .beforeName }
            if isSpace { return .afterName }
            return isToken && place == .name ? .name : nil
        case .beforeValue: return byte == 0x22 ? .quoted : isToken ? .value : isSpace ? place : nil
        case .value: return byte == 0x3B ? .beforeName : isSpace ? .beforeSemicolon : isToken ? .value : nil
        case .quoted:
            if byte == 0x22 { return .beforeSemicolon }
            return byte == 0x5C ? .escaped : classes & ByteClass.value != 0 ? .quoted : nil
        case .escaped: return classes & ByteClass.value != 0 ? .quoted : nil
        }
    }
}
