import Wire

/// Text assembled in a piece of memory; what does not fit is left out.
struct TextWriter {
    private let memory: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(_ memory: UnsafeMutableRawBufferPointer) { self.memory = memory }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(memory)[..<count]) }
    var room: Int { memory.count - count }

    /// Not for the hot path.
    mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    mutating func append(_ text: StaticString) {
        append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        let taken = min(bytes.count, room)
        guard taken > 0, let source = bytes.baseAddress, let target = memory.baseAddress else { return }
        (target + count).copyMemory(from: source, byteCount: taken)
        count += taken
    }

    mutating func append(byte: UInt8) {
        guard room > 0 else { return }
        memory[count] = byte
        count += 1
    }

    mutating func append(decimal number: UInt64) {
        withUnsafeTemporaryAllocation(byteCount: 20, alignment: 1) { digits in
            var position = 20
            var rest = number
            repeat {
                position -= 1
                digits[position] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            } while rest > 0
            append(UnsafeRawBufferPointer(rebasing: digits[position...]))
        }
    }

    /// A number with leading zeros up to `width` digits.
    mutating func append(_ number: UInt64, width: Int) {
        var power: UInt64 = 1
        for _ in 1..<max(width, 1) { power *= 10 }
        while power > 1, number < power {
            append(byte: UInt8(ascii: "0"))
            power /= 10
        }
        append(decimal: number)
    }
}
