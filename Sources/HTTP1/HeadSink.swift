import Wire

/// A cursor into a buffer's free room. What does not fit is not written, and the sink stays full from then on, so that a writer
/// asks once, at its end.
struct HeadSink {
    private var cursor: UnsafeMutablePointer<UInt8>
    private var room: Int
    private(set) var isFull = false

    init(_ buffer: Buffer) {
        cursor = buffer.base + buffer.end
        room = buffer.room
    }

    /// Makes what was written part of the buffer. False, and nothing, if it did not all fit.
    @inline(__always)
    func commit(to buffer: Buffer) -> Bool {
        if isFull { return false }
        buffer.end = cursor - buffer.base
        return true
    }

    @inline(__always)
    mutating func put(_ bytes: UnsafePointer<UInt8>, count: Int) {
        guard count <= room, !isFull else {
            isFull = true
            return
        }
        UnsafeMutableRawPointer(cursor).copyMemory(from: bytes, byteCount: count)
        cursor += count
        room &-= count
    }

    @inline(__always)
    mutating func put(_ string: StaticString) { put(string.utf8Start, count: string.utf8CodeUnitCount) }

    /// Writes a number in decimal.
    mutating func put(decimal number: UInt64) { put(number, radix: 10) }

    /// Writes a number in lower-case hexadecimal.
    mutating func put(hexadecimal number: UInt64) { put(number, radix: 16) }

    @inline(__always)
    private mutating func put(_ number: UInt64, radix: UInt64) {
        var rest = number
        var digits = 1
        while rest >= radix {
            rest /= radix
            digits += 1
        }
        guard digits <= room, !isFull else {
            isFull = true
            return
        }
        rest = number
        var position = digits
        while position > 0 {
            position -= 1
            let digit = UInt8(truncatingIfNeeded: rest % radix)
            cursor[position] = digit < 10 ? 0x30 + digit : 0x57 + digit
            rest /= radix
        }
        cursor += digits
        room -= digits
    }
}
