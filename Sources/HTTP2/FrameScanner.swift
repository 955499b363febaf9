/// A frame's header, and for padded DATA what is left of it without the padding.
package struct FrameHeader: Equatable, Sendable {
    package var type: UInt8
    package var flags: UInt8
    package var stream: UInt32
    /// Bytes of the payload; content bytes for DATA.
    package var length: Int

    package init(type: UInt8, flags: UInt8, stream: UInt32, length: Int) {
        self.type = type
        self.flags = flags
        self.stream = stream
        self.length = length
    }
}

/// Finds frame headers in a stream of bytes that arrives in any pieces, and looks at nothing else. It sees every frame, those too
/// that nghttp2 passes over without a call, and sees it before nghttp2 spends anything on it.
package struct FrameScanner: Sendable {
    /// Bytes to pass over: the client's preface, then payloads.
    private var skip: Int
    /// A header's bytes so far, the first in the highest place.
    private var bits: UInt64 = 0
    private var last: UInt8 = 0
    private var collected = 0

    /// `preface`: bytes before the first frame.
    package init(preface: Int) { skip = preface }

    /// The next header in `bytes` from `offset` on, which moves along. Nil: all was looked at.
    package mutating func next(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> FrameHeader? {
        while true {
            let step = min(skip, bytes.count &- offset)
            skip &-= step
            offset &+= step
            while offset < bytes.count {
                let byte = bytes[offset]
                offset &+= 1
                collected &+= 1
                if collected <= 8 {
                    bits = bits << 8 | UInt64(byte)
                } else if collected == 9 {
                    last = byte
                    if isPaddedData { continue }
                    return finish(padding: nil)
                } else {
                    return finish(padding: byte)
                }
            }
            return nil
        }
    }

    private var length: Int { Int(bits >> 40) }

    /// DATA with a pad length behind its header.
    private var isPaddedData: Bool { (bits >> 32) & 0xFF == 0 && (bits >> 24) & 0x8 != 0 && length > 0 }

    private mutating func finish(padding: UInt8?) -> FrameHeader {
        var header = FrameHeader(
            type: UInt8(truncatingIfNeeded: bits >> 32), flags: UInt8(truncatingIfNeeded: bits >> 24),
            stream: UInt32(truncatingIfNeeded: (bits & 0x7F_FFFF) << 8) | UInt32(last), length: length)
        skip = length
        if let padding {
            skip -= 1
            header.length = max(0, length - 1 - Int(padding))
        }
        bits = 0
        collected = 0
        return header
    }
}
