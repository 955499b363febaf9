/// Counts the messages of one direction of a gRPC stream as its bytes pass: each is a flag, four bytes of length and so many bytes
/// (gRPC over HTTP/2, "Length-Prefixed-Message"). Nothing is kept of them; a message counts when its length is known.
struct MessageCounter: BitwiseCopyable {
    /// Messages so far.
    private(set) var count: UInt64 = 0
    /// Bytes of the message under way that have not passed.
    private var left: UInt32 = 0
    private var length: UInt32 = 0
    /// Bytes of the prefix that have passed.
    private var prefix: UInt8 = 0

    private static let prefixBytes: UInt8 = 5

    /// Costs a few steps a message and a piece, whatever their sizes.
    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        var position = 0
        while position < bytes.count {
            if left > 0 {
                let passed = min(Int(left), bytes.count - position)
                left -= UInt32(truncatingIfNeeded: passed)
                position += passed
                continue
            }
            // The flag is shifted out by the four bytes behind it.
            length = length << 8 | UInt32(bytes[position])
            position += 1
            prefix += 1
            if prefix == Self.prefixBytes {
                count &+= 1
                left = length
                length = 0
                prefix = 0
            }
        }
    }
}
