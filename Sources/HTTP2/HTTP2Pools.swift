import CNghttp2
import Wire

/// One worker's reusable objects for all its sessions, so that an idle connection holds none of them.
package final class HTTP2Pools {
    package let buffers: BufferPool
    private var heads: ContiguousArray<Head> = []
    private var streams: ContiguousArray<HTTP2Stream> = []
    /// Where a head's fields are listed for nghttp2, which copies them.
    let list: FieldList
    /// nghttp2's own memory.
    let blocks = BlockCache()
    /// Stands where no head is being read. Never filled.
    let placeholder = Head(storageCapacity: 16)

    package init(buffers: BufferPool) {
        self.buffers = buffers
        list = FieldList()
    }

    /// An empty head.
    package func takeHead() -> Head { heads.popLast() ?? Head() }

    /// Takes a head back.
    package func give(_ head: Head) {
        guard heads.count < Limits.http2PooledHeadsMax else { return }
        head.reset()
        heads.append(head)
    }

    func takeStream(_ id: UInt32, now: UInt64) -> HTTP2Stream {
        let stream = streams.popLast() ?? HTTP2Stream()
        stream.open(id, now: now)
        return stream
    }

    func give(_ stream: HTTP2Stream) {
        stream.id = 0
        stream.queue.clear(pool: buffers)
        if let trailers = stream.trailers { give(trailers) }
        stream.trailers = nil
        guard streams.count < Limits.http2PooledStreamsMax else { return }
        streams.append(stream)
    }
}
