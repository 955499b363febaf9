import Wire

/// Takes a chunked body apart (RFC 9112 section 7.1) without holding any of it: the caller keeps bytes that were not consumed and
/// calls again with them and with more. What may wait so is bounded: a size line, or the trailers.
package struct ChunkedReader {
    /// What the bytes at the front are.
    package enum Step: Equatable, Sendable {
        /// `bytes[range]` is content, never empty. Deliver it, then drop `consumed` bytes and call again.
        case data(Range<Int>, consumed: Int)
        /// Nothing to deliver. Drop `consumed` bytes and call again once there are more.
        case needMore(consumed: Int)
        /// The body is over: drop `consumed` bytes. The trailers, maybe none, are in the head that was passed.
        case end(consumed: Int)
        /// The body is malformed.
        case failure(BodyFault)
    }

    private enum State { case size, content, contentEnd, trailers, over }
    private var state = State.size
    /// Bytes of the chunk that did not come yet.
    private var remaining = 0

    package init() {}

    /// Looks at the front of `bytes`. `trailers` is reset and filled when the last chunk was read; trailer fields that would frame
    /// or route the message are a fault, and those that a recipient could take for credentials, for the proxy's own statements or
    /// for the connection's are marked removed (RFC 9110 section 6.5.1).
    ///
    /// Cost: constant for content, linear for a size line; a size line or trailers in pieces are read again each time.
    package mutating func next(_ bytes: UnsafeRawBufferPointer, trailers: Head) -> Step {
        guard let start = bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count > 0 else {
            return state == .over ? .end(consumed: 0) : .needMore(consumed: 0)
        }
        var cursor = 0
        while true {
            switch state {
            case .contentEnd:
                guard start[cursor] == 0x0D else { return .failure(.badChunkEnd) }
                guard cursor + 1 < bytes.count else { return .needMore(consumed: cursor) }
                guard start[cursor + 1] == 0x0A else { return .failure(.badChunkEnd) }
                cursor += 2
                state = .size
            case .size:
                switch ChunkLine.parse(start + cursor, count: bytes.count - cursor) {
                case .partial: return .needMore(consumed: cursor)
                case .failure(let fault): return .failure(fault)
                case .complete(let size, let length):
                    cursor += length
                    remaining = size
                    state = size == 0 ? .trailers : .content
                }
            case .content:
                let count = min(remaining, bytes.count - cursor)
                let range = cursor..<(cursor + count)
                remaining -= count
                if remaining > 0 { return .data(range, consumed: range.upperBound) }
                return finishChunk(start, range: range, count: bytes.count)
            case .trailers:
                return readTrailers(
                    UnsafeRawBufferPointer(rebasing: bytes[cursor...]), consumed: cursor, into: trailers)
            case .over:
                return .end(consumed: cursor)
            }
            if cursor == bytes.count { return .needMore(consumed: cursor) }
        }
    }

    /// Delivers a chunk's last bytes, and takes the line end behind them along if it is there.
    private mutating func finishChunk(_ start: UnsafePointer<UInt8>, range: Range<Int>, count: Int) -> Step {
        let end = range.upperBound
        if end + 1 < count, start[end] == 0x0D, start[end + 1] == 0x0A {
            state = .size
            return .data(range, consumed: end + 2)
        }
        state = .contentEnd
        return .data(range, consumed: end)
    }

    // MARK: - Trailers

    private mutating func readTrailers(_ bytes: UnsafeRawBufferPointer, consumed: Int, into trailers: Head) -> Step {
        let start = bytes.bindMemory(to: UInt8.self).baseAddress!
        guard start[0] != 0x0D else {
            guard bytes.count > 1 else { return .needMore(consumed: consumed) }
            guard start[1] == 0x0A else { return .failure(.badTrailer) }
            trailers.reset()
            state = .over
            return .end(consumed: consumed + 2)
        }
        let limit = min(bytes.count, Limits.trailerBytesMax + 1)
        guard case .at(let end) = Scan.headEnd(start, limit: limit) else {
            if case .bareLineFeed = Scan.headEnd(start, limit: limit) { return .failure(.badTrailer) }
            return limit > Limits.trailerBytesMax ? .failure(.trailersTooLarge) : .needMore(consumed: consumed)
        }
        trailers.reset()
        var block = FieldBlock(bytes: start, limit: end, cursor: 0)
        if let fault = block.parse(into: trailers, classes: ByteClass.table) {
            trailers.reset()
            switch fault {
            case .tooManyFields: return .failure(.trailersTooLarge)
            case .repeatedHost, .repeatedContentLength, .badContentLength, .repeatedTransferEncoding:
                return .failure(.forbiddenTrailer)
            default: return .failure(.badTrailer)
            }
        }
        guard block.cursor <= Limits.trailerBytesMax else {
            trailers.reset()
            return .failure(.trailersTooLarge)
        }
        if trailers.has(.contentLength) || trailers.has(.transferEncoding) || trailers.has(.host) {
            trailers.reset()
            return .failure(.forbiddenTrailer)
        }
        trailers.adopt(UnsafeRawBufferPointer(start: start, count: block.cursor))
        Self.dropMisplaced(trailers)
        state = .over
        return .end(consumed: consumed + block.cursor)
    }

    /// Marks fields removed that have no business in trailers: a recipient that merges them into the head would believe them.
    private static func dropMisplaced(_ trailers: Head) {
        for index in 0..<trailers.fieldCount {
            switch trailers.fields[index].id {
            case .connection, .keepAlive, .proxyConnection, .te, .trailer, .upgrade, .expect, .http2Settings,
                .authorization, .proxyAuthorization, .cookie, .setCookie, .contentType, .contentEncoding,
                .xForwardedFor, .xForwardedProto, .xForwardedHost, .xForwardedPort, .xForwardedClientCert,
                .xRequestID, .xEnvoy:
                trailers.fields[index].isRemoved = true
            default: break
            }
        }
    }
}
