import Wire

/// Parses response heads (RFC 9112 sections 4 to 6) as strictly as requests: an upstream that frames its answer in two ways gets
/// no say in where the next answer begins.
package enum ResponseHead {
    /// Reads the head at the start of `bytes`, the answer to a request of `method`.
    ///
    /// The head is reset first. When the result is `complete` it owns a copy of the message's bytes, and status, reason (maybe
    /// empty), version and fields are set; in every other case it is empty. HEAD, 1xx, 204 and 304, and a CONNECT that succeeds,
    /// have no body; a Content-Length in a 1xx or 204 answer, which has no meaning there, is marked removed.
    package static func parse(_ bytes: UnsafeRawBufferPointer, answering method: Method, into head: Head) -> HeadResult
    {
        head.reset()
        let all = bytes.bindMemory(to: UInt8.self)
        guard let first = all.baseAddress, all.count > 0 else { return .partial }
        let count = min(all.count, Limits.headBytesMax + 1)
        let result: HeadResult
        switch Scan.headEnd(first, limit: count) {
        case .at(let end): result = whole(first, limit: end, method: method, head: head)
        case .bareLineFeed: result = .failure(.bareLineFeed)
        case .missing: result = unfinished(first, limit: count)
        }
        if case .complete = result { return result }
        head.reset()
        return result
    }

    @inline(never)
    private static func unfinished(_ bytes: UnsafePointer<UInt8>, limit: Int) -> HeadResult {
        if limit > Limits.headBytesMax { return .failure(.headTooLarge) }
        // Another protocol is told apart by its first bytes.
        let start: StaticString = "HTTP/"
        for index in 0..<min(limit, 5) where bytes[index] != start.utf8Start[index] { return .failure(.badStatusLine) }
        return .partial
    }

    private static func whole(_ bytes: UnsafePointer<UInt8>, limit: Int, method: Method, head: Head) -> HeadResult {
        let classes = ByteClass.table
        var cursor = 0
        if let fault = statusLine(bytes, limit: limit, head: head, cursor: &cursor, classes: classes) {
            return .failure(fault)
        }
        var block = FieldBlock(bytes: bytes, limit: limit, cursor: cursor)
        if let fault = block.parse(into: head, classes: classes) { return .failure(fault) }
        guard block.cursor <= Limits.headBytesMax else { return .failure(.headTooLarge) }
        let facts = block.facts
        if let fault = facts.fault(minorVersion: head.minorVersion) { return .failure(fault) }

        head.adopt(UnsafeRawBufferPointer(start: bytes, count: block.cursor))
        let framing = framing(facts, method: method, head: head)
        let persists = framing != .untilClose && facts.persists(minorVersion: head.minorVersion)
        return .complete(consumed: block.cursor, framing: framing, persists: persists)
    }

    private static func framing(_ facts: FramingFacts, method: Method, head: Head) -> BodyFraming {
        if head.status < 200 || head.status == 204 {
            if facts.length != nil { head.removeAll(.contentLength) }
            return .none
        }
        if method == .head || head.status == 304 || (method == .connect && head.status < 300) { return .none }
        if facts.isChunked { return .chunked }
        return facts.length.map { .length($0) } ?? .untilClose
    }

    /// `HTTP/1.x SP 3DIGIT [SP reason]`. The space behind the status may be missing together with the reason.
    @inline(__always)
    private static func statusLine(
        _ bytes: UnsafePointer<UInt8>, limit: Int, head: Head, cursor: inout Int, classes: UnsafePointer<UInt8>
    ) -> HeadFault? {
        guard let minor = RequestLine.version(bytes, available: limit) else { return .badVersion }
        guard limit >= 14, bytes[8] == 0x20 else { return .badStatusLine }
        let (hundreds, tens, ones) = (bytes[9] &- 0x30, bytes[10] &- 0x30, bytes[11] &- 0x30)
        guard hundreds >= 1, hundreds <= 9, tens <= 9, ones <= 9 else { return .badStatusLine }
        var end = 12
        if bytes[12] == 0x20 {
            end = Scan.valueEnd(bytes, from: 13, limit: limit, classes: classes)
            head.reason = Slice(offset: 13, length: end &- 13)
        }
        guard end &+ 1 < limit, bytes[end] == 0x0D, bytes[end &+ 1] == 0x0A else {
            return end < limit && bytes[end] == 0x0A ? .bareLineFeed : .badStatusLine
        }
        cursor = end &+ 2
        head.minorVersion = minor
        head.status = UInt16(hundreds) &* 100 &+ UInt16(tens) &* 10 &+ UInt16(ones)
        return nil
    }
}
