import HTTP1
import Wire

// Chunked bodies, the same towards clients and endpoints.
extension Connection {
    /// Sends bytes as one chunk. Returns false when the peer is slow, as `write` does.
    func writeChunk(_ bytes: UnsafeRawBufferPointer) -> Bool {
        _ = HeadWriter.chunkHeader(size: bytes.count, to: claimRoom(HeadWriter.chunkFramingBytesMax))
        commitOutput()
        write(bytes)
        let end = HeadWriter.chunkEnd
        return write(UnsafeRawBufferPointer(start: end.utf8Start, count: end.utf8CodeUnitCount))
    }

    /// Sends the last chunk, with trailers if there are any. Trailers that do not fit are left out.
    func writeLastChunk(trailers: Head?) {
        let out = claimRoom(16 + (trailers?.storageUsed ?? 0) * 2)
        if !HeadWriter.lastChunk(trailers: trailers, to: out) { _ = HeadWriter.lastChunk(trailers: nil, to: out) }
        commitOutput()
    }

    /// The output buffer with room for `count` more bytes, as far as it ever has.
    private func claimRoom(_ count: Int) -> Buffer {
        let out = claimOutput()
        if out.room >= count { return out }
        flush()
        return claimOutput()
    }
}
