import Testing
import Wire

@testable import HTTP2

struct BlockCacheTests {
    @Test func `a freed block is given out again for any size of its class, and for no other`() {
        let cache = BlockCache()
        let block = cache.take(65)
        cache.give(block)
        #expect(cache.keptBytes == 128)
        let larger = cache.take(129)
        #expect(larger != block)
        #expect(cache.take(128) == block)
        #expect(cache.keptBytes == 0)
        cache.give(block)
        cache.give(larger)
    }

    @Test(arguments: [0, 1, 63, 64, 65, 1023, 1024, 1025, 70_000])
    func `a block holds what was asked for, aligned for any type`(size: Int) {
        let cache = BlockCache()
        for _ in 0..<2 {
            let block = cache.take(size)
            #expect(UInt(bitPattern: block) % 16 == 0)
            block.initializeMemory(as: UInt8.self, repeating: 0xA5, count: size)
            cache.give(block)
        }
    }

    @Test func `a resized block keeps its content`() {
        let cache = BlockCache()
        var block = cache.take(10)
        for (offset, byte) in (0..<10).map({ ($0, UInt8($0)) }) {
            block.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
        }
        for size in [20, 64, 65, 1000, 1024, 1025, 5000, 100] {
            block = cache.resize(block, to: size)
            #expect((0..<10).allSatisfy { block.load(fromByteOffset: $0, as: UInt8.self) == UInt8($0) })
        }
        cache.give(block)
    }

    @Test func `no more is kept than the limit, and large blocks are not kept`() {
        let cache = BlockCache()
        let blocks = (0..<Limits.http2KeptBlockBytesMax / 1024 + 100).map { _ in cache.take(1024) }
        for block in blocks { cache.give(block) }
        #expect(cache.keptBytes <= Limits.http2KeptBlockBytesMax + 1024)
        let kept = cache.keptBytes
        cache.give(cache.take(2000))
        #expect(cache.keptBytes == kept)
    }
}
