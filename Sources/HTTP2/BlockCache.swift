import Wire

/// Memory for nghttp2. It takes and frees a dozen small blocks for each request: streams, outbound frames, copies of fields,
/// entries of the tables of header compression. The cache keeps freed blocks by size and gives them out again, so that a busy
/// worker does not go to the allocator for them. One worker's, not thread-safe.
///
/// Each block stands behind a header that says its size; blocks above `sizeMax` are the allocator's.
final class BlockCache {
    private static let step = 64
    private static let sizeMax = 1024
    /// Keeps what follows aligned for any type.
    private static let headerBytes = 16

    /// By size class, the last freed block, which holds the one before it.
    private let free: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    private(set) var keptBytes = 0

    init() {
        free = .allocate(capacity: Self.sizeMax / Self.step)
        free.initialize(repeating: nil, count: Self.sizeMax / Self.step)
    }

    deinit {
        for index in 0..<Self.sizeMax / Self.step {
            while let block = free[index] {
                free[index] = block.load(as: UnsafeMutableRawPointer?.self)
                Self.release(block)
            }
        }
        free.deallocate()
    }

    /// A block of at least `size` bytes, not cleared.
    func take(_ size: Int) -> UnsafeMutableRawPointer {
        guard size <= Self.sizeMax else { return Self.allocate(size) }
        let index = max(0, size &- 1) / Self.step
        guard let block = free[index] else { return Self.allocate((index + 1) * Self.step) }
        free[index] = block.load(as: UnsafeMutableRawPointer?.self)
        keptBytes &-= (index &+ 1) &* Self.step
        return block
    }

    /// Takes a block back. Beyond `Limits.http2KeptBlockBytesMax` it is freed.
    func give(_ block: UnsafeMutableRawPointer) {
        let size = Self.size(block)
        guard size <= Self.sizeMax, keptBytes <= Limits.http2KeptBlockBytesMax else { return Self.release(block) }
        let index = size / Self.step &- 1
        block.storeBytes(of: free[index], as: UnsafeMutableRawPointer?.self)
        free[index] = block
        keptBytes &+= size
    }

    /// The block, or another with its content, of at least `size` bytes.
    func resize(_ block: UnsafeMutableRawPointer, to size: Int) -> UnsafeMutableRawPointer {
        let old = Self.size(block)
        if size <= old { return block }
        let larger = take(size)
        larger.copyMemory(from: block, byteCount: old)
        give(block)
        return larger
    }

    // MARK: - Blocks

    private static func allocate(_ size: Int) -> UnsafeMutableRawPointer {
        let base = UnsafeMutableRawPointer.allocate(byteCount: headerBytes + size, alignment: headerBytes)
        base.storeBytes(of: size, as: Int.self)
        return base + headerBytes
    }

    private static func release(_ block: UnsafeMutableRawPointer) { (block - headerBytes).deallocate() }

    private static func size(_ block: UnsafeMutableRawPointer) -> Int { (block - headerBytes).load(as: Int.self) }
}
